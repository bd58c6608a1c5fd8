//! `vane weights`: weights of models on this machine, pulled, told, checked, timed and removed.

mod bench;
mod list;
mod progress;
mod pull;
mod remove;
mod show;
mod verify;

use super::{Failure, Settings};
use crate::config::Config;
use crate::weights::{Missing, Name, Shelf, Trouble};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Weights {
    /// Bring a model here: from the hub by name, or a GGUF file by its address
    #[command(
        after_help = "Examples:\n  vane weights pull mistralai/Codestral-22B-v0.1\n  \
                            vane weights pull bartowski/Codestral-22B-v0.1-GGUF:Q4_K_M\n  \
                            vane weights pull maker/model@v1.0 --json\n  \
                            vane weights pull https://example.com/model.gguf --sha256 9f86d081...\n\
                            What broke off is gone on with by the same command."
    )]
    Pull(pull::Pull),
    /// List what is here, with sizes
    #[command(after_help = "Examples:\n  vane weights list\n  vane weights list --json")]
    List(list::List),
    /// Say what a model is: shape, formats, tokenizer, memory for each token
    #[command(after_help = "Examples:\n  vane weights show maker/model\n  \
                            vane weights show ./model.gguf --json")]
    Show(show::Show),
    /// Read files anew and compare them with what they must be
    #[command(
        after_help = "Examples:\n  vane weights verify\n  vane weights verify maker/model --json"
    )]
    Verify(verify::Verify),
    /// Remove a model, one of its revisions or files
    #[command(after_help = "Examples:\n  vane weights remove maker/model\n  \
                            vane weights remove maker/model:Q4_K_M --yes")]
    Remove(remove::Remove),
    /// Time a model on this machine: reading a prompt, writing, writing eight answers at once
    #[command(after_help = "Examples:\n  vane weights bench maker/model\n  \
                            vane weights bench ./model.gguf --threads 2 --json")]
    Bench(bench::Bench),
}

impl Weights {
    pub(super) async fn run(&self, settings: &Settings<'_>) -> Result<(), Failure> {
        let config = settings.weights()?;
        match self {
            Self::Pull(pull) => pull.run(&config).await,
            Self::List(list) => list.run(&shelf(&config)),
            Self::Show(show) => show.run(&shelf(&config)),
            Self::Verify(verify) => verify.run(&shelf(&config)),
            Self::Remove(remove) => remove.run(&shelf(&config)),
            Self::Bench(bench) => bench.run(&shelf(&config)),
        }
    }
}

fn shelf(config: &Config) -> Shelf {
    Shelf::new(config.weights.folder.clone())
}

fn name(said: &str) -> Result<Name, Failure> {
    said.parse()
        .map_err(|why: crate::weights::Misnamed| Failure::said(why.to_string()))
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::said(trouble.to_string())
    }
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        Self::said(missing.to_string())
    }
}

impl From<vane_engine::Fault> for Failure {
    fn from(fault: vane_engine::Fault) -> Self {
        Self::said(fault.to_string())
    }
}
