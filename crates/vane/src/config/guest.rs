//! Guests of the playground: whether there are any, and how much they may ask for.
//!
//! Invariant: where strangers can reach the server, nobody is a guest unless the operator says so.
//! That guests call nothing that costs is no setting.

use super::Guest;
use super::read::{boolean, integer, size};
use super::section::Section;

impl Guest {
    pub(super) fn read(mut section: Section<'_>, is_for_one_machine: bool) -> Self {
        let minute = section.take("requests_per_minute", integer(1..=100_000));
        let minute = minute.and_then(|calls| u32::try_from(calls).ok());
        let output = section.take("output_tokens_max", integer(1..=1_000_000));
        let body = section.take("body_bytes_max", size(("1KiB", "32MiB")));
        let guest = Self {
            enabled: section
                .take("enabled", boolean)
                .unwrap_or(is_for_one_machine),
            requests_per_minute: minute.unwrap_or(10),
            output_tokens_max: output.unwrap_or(1_024),
            body_bytes_max: body.unwrap_or(64 << 10),
        };
        section.finish();
        guest
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{good, problems};

    #[test]
    fn s5_there_are_no_guests_where_strangers_come_unless_it_is_said() {
        let secret = "0123456789abcdef".repeat(4);
        let open = format!("listen = \"0.0.0.0:8787\"\nsecret = \"{secret}\"\n");
        for (text, enabled) in [
            (String::new(), true),
            ("hosts = [\"vane.example.com\"]".to_owned(), false),
            ("trusted_proxies = [\"127.0.0.1\"]".to_owned(), false),
            (open.clone(), false),
            (format!("{open}[guest]\nenabled = true"), true),
            ("[guest]\nenabled = false".to_owned(), false),
        ] {
            assert_eq!(good("guest", &text, &[]).guest.enabled, enabled, "{text}");
        }
    }

    #[test]
    fn a_guests_limits_are_read_and_nonsense_is_named() {
        let text =
            "[guest]\nrequests_per_minute = 3\noutput_tokens_max = 9\nbody_bytes_max = \"2KiB\"";
        let guest = good("guest", text, &[]).guest;
        let read = (guest.requests_per_minute, guest.output_tokens_max);
        assert_eq!((read, guest.body_bytes_max), ((3, 9), 2_048));
        for key in [
            "requests_per_minute",
            "output_tokens_max",
            "body_bytes_max",
            "models",
        ] {
            let found = problems("guest", &format!("[guest]\n{key} = 0"), &[]);
            assert!(found.len() == 1 && found[0].contains(key), "{found:?}");
        }
    }
}
