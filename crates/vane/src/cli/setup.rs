//! `vane setup`: the link by which somebody comes to run this server from a browser.

use vane_ledger::Store;

use super::settings::{now, open};
use super::{Failure, Settings, terminal};
use crate::config::Config;

/// A link that nobody used by then is over.
const LINK_SECONDS: i64 = 86_400;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Setup {
    /// Print a link that makes whoever uses it an operator, once and within a day; others are over
    #[command(after_help = "Examples:\n  vane setup link\n  vane setup link --json")]
    Link {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl Setup {
    pub(super) fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let Self::Link { json } = self;
        let config = settings.books_and_origin()?;
        let link = link(&config, &open(&config)?)?;
        match json {
            true => terminal::print_json(&serde_json::json!({ "link": link })),
            false => terminal::print(&format!("{link}\n")),
        }
    }
}

/// A new link; those before it are over.
pub(super) fn link(config: &Config, store: &Store) -> Result<String, Failure> {
    let now = now();
    let token = store.link_setup(now, now.saturating_add(LINK_SECONDS))?;
    Ok(format!(
        "{}/setup?token={}",
        config.origin(),
        token.expose()
    ))
}

/// What a start says while nobody runs the server from a browser.
pub(super) fn invitation(link: &str) -> String {
    format!(
        "\nTo set it up in a browser, with the key of a provider and one of your own, once and within a day:\n\n  {link}\n"
    )
}
