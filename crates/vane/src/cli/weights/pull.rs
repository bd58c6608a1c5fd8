//! `vane weights pull`.

use std::io::{self, IsTerminal};

use serde_json::json;

use super::super::{Failure, terminal};
use super::progress::Progress;
use crate::config::Config;
use crate::weights::{Choice, Hub, Name, Patience, Pulled, Shelf, Source, Step, Survey, Trouble};
use crate::weights::{pull, size, survey};

/// From here on a processor takes its time: 12.5 GB of Codestral-22B at Q4_K give 1 to 2 tokens a
/// second on each of its cores.
const SLOW_BYTES: u64 = 10_000_000_000;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Pull {
    /// ORG/REPO, ORG/REPO@REVISION, ORG/REPO:FILE, or the address of a GGUF file
    source: String,
    /// What a file by address must be
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Do not ask where the weights seem too large for this machine
    #[arg(long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Pull {
    pub(super) async fn run(&self, config: &Config) -> Result<(), Failure> {
        self.check()?;
        let hub = Hub::new(config, Patience::default())?;
        let shelf = Shelf::new(config.weights.folder.clone());
        let mut progress = Progress::new();
        let mut tell = |step: Step<'_>| progress.tell(&step);
        let source = Source::parse(&self.source, hub.address())?;
        let found = match survey(&hub, &source, self.sha256.as_deref(), &mut tell).await {
            Err(Trouble::Several(choice)) if !self.json && on_terminal() => {
                let source = Source::Hub(chosen(&choice)?);
                survey(&hub, &source, None, &mut tell).await?
            }
            found => found?,
        };
        if !self.goes_on(&found)? {
            return Err(Failure::said("nothing was pulled"));
        }
        let pulled = pull(&shelf, &hub, &found, &mut tell).await?;
        self.show(&found, &pulled)
    }

    fn check(&self) -> Result<(), Failure> {
        let Some(hex) = &self.sha256 else {
            return Ok(());
        };
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Failure::said("--sha256 must be 64 hexadecimal digits"));
        }
        if !self.source.contains("://") {
            return Err(Failure::said(
                "--sha256 is for a file by its address; the hub says what its own files are",
            ));
        }
        Ok(())
    }

    /// Says what will not go well, and asks where somebody can answer.
    fn goes_on(&self, found: &Survey) -> Result<bool, Failure> {
        let bytes = found.bytes().unwrap_or_default();
        let warnings = warnings(bytes, vane_engine::free_bytes());
        for warning in &warnings {
            terminal::note(&format!("note: {warning}"));
        }
        if warnings.is_empty() || self.yes || self.json || !on_terminal() {
            return Ok(true);
        }
        asked("pull it anyway? [y/N] ").map(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
    }

    fn show(&self, found: &Survey, pulled: &Pulled) -> Result<(), Failure> {
        if self.json {
            let files = pulled.files.iter().map(|file| {
                json!({ "file": file.path, "bytes": file.bytes, "digest": file.digest,
                        "came": file.came })
            });
            return terminal::print_json(&json!({
                "name": found.name.to_string(), "commit": found.commit,
                "path": pulled.path, "files": files.collect::<Vec<_>>(),
            }));
        }
        let came: u64 = pulled
            .files
            .iter()
            .filter(|file| file.came)
            .map(|file| file.bytes)
            .sum();
        match came {
            0 => terminal::note("all of it was here"),
            came => terminal::note(&format!("{} came and are what they must be", size(came))),
        }
        terminal::print(&format!("{}\n", pulled.path.display()))
    }
}

/// What a person should know before so much is loaded.
fn warnings(bytes: u64, free: Option<u64>) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(free) = free.filter(|free| *free < bytes) {
        said.push(format!(
            "these weights are {}, and {} of memory are free here: they cannot be run as it is",
            size(bytes),
            size(free)
        ));
    }
    if bytes >= SLOW_BYTES {
        said.push(format!(
            "{} of weights are slow on a processor: of 12.5 GB (Codestral-22B at Q4_K) it writes 1 \
             to 2 tokens a second for each core",
            size(bytes)
        ));
    }
    said
}

fn on_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks which model is meant, by its number.
fn chosen(choice: &Choice) -> Result<Name, Failure> {
    let rows: Vec<[String; 3]> = (1..)
        .zip(&choice.files)
        .map(|(number, (file, bytes))| {
            let bytes = bytes.map_or_else(String::new, size);
            [format!("{number}"), bytes, file.clone()]
        })
        .collect();
    terminal::greet(&terminal::table(&rows));
    let answer = asked("which one? ")?;
    let number = answer
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    let file = number.and_then(|number| choice.files.get(number));
    let (file, _) =
        file.ok_or_else(|| Failure::said("that is none of them; nothing was pulled"))?;
    Ok(choice.name.with_file(file))
}

pub(super) fn asked(question: &str) -> Result<String, Failure> {
    terminal::greet(question);
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::Output)?;
    Ok(answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_is_said_before_it_comes() {
        let gb = |tenths: u64| tenths * 100_000_000;
        assert!(warnings(gb(5), Some(gb(80))).is_empty());
        assert!(warnings(gb(5), None).is_empty());
        let large = warnings(gb(125), Some(gb(78)));
        assert!(
            large[0].contains("12.5 GB, and 7.8 GB of memory"),
            "{large:?}"
        );
        assert!(large[1].contains("1 to 2 tokens a second"), "{large:?}");
        assert_eq!(warnings(gb(125), Some(gb(640))).len(), 1);
    }
}
