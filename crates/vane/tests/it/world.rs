//! A gateway with everything around it: fake providers, an account, a key, an access log.
//!
//! Providers `lab`, `openai`, `google`, `resp`, `anthropic` and `mistral` are played by `fake`; `spare` and
//! `spare-claude` by `second`. Every price is set here, so that costs can be reckoned by hand.
//! Invariant: when a world ends, its server has stopped, no call is left running, and the books hold.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use vane::config::{Config, Environment};
use vane::gateway::{Gateway, State};
use vane::server::{Server, serve};
use vane::telemetry::{AccessLog, Telemetry};
use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Source};
use vane_ledger::{AccountId, AccountKind, Author, Clock, Member, NewKey, Role, Secret, Store};
use vane_testkit::{FakeUpstream, Settings};

use crate::client::{Ask, Connection, Reply, Stream, within};
use crate::log::Log;

/// The instant at which every test happens.
pub(crate) const NOW: i64 = 1_796_000_000;
/// A quarter of the digits of the secret behind all keys.
const SECRET: &str = "0123456789abcdef";
/// The credential of every provider.
pub(crate) const PROVIDER_KEY: &str = "provider-credential-canary";

pub(crate) struct World {
    pub(crate) fake: FakeUpstream,
    pub(crate) second: FakeUpstream,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) account: AccountId,
    pub(crate) key: String,
    pub(crate) log: Log,
    _folder: Folder,
    server: Option<Server>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// With changes to the configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let settings = Settings {
            key: Some(PROVIDER_KEY.to_owned()),
            ..Settings::default()
        };
        Self::between(settings, change).await
    }

    /// With fakes that behave otherwise.
    pub(crate) async fn between(settings: Settings, change: impl FnOnce(&mut Config)) -> Self {
        Self::of(settings.clone(), settings, change).await
    }

    /// With two fakes that differ.
    pub(crate) async fn of(
        settings: Settings,
        second: Settings,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let fake = FakeUpstream::with(settings).await.unwrap();
        let second = FakeUpstream::with(second).await.unwrap();
        let folder = Folder::new();
        let mut config = read(&folder, &configuration(&fake, &second), &[]).unwrap();
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.workers = 2;
        config.timeouts.drain = Duration::from_secs(5);
        change(&mut config);
        let secret = Secret::from_hex(&SECRET.repeat(4), "secret").unwrap();
        let store = Store::open_with(&config.database.0, secret).unwrap();
        // A replica comes upon what another one has made.
        let account = match store.find_account("team").unwrap() {
            Some(account) => account.id,
            None => {
                let made = store.create_account("team", AccountKind::Metered, NOW);
                made.unwrap().id
            }
        };
        let key = store.create_key(account, &named("key"), NOW).unwrap();
        let log = Log::default();
        let telemetry = Telemetry::new(AccessLog::start(log.clone()).unwrap());
        let state = State::new(config).unwrap();
        let gateway = Gateway::new(state, store, Clock::manual(NOW), telemetry).unwrap();
        let gateway = Arc::new(gateway);
        let server = serve(gateway.clone()).unwrap();
        Self {
            fake,
            second,
            gateway,
            address: server.address,
            account,
            key: key.expose().to_owned(),
            log,
            _folder: folder,
            server: Some(server),
        }
    }

    /// Another key of the account.
    pub(crate) fn new_key(&self, new: &NewKey) -> vane_ledger::Key {
        let store = &self.gateway.store;
        store.create_key(self.account, new, NOW).unwrap()
    }

    /// A member of the account, and a key that acts for it. An account has an owner first.
    pub(crate) fn member(&self, name: &str, role: Role) -> (Member, String) {
        self.member_of(self.account, name, role)
    }

    pub(crate) fn member_of(&self, account: AccountId, name: &str, role: Role) -> (Member, String) {
        let store = &self.gateway.store;
        let (by, email) = (Author::operator(NOW), format!("{name}@example.com"));
        let member = store.add_member(&by, account, &email, role).unwrap();
        let new = NewKey {
            member: Some(member.id.clone()),
            ..named(name)
        };
        let key = store.create_key(account, &new, NOW).unwrap();
        (member, key.expose().to_owned())
    }

    /// A key of an account that has five dollars and may spend no more.
    pub(crate) fn prepaid_key(&self) -> vane_ledger::Key {
        self.key_with("5")
    }

    /// A key of an account that has so much and may spend no more.
    pub(crate) fn key_with(&self, usd: &str) -> vane_ledger::Key {
        let store = &self.gateway.store;
        let open = |account| Op {
            id: "opening".into(),
            at: NOW,
            instance: 0,
            act: Act::Grant {
                account,
                amount: Money::parse(usd).unwrap(),
                source: Source::Cash,
                reason: "paid".into(),
            },
        };
        let payer = store.create_credited("payer", open, NOW).unwrap();
        store.create_key(payer.id, &named("key"), NOW).unwrap()
    }

    pub(crate) async fn connect(&self) -> Connection {
        within("a connection", Connection::open(self.address)).await
    }

    /// Asks over a connection of its own.
    pub(crate) async fn ask(&self, ask: &Ask) -> Reply {
        self.connect().await.ask(ask).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(&Ask::get(path).key(&self.key)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Reply {
        self.ask(&Ask::post(path, body).key(&self.key)).await
    }

    /// Asks and reads the head only.
    pub(crate) async fn stream(&self, path: &str, body: impl ToString) -> Stream {
        let ask = Ask::post(path, body).key(&self.key);
        self.connect().await.begin(&ask).await
    }

    /// The only request that reached the fake.
    #[track_caller]
    pub(crate) fn only_call(&self) -> vane_testkit::Call {
        let calls = self.fake.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.into_iter().next().unwrap()
    }

    /// Calls that have not ended.
    pub(crate) fn running(&self) -> u64 {
        self.gateway.telemetry.running()
    }

    /// Takes the server out, to stop it.
    pub(crate) fn take_server(&mut self) -> Server {
        self.server.take().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
        if !std::thread::panicking() {
            assert_eq!(self.running(), 0, "calls were left running");
            let audited = self.gateway.store.audit().unwrap();
            assert!(audited.is_ok(), "the books do not hold: {audited:?}");
        }
    }
}

pub(crate) fn named(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        ..NewKey::default()
    }
}

/// Reads a configuration with these variables set.
pub(crate) fn read(
    folder: &Folder,
    text: &str,
    variables: &[(&str, &str)],
) -> Result<Config, String> {
    let path = folder.0.join("vane.toml");
    std::fs::write(&path, text).unwrap();
    let environment: Environment = variables.iter().copied().collect();
    let said = |problems: Vec<_>| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        lines.join("\n")
    };
    let read = Config::load(Some(&path), &environment);
    read.map(|(config, _)| config).map_err(said)
}

/// Input is $1 and output $2 per million tokens, a read from a cache $0.10; `spare` is dearer. A
/// web search is $0.01 where it is priced: `gpt-m`, `resp-m`, `claude-m`, and `two-claude` at the spare;
/// `mistral-m` takes nothing more for recordings.
pub(crate) fn configuration(fake: &FakeUpstream, second: &FakeUpstream) -> String {
    let price = r#"input = "1", output = "2", cache_read = "0.1""#;
    let chat = format!("{price}, tools = true, reasoning = true, vision = true, max_output = 4000");
    let dear = chat.replacen('1', "3", 1);
    let search = r#"per_use = { web_search = "0.01" }"#;
    let heard = r#"per_use = { audio = "0" }"#;
    let (openai, anthropic, mistral) =
        (fake.openai_url(), fake.anthropic_url(), fake.mistral_url());
    let (spare, spare_claude) = (second.openai_url(), second.anthropic_url());
    format!(
        r#"
database = "sqlite::memory:"
[[provider]]
id = "lab"
dialect = "openai"
base_url = "{openai}"
api_key = "{PROVIDER_KEY}"
models = [
  {{ id = "lab-m", fim = true, {chat} }},
  {{ id = "two-m", {chat} }},
  {{ id = "lab-e", {price}, embeddings = true }},
]
[[provider]]
id = "openai"
base_url = "{openai}"
api_key = "{PROVIDER_KEY}"
models = [{{ id = "gpt-m", {search}, {chat} }}]
[[provider]]
id = "google"
base_url = "{openai}"
api_key = "{PROVIDER_KEY}"
models = [{{ id = "gem-m", upstream = "gemini-3-fake", {chat} }}]
[[provider]]
id = "resp"
speaks = {{ openai_responses = "/responses" }}
base_url = "{openai}"
api_key = "{PROVIDER_KEY}"
models = [{{ id = "resp-m", {search}, {chat} }}]
[[provider]]
id = "anthropic"
base_url = "{anthropic}"
api_key = "{PROVIDER_KEY}"
models = [
  {{ id = "claude-m", {search}, {chat} }},
  {{ id = "two-claude", upstream = "claude-m", {chat} }},
]
[[provider]]
id = "mistral"
base_url = "{mistral}"
api_key = "{PROVIDER_KEY}"
models = [
  {{ id = "mistral-m", {heard}, {chat} }},
  {{ id = "codestral-m", fim = true, {chat} }},
  {{ id = "mistral-e", {price}, embeddings = true }},
]
[[provider]]
id = "spare"
dialect = "openai"
base_url = "{spare}"
api_key = "{PROVIDER_KEY}"
models = [{{ id = "two-m", {dear} }}]
[[provider]]
id = "spare-claude"
dialect = "anthropic"
base_url = "{spare_claude}"
api_key = "{PROVIDER_KEY}"
auth = "x-api-key"
models = [{{ id = "two-claude", upstream = "claude-m", {search}, {dear} }}]
"#
    )
}

/// A folder of its own, gone with the world.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("vane-world-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The number of USD that a text of an answer says, in pico-dollars: exact.
#[track_caller]
pub(crate) fn pico(cost: &str) -> i64 {
    let (whole, rest) = cost.split_once('.').unwrap_or((cost, ""));
    let digits = format!("{whole}{rest:0<12}");
    digits.parse().unwrap()
}

/// The exact text of the cost in a JSON answer.
#[track_caller]
pub(crate) fn cost_in(text: &str) -> &str {
    let all: Vec<&str> = text.split("\"cost\":").skip(1).collect();
    assert_eq!(all.len(), 1, "one cost: {text}");
    let end = all[0].find(|c: char| !c.is_ascii_digit() && c != '.');
    &all[0][..end.unwrap()]
}
