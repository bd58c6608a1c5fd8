//! What a running server takes up only when it is started anew.

use super::Config;

impl Config {
    /// The keys that `next` has another value for and that stay as they are here until the next
    /// start.
    #[must_use]
    pub fn waiting_in(&self, next: &Self) -> Vec<&'static str> {
        let (limits, other) = (&self.limits, &next.limits);
        let changed = [
            ("listen", self.listen != next.listen),
            ("tls", self.tls != next.tls),
            ("database", self.database != next.database),
            ("durability", self.durability != next.durability),
            ("journal", self.journal != next.journal),
            ("secret", self.secret != next.secret),
            ("workers", self.workers != next.workers),
            ("outbound", self.outbound != next.outbound),
            ("log", self.log != next.log),
            (
                "limits.connections_max",
                limits.connections_max != other.connections_max,
            ),
            (
                "limits.concurrent_per_key_max",
                limits.concurrent_per_key_max != other.concurrent_per_key_max,
            ),
            (
                "limits.header_bytes_max",
                limits.header_bytes_max != other.header_bytes_max,
            ),
            ("limits.shared", self.shared_limits != next.shared_limits),
            (
                "timeouts.inbound_head",
                self.timeouts.inbound_head != next.timeouts.inbound_head,
            ),
            (
                "timeouts.connect",
                self.timeouts.connect != next.timeouts.connect,
            ),
        ];
        let waiting = changed.into_iter().filter(|(_, changed)| *changed);
        waiting.map(|(key, _)| key).collect()
    }
}
