//! The commands.
//!
//! What a command is asked for goes to standard output; everything said about it goes to
//! standard error. Every failure is one [`Failure`], printed once by `main`.

mod account;
mod audit;
mod catalog;
mod chat;
mod check;
mod client;
mod credit;
mod delta;
mod engine;
mod example;
mod failure;
mod fim;
mod http;
mod import;
mod key;
mod member;
mod models;
mod receipt;
mod reconcile;
mod route;
mod serve;
mod settings;
mod setup;
mod terminal;
mod weights;

use clap::{Parser, Subcommand};

use crate::config::Environment;

pub use failure::{Failure, told};
pub use serve::banner;
use settings::Settings;
pub use terminal::complain;

/// One address and one key in front of every language model.
#[derive(Debug, Parser)]
#[command(
    name = "vane",
    version,
    after_help = "Example:\n  vane            start the server"
)]
pub struct Cli {
    /// The configuration file; without it, vane.toml if there is one [variable: VANE_CONFIG]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server (this is also what happens without a command)
    #[command(after_help = "Example:\n  vane serve --config vane.toml")]
    Serve,
    /// Report every fault of the configuration at once
    #[command(after_help = "Examples:\n  vane check\n  vane check --json --config vane.toml")]
    Check(check::Check),
    /// List the models, their prices, and what they need
    #[command(after_help = "Examples:\n  vane models codestral\n  vane models --json")]
    Models(models::Models),
    /// Explain which offers a model's calls would try, without calling anyone
    #[command(after_help = "Examples:\n  vane route codestral-latest\n  \
                            vane route gpt-5 --door anthropic_messages --json\n  \
                            vane route codestral-latest --key 3kTMd0y1Aa")]
    Route(route::Route),
    /// Talk to a model through a running Vane
    #[command(
        after_help = "Examples:\n  vane chat\n  vane chat mistral-small-latest \
                            Why is the sky blue?\n  git diff | vane chat mistral-small-latest \
                            Review this\n  vane chat mistral-small-latest --json \
                            Why is the sky blue?"
    )]
    Chat(chat::Chat),
    /// Fill in the middle of a file through a running Vane
    #[command(after_help = "Examples:\n  vane fim src/lib.rs --at 12:5\n  \
                            vane fim src/lib.rs --at 12:5 --write\n  \
                            vane fim src/lib.rs --at 12:5 --model codestral-latest --json")]
    Fim(fim::Fim),
    /// Make and list accounts
    #[command(subcommand, after_help = "Example:\n  vane account create team")]
    Account(account::Account),
    /// Make, list, change, rotate and revoke keys
    #[command(
        subcommand,
        after_help = "Example:\n  vane key create --account team --name ci"
    )]
    Key(key::Key),
    /// Say who belongs to an account, and with which role
    #[command(
        subcommand,
        after_help = "Example:\n  vane member add team ann@example.com --role owner"
    )]
    Member(member::Member),
    /// Say who runs this server from a browser
    #[command(subcommand, after_help = "Example:\n  vane setup link")]
    Setup(setup::Setup),
    /// Give accounts credit and show their balance
    #[command(
        subcommand,
        after_help = "Example:\n  vane credit grant team 25 --reason \"invoice 17\""
    )]
    Credit(credit::Credit),
    /// Show runs of the playground on the pages of their models
    #[command(
        subcommand,
        after_help = "Example:\n  vane example save run.json --title \"Adds two numbers\""
    )]
    Example(example::Example),
    /// Prove that the books hold, or show the first line that does not
    #[command(after_help = "Examples:\n  vane audit\n  vane audit --json\n  vane audit --journal")]
    Audit(audit::Audit),
    /// Remove receipts that are not needed any more
    #[command(
        subcommand,
        after_help = "Example:\n  vane receipt remove --before 2026-01-01"
    )]
    Receipt(receipt::Receipt),
    /// Compare a provider's export of usage or costs with the receipts, day by day
    #[command(
        after_help = "Examples:\n  vane reconcile openai completions_usage.csv\n  \
                            vane reconcile openrouter activity.csv --tolerance 1 --json"
    )]
    Reconcile(reconcile::Reconcile),
    /// Review and apply changes of prices and models
    #[command(subcommand, after_help = "Example:\n  vane catalog diff prices.json")]
    Catalog(catalog::Catalog),
    /// Run one model for the gateway that started this
    #[command(
        hide = true,
        after_help = "Example:\n  vane engine --weights model.gguf --describe"
    )]
    Engine(engine::Engine),
    /// Weights of models on this machine
    #[command(
        subcommand,
        after_help = "Examples:\n  vane weights pull mistralai/Codestral-22B-v0.1\n  vane weights list"
    )]
    Weights(weights::Weights),
    /// Take over what another gateway was told
    #[command(subcommand, after_help = "Example:\n  vane import litellm config.yaml")]
    Import(import::Import),
}

/// Runs what the command line asks for.
///
/// # Errors
/// With the one reason why it could not be done.
pub async fn run(cli: Cli, environment: &Environment) -> Result<(), Failure> {
    terminal::heed(environment);
    let settings = Settings::new(cli.config, environment);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&settings).await,
        Command::Check(check) => check.run(&settings),
        Command::Models(models) => models.run(&settings),
        Command::Route(route) => route.run(&settings),
        Command::Chat(chat) => chat.run(environment).await,
        Command::Fim(fim) => fim.run(environment).await,
        Command::Account(account) => account.run(&settings),
        Command::Key(key) => key.run(&settings),
        Command::Member(member) => member.run(&settings),
        Command::Setup(setup) => setup.run(&settings),
        Command::Credit(credit) => credit.run(&settings),
        Command::Example(example) => example.run(&settings),
        Command::Audit(audit) => audit.run(&settings),
        Command::Receipt(receipt) => receipt.run(&settings),
        Command::Reconcile(reconcile) => reconcile.run(&settings),
        Command::Catalog(catalog) => catalog.run(&settings),
        Command::Engine(engine) => engine.run().await,
        Command::Weights(weights) => weights.run(&settings).await,
        Command::Import(import) => import.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_an_example() {
        fn visit(command: &clap::Command, path: &str) {
            assert!(command.get_about().is_some(), "{path} has no help");
            let example = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(example.contains("vane"), "{path} has no example");
            for below in command
                .get_subcommands()
                .filter(|below| below.get_name() != "help")
            {
                visit(below, &format!("{path} {}", below.get_name()));
            }
        }
        visit(&Cli::command(), "vane");
    }

    #[test]
    fn no_command_is_serve_and_config_stands_anywhere() {
        assert!(Cli::try_parse_from(["vane"]).unwrap().command.is_none());
        let cli = Cli::try_parse_from(["vane", "check", "--config", "a.toml"]).unwrap();
        assert_eq!(cli.config.unwrap().to_str(), Some("a.toml"));
        assert!(Cli::try_parse_from(["vane", "fly"]).is_err());
    }
}
