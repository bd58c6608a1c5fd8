//! `vane serve`: opens the database, greets whoever starts for the first time, then serves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use vane_ledger::{AccountKind, Clock, NewKey, Store, Watch};

use super::settings::{now, open};
use super::{Failure, Settings, terminal};
use crate::config::Config;
use crate::first_call::FirstCall;
use crate::gateway::{Gateway, State};
use crate::local::{PROVIDER, TINY};
use crate::playground::GUEST;
use crate::server::{self, Bound};
use crate::telemetry::{AccessLog, Aside, Telemetry};

/// Where a first provider is easiest to get.
const FIRST_VARIABLES: [&str; 3] = ["MISTRAL_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"];

pub(super) async fn run(settings: &Settings<'_>) -> Result<(), Failure> {
    let asked = settings.config()?;
    // Before anything is made: where the address is taken, nothing comes of the start.
    let bound = server::bind(&asked)?;
    let mut config = asked.clone();
    config.listen = bound.address;
    let store = open(&config)?;
    first_account(&store, now())?;
    let log = AccessLog::start(std::io::stderr()).map_err(anyhow::Error::from)?;
    terminal::log_to(log.aside(), &config.log);
    // With the keys that were given in a browser: the greeting names their providers too.
    let state = State::with_kept_keys(config, &store)?;
    let running = Running {
        asked,
        settings,
        aside: log.aside(),
    };
    let gateway = Gateway::new(state, store, Clock::System, Telemetry::new(log))?;
    running.serve(Arc::new(gateway), bound).await
}

/// What a server is told of while it runs.
struct Running<'s> {
    /// The configuration that it was started with.
    asked: Config,
    settings: &'s Settings<'s>,
    aside: Aside,
}

impl Running<'_> {
    /// Runs the server until it is told to stop.
    async fn serve(mut self, gateway: Arc<Gateway>, bound: Bound) -> Result<(), Failure> {
        if gateway.state().config.guest.enabled {
            open_to_guests(&gateway);
        }
        // Held for as long as the server runs: keys that change elsewhere are noticed by it.
        let following = gateway.clone();
        let follow = move || {
            let followed = following.follow_kept_keys();
            let trouble = followed.inspect_err(|error| {
                tracing::warn!(%error, "keys of providers that changed cannot be put to work; the former stay");
            });
            trouble.is_ok()
        };
        let _watch = Watch::start(gateway.ring.clone(), follow).map_err(anyhow::Error::from)?;
        let server = server::serve_on(gateway.clone(), bound)?;
        // Before the greeting: who has read it may send any.
        let mut hangup = signal(SignalKind::hangup()).map_err(anyhow::Error::from)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(anyhow::Error::from)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(anyhow::Error::from)?;
        terminal::greet(&greeting(&gateway)?);
        if cfg!(feature = "unledgered") {
            terminal::note(
                "THIS BUILD KEEPS NO BOOKS: no call is held, settled or billed; it is for measuring only",
            );
        }
        loop {
            tokio::select! {
                _ = hangup.recv() => self.reload(&gateway),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        let said = "stopping: running calls may finish; asked once more, they are cut";
        terminal::note_to(&mut self.aside, said);
        // No more of the gateway: what it settles when it goes must not wait for a signal.
        let hurry = gateway.hurry.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            hurry.send_replace(true);
        });
        tokio::task::block_in_place(|| server.stop());
        Ok(())
    }

    /// Reads the configuration anew. A faulty one changes nothing.
    fn reload(&mut self, gateway: &Gateway) {
        let said = match self.reread(gateway) {
            Ok(waiting) if waiting.is_empty() => "the configuration was read anew".to_owned(),
            Ok(waiting) => {
                let waiting = waiting.join("`, `");
                format!("the configuration was read anew; for the next start: `{waiting}`")
            }
            Err(failure) => {
                let why = failure.in_one_line();
                format!("the configuration stays as it was: {why}")
            }
        };
        terminal::note_to(&mut self.aside, &said);
    }

    /// Gives back what of it waits for another start.
    fn reread(&self, gateway: &Gateway) -> Result<Vec<&'static str>, Failure> {
        let mut config = self.settings.config()?;
        let waiting = self.asked.waiting_in(&config);
        // What pages and links name is where the server is.
        config.listen = gateway.state().config.listen;
        config.tls.clone_from(&self.asked.tls);
        gateway.reload(config)?;
        Ok(waiting)
    }
}

/// What is said once everything stands: a key is made only for who then reads it.
fn greeting(gateway: &Gateway) -> Result<String, Failure> {
    let (state, store) = (gateway.state(), &gateway.store);
    let key = first_key(store, now())?;
    let mut said = banner(&state, key.as_deref());
    if !store.has_operator()? {
        said += &super::setup::invitation(&super::setup::link(&state.config, store)?);
    }
    Ok(said)
}

/// Makes the account of guests before one comes. Without it, everything else is served.
fn open_to_guests(gateway: &Gateway) {
    let (store, ring) = (&gateway.store, &gateway.ring);
    if let Err(error) = gateway.guests.establish(store, ring, now()) {
        terminal::note(&format!("there are no guests in the playground: {error}"));
    }
}

/// What the account of a new database is called.
const FIRST: &str = "default";

/// A new database gets an account.
fn first_account(store: &Store, now: i64) -> Result<(), Failure> {
    if store.list_accounts()?.is_empty() {
        store.create_account(FIRST, AccountKind::Metered, now)?;
    }
    Ok(())
}

/// As long as nothing but that account is there, it gets a key, so that the first call is one line
/// away.
fn first_key(store: &Store, now: i64) -> Result<Option<String>, Failure> {
    let accounts = store.list_accounts()?.into_iter();
    let accounts: Vec<_> = accounts.filter(|one| one.name != GUEST).collect();
    let [account] = &accounts[..] else {
        return Ok(None);
    };
    if account.name != FIRST || !store.list_keys(account.id)?.is_empty() {
        return Ok(None);
    }
    let new = NewKey {
        name: "first".to_owned(),
        ..NewKey::default()
    };
    Ok(Some(
        store.create_key(account.id, &new, now)?.expose().to_owned(),
    ))
}

/// What a person sees at the start. The key is there only when it was just made.
#[must_use]
pub fn banner(state: &State, key: Option<&str>) -> String {
    let config = &state.config;
    let is_bare = only_tiny(config);
    let on = config.providers.iter().map(|provider| &*provider.id);
    let ready: Vec<&str> = on.filter(|id| *id != PROVIDER || !is_bare).collect();
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let url = format!("{scheme}://{}", reachable(config.listen));
    let mut said = format!("Vane listens on {url}\n");
    said += &if ready.is_empty() {
        let variables = FIRST_VARIABLES.join(", ");
        format!(
            "No provider is on: set {variables} or another provider's variable, \
             or name a server of your own in vane.toml, and start again.\n"
        )
    } else {
        format!("Providers: {}\n", ready.join(", "))
    };
    if let Some(key) = key {
        said += &format!("\nYour first key, shown only now:\n\n  {key}\n");
    }
    let first = FirstCall::of(state).filter(|_| key.is_some() || is_bare);
    // A key of another start is not known here.
    let key = key.unwrap_or("YOUR-KEY");
    said + &first.map_or(String::new(), |first| to_paste(&first, &url, key))
}

/// Whether nobody answers but the model that is part of the program, which does not chat.
fn only_tiny(config: &Config) -> bool {
    let mut providers = config.providers.iter();
    let mut local = config.local.iter();
    providers.all(|row| row.id == PROVIDER)
        && local.len() > 0
        && local.all(|model| model.id == TINY)
}

fn to_paste(first: &FirstCall, url: &str, key: &str) -> String {
    let what = match first.is_of_tiny() {
        true => format!(
            ", for {TINY}, a small model that is part of this program; it fills in Protocol Buffers \
             and does not chat"
        ),
        false => String::new(),
    };
    let curl = first.curl(url, key).replace('\n', "\n  ");
    let mut said = format!("\nTo paste{what}:\n\n  {curl}\n");
    if first.chats() {
        let model = first.model_in_shell();
        said += &format!(
            "  client = openai.OpenAI(base_url=\"{url}/v1\", api_key=\"{key}\")\n  \
             ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={key} claude --model {model}\n"
        );
    }
    said
}

/// An address that a client on this machine can use.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(variables: &[(&str, &str)]) -> State {
        let listen = ("VANE_LISTEN", "[::]:8787");
        let secret = "0123456789abcdef".repeat(4);
        let secret = ("VANE_SECRET", secret.as_str());
        let environment = variables.iter().copied().chain([listen, secret]).collect();
        State::new(Config::load(None, &environment).unwrap().0).unwrap()
    }

    #[test]
    fn the_first_start_shows_the_key_and_three_calls_to_paste() {
        let said = banner(&state(&[("MISTRAL_API_KEY", "canary")]), Some("sk-vane-x"));
        for line in [
            "Vane listens on http://[::1]:8787\n",
            "Providers: mistral\n",
            "curl http://[::1]:8787/v1/chat/completions \\\n    -H \"Authorization: Bearer sk-vane-x\"",
            "-d '{\"model\":\"mistral-small-latest\",",
            "openai.OpenAI(base_url=\"http://[::1]:8787/v1\", api_key=\"sk-vane-x\")",
            "ANTHROPIC_BASE_URL=http://[::1]:8787 ANTHROPIC_AUTH_TOKEN=sk-vane-x claude --model 'mistral-small-latest'\n",
        ] {
            assert!(said.contains(line), "{line}\n{said}");
        }
        assert!(!said.contains("canary"));
    }

    #[test]
    fn later_starts_show_no_key() {
        let said = banner(
            &state(&[("MISTRAL_API_KEY", "k"), ("OPENAI_API_KEY", "k")]),
            None,
        );
        assert_eq!(
            said,
            "Vane listens on http://[::1]:8787\nProviders: mistral, openai\n"
        );
    }

    #[test]
    fn without_a_provider_it_says_what_to_set() {
        let said = banner(&state(&[]), None);
        assert!(said.contains("MISTRAL_API_KEY") && said.contains("vane.toml"));
        let tiny = "/v1/fim/completions \\\n    -H \"Authorization: Bearer YOUR-KEY\"";
        assert_eq!(said.contains(tiny), cfg!(feature = "tiny"), "{said}");
    }

    #[test]
    fn only_an_empty_database_gets_a_first_key() {
        let store = Store::open("sqlite::memory:").unwrap();
        first_account(&store, 1_000).unwrap();
        let key = first_key(&store, 1_000).unwrap().unwrap();
        assert!(key.starts_with("sk-vane-"));
        assert_eq!(first_key(&store, 1_000).unwrap(), None);
        let account = store.find_account("default").unwrap().unwrap();
        assert_eq!(store.list_keys(account.id).unwrap()[0].name, "first");
        let store = Store::open("sqlite::memory:").unwrap();
        store
            .create_account("team", AccountKind::Metered, 1_000)
            .unwrap();
        first_account(&store, 1_000).unwrap();
        assert_eq!(first_key(&store, 1_000).unwrap(), None);
    }
}
