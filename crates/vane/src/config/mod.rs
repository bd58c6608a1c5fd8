//! Configuration: one TOML file, every value also an environment variable, sane without either.
//!
//! One file per concern. [`Config`] is what the rest of the program sees: checked, typed, with
//! secrets resolved. Nothing outside this folder reads the environment.

mod base_url;
mod catalog;
mod credential;
mod environment;
mod guest;
mod limits;
mod load;
mod local;
mod model;
pub(crate) mod nearest;
mod needs;
mod node;
mod outbound;
mod payments;
mod people;
mod problem;
mod provider;
pub(crate) mod quantity;
mod read;
mod reader;
mod receipts;
mod secret;
mod section;
mod server;
mod shared;
mod site;
mod speaks;
#[cfg(test)]
mod tests;
mod waiting;
mod weights;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use vane_ledger::journal::Durability;

pub(crate) use catalog::extended;
pub use catalog::{CatalogFault, CatalogFile, base, catalog};
pub use environment::Environment;
pub use load::Reading;
pub use needs::{how_to_name_models, names_its_own_models, variables as variables_of};
pub use people::Entry;
pub use problem::{Place, Problem, Warning};
pub(crate) use reader::variable_name;
pub(crate) use receipts::KEEP_DAYS_MIN;

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen (`VANE_LISTEN`).
    pub listen: SocketAddr,
    /// `sqlite:PATH` or `postgres://...`, which holds a password (`VANE_DATABASE`).
    pub database: Secret,
    /// What a settlement must outlive before the last byte of its answer is told.
    pub durability: Durability,
    /// The folder of the journal, instead of the one beside the database.
    pub journal: Option<PathBuf>,
    /// `VANE_SECRET`: the secret behind hashes and seals, instead of the file beside the database.
    pub secret: Option<Secret>,
    /// `auth = "off"` is refused off-loopback.
    pub auth: bool,
    /// Certificate and key files, for TLS with ALPN.
    pub tls: Option<Tls>,
    /// Worker threads; each runs its own connections.
    pub workers: usize,
    /// Addresses whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Host names this server answers to besides addresses and localhost (S12).
    pub hosts: Vec<String>,
    /// `/metrics` also for callers that are not on loopback.
    pub metrics_public: bool,
    /// What to log (`VANE_LOG`): a level, or a level for each module.
    pub log: String,
    pub limits: Limits,
    /// `None` while each process counts for itself.
    pub shared_limits: Option<SharedLimits>,
    pub timeouts: Timeouts,
    pub retries: Retries,
    pub outbound: Outbound,
    /// What an account that was made by signing up gets.
    pub sign_up: Option<SignUp>,
    /// `None` while nobody can pay.
    pub payments: Option<Payments>,
    pub people: People,
    pub receipts: Receipts,
    pub site: Site,
    pub guest: Guest,
    pub weights: Weights,
    /// Offers over those of the built-in catalogue (`VANE_CATALOG`).
    pub catalog: Option<CatalogFile>,
    pub providers: Vec<Provider>,
    /// Those of the catalogue that lack nothing but a key.
    pub keyless: Vec<Provider>,
    pub engine: Engine,
    /// Models that run on this machine.
    pub local: Vec<Local>,
}

/// A text that never shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<secret>")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// An address range such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    pub address: std::net::IpAddr,
    pub prefix: u8,
}

impl Network {
    /// Whether `address` is in the range; one of IPv4 that is written as IPv6 is one of IPv4.
    #[must_use]
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        let same = |ours: u128, theirs: u128, bits: u32| {
            let dropped = bits.saturating_sub(u32::from(self.prefix));
            ours.checked_shr(dropped).unwrap_or(0) == theirs.checked_shr(dropped).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (V4(ours), V4(theirs)) => {
                same(ours.to_bits().into(), theirs.to_bits().into(), u32::BITS)
            }
            (V6(ours), V6(theirs)) => same(ours.to_bits(), theirs.to_bits(), u128::BITS),
            (V4(_), V6(_)) | (V6(_), V4(_)) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// 32 MiB.
    pub body_bytes_max: usize,
    /// 2 GiB: the bodies of all requests that this process has in hand.
    pub bodies_bytes_max: usize,
    /// 4 KiB: what of a request's body must come in every second, on average.
    pub body_bytes_per_second_min: usize,
    /// 64 KiB: all header lines of a request.
    pub header_bytes_max: usize,
    /// 16 MiB: one frame of an upstream's stream.
    pub frame_bytes_max: usize,
    /// 64 MiB: a whole unary answer of an upstream.
    pub answer_bytes_max: usize,
    /// 16,384: calls of one key at a time.
    pub concurrent_per_key_max: usize,
    /// 65,536: open inbound connections.
    pub connections_max: usize,
    /// 100,000: idempotency keys that an account may have in use.
    pub idempotency_keys_max: usize,
    /// 256 MiB: what is kept of an account's answers to calls with such keys.
    pub idempotency_bytes_max: usize,
}

/// `limits.shared`: limits of keys that hold over all replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLimits {
    pub server: SharedServer,
    /// 50 ms: the longest that a call waits for the server.
    pub wait: Duration,
    /// 1 s: an answer that takes longer is none.
    pub answer: Duration,
    /// 1 s: how long a start waits to learn whether the server is there.
    pub start: Duration,
    /// 1: as many replicas share a limit at least while the server is away.
    pub replicas: u32,
}

/// A server that speaks the protocol of Valkey and Redis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedServer {
    pub tls: bool,
    pub host: String,
    pub port: u16,
    /// Empty for the server's default user.
    pub user: String,
    pub password: Option<Secret>,
    pub database: u32,
}

#[derive(Debug, Clone)]
pub struct Timeouts {
    /// 5 s: an inbound head, from its first byte.
    pub inbound_head: Duration,
    /// 10 s: how long an inbound body may take at any pace.
    pub inbound_body: Duration,
    /// 3 s.
    pub connect: Duration,
    /// 600 s: until an upstream's head.
    pub upstream_head: Duration,
    /// 300 s: between two reads of an upstream's answer.
    pub idle: Duration,
    /// 60 min: a whole stream.
    pub stream: Duration,
    /// 10 s: when a streamed answer's head is sent even without content.
    pub forced_head: Duration,
    /// 15 s: the longest silence towards a streaming client.
    pub keep_alive: Duration,
    /// 30 s: how long a drain lets running calls finish.
    pub drain: Duration,
}

#[derive(Debug, Clone)]
pub struct Retries {
    /// 4: attempts of one call, over all its offers.
    pub attempts_max: usize,
    /// 2: attempts at one offer.
    pub per_offer_max: usize,
    /// 20: retries allowed for every 100 calls, over all calls.
    pub budget_percent: u32,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Outbound {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    pub https_proxy: Option<String>,
    pub http_proxy: Option<String>,
    pub no_proxy: Option<String>,
    /// PEM files of certificate authorities trusted besides the public ones.
    pub extra_ca: Vec<PathBuf>,
}

/// `[receipts]`: how long they are kept.
#[derive(Debug, Clone, Default)]
pub struct Receipts {
    /// For ever where there is none.
    pub keep_days: Option<i64>,
}

/// `[credits]`: promotional credit for who signs up.
#[derive(Debug, Clone)]
pub struct SignUp {
    pub amount: vane_catalog::Money,
    /// It ends after so many days; never where there is none.
    pub expires_days: Option<i64>,
}

/// `[payments]`: topping accounts up through Stripe, in US dollars.
#[derive(Debug, Clone)]
pub struct Payments {
    pub secret_key: Secret,
    pub webhook_secret: Secret,
    pub top_up_min: vane_catalog::Money,
    pub top_up_max: vane_catalog::Money,
    /// Of the amount, on top of it: one is one percent.
    pub fee_percent: vane_catalog::Money,
    /// On top of that.
    pub fee_fixed: vane_catalog::Money,
    pub api_base: String,
    pub success_url: String,
    pub cancel_url: String,
}

/// `[guest]`: what visitors of the playground may do who have not signed in. They call what is
/// `free` and nothing else, whatever stands here.
#[derive(Debug, Clone)]
pub struct Guest {
    /// On at a loopback address that has no `hosts`, off elsewhere.
    pub enabled: bool,
    /// 10: calls of one address.
    pub requests_per_minute: u32,
    /// 1,024: of all answers of a call together.
    pub output_tokens_max: u64,
    /// 64 KiB: the body of a call.
    pub body_bytes_max: usize,
}

/// `[people]`: who comes in by the console.
#[derive(Debug, Clone, Copy)]
pub struct People {
    /// Closed, unless it is said otherwise.
    pub entry: Entry,
    /// 7: a session that is not used for so long is over.
    pub idle_days: i64,
    /// 30: any session is over then.
    pub session_days: i64,
    /// 100: so many may sign up without a link in any 24 hours.
    pub sign_ups_per_day: i64,
}

/// `[weights]`: weights of models, on this machine and where they are pulled from.
#[derive(Debug, Clone)]
pub struct Weights {
    pub folder: PathBuf,
    /// The hub or a mirror of it, without a slash at its end (`HF_ENDPOINT`).
    pub hub: String,
    /// Told to the hub and to no other host (`HF_TOKEN`).
    pub token: Option<Secret>,
    /// Models, and whose tokenizer is theirs: a name of weights that are here, or a path.
    pub tokenizers: Vec<(String, String)>,
}

/// `[site]`: what pages say of this server.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The address others reach this server at, without a path.
    pub url: Option<String>,
    pub currencies: Vec<Currency>,
}

/// A currency that prices are also shown in.
#[derive(Debug, Clone)]
pub struct Currency {
    /// Three capitals.
    pub code: String,
    /// How much of it a dollar is.
    pub per_usd: vane_catalog::Factor,
}

/// `[engine]`: how models run on this machine, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Engine {
    /// The program that runs them; none is this one.
    pub program: Option<PathBuf>,
    /// Where those programs find a device's libraries, beside where the system does.
    pub libraries: Option<PathBuf>,
    /// Whether the model that is part of the program is there to be called; where nothing is said, it
    /// is while nothing else is.
    pub tiny: Option<bool>,
    /// 30 s: the longest that a call waits for a model to be loaded.
    pub wait: Duration,
    /// 120 s: the longest silence of a process before it is ended.
    pub deadline: Duration,
    /// 10 min: a model that is asked nothing for so long is unloaded.
    pub idle: Duration,
}

/// `[[local]]`: a model that runs on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    pub id: String,
    pub idle: Duration,
    /// It is loaded at the start, not with the first call.
    pub preload: bool,
    pub(crate) orders: crate::engine::Orders,
}

/// A provider that is on: it has a base URL and, where it needs one, a key.
#[derive(Clone)]
pub struct Provider {
    pub id: String,
    pub base_url: String,
    pub api_key: Option<Secret>,
    /// For a provider that is not in the catalogue, or to override its row: dialect -> path.
    pub speaks: Vec<(vane_dialect::Dialect, String)>,
    /// How the key is sent; `None` takes the catalogue's (bearer where it says nothing).
    pub auth: Option<Auth>,
    /// Quirks on top of the catalogue's.
    pub quirks: Vec<vane_dialect::quirk::Quirk>,
    /// Further fixed headers.
    pub headers: Vec<(String, String)>,
    /// The models of the catalogue that it serves; `None` is all of them.
    pub only: Option<Vec<String>>,
    /// Models the operator adds at this provider, or whose prices they set.
    pub models: Vec<Model>,
    /// Talk HTTP/2 without TLS.
    pub h2c: bool,
    /// The key is the one that the database keeps, and not the configuration's.
    pub is_kept: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Bearer,
    /// Anthropic's `x-api-key`.
    XApiKey,
    /// Azure's `api-key`.
    ApiKey,
    None,
}

/// `models = [{ id, upstream, input, output, ... }]` of a provider. Prices are decimal texts, USD
/// per million tokens.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub id: String,
    /// What the provider calls it; empty is the catalogue's word for it, or the id.
    pub upstream: String,
    /// The offer of the catalogue that it is like.
    pub like: Option<String>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub cache_read: Option<String>,
    pub cache_write: Option<String>,
    /// USD for one use of what is billed by the piece.
    pub per_use: vane_catalog::PerUse,
    pub free: bool,
    pub fim: bool,
    pub tools: bool,
    pub vision: bool,
    pub reasoning: bool,
    pub embeddings: bool,
    /// False of one that completes texts and holds no conversation.
    pub chat: Option<bool>,
    pub context_window: Option<u64>,
    pub max_output: Option<u64>,
}
