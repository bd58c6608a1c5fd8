//! `vane weights verify`.

use serde_json::json;

use super::super::{Failure, terminal};
use crate::weights::{Checked, Shelf, Verdict};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Verify {
    /// The name of weights that are here; without it, all of them
    name: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self, shelf: &Shelf) -> Result<(), Failure> {
        let name = self.name.as_deref().map(super::name).transpose()?;
        let mut all: Vec<Checked> = Vec::new();
        shelf.verify(name.as_ref(), &mut |checked| {
            if !self.json {
                terminal::note(&format!("{}: {}", checked.name, said(&checked.verdict)));
            }
            all.push(checked);
        })?;
        let is_bad = |checked: &&Checked| {
            matches!(
                checked.verdict,
                Verdict::Wrong { .. } | Verdict::Unreadable(_)
            )
        };
        let bad = all.iter().filter(is_bad).count();
        if self.json {
            let files = all.iter().map(|checked| {
                json!({ "name": checked.name.to_string(), "verdict": word(&checked.verdict) })
            });
            let files: Vec<_> = files.collect();
            let told = terminal::print_json(&json!({ "ok": bad == 0, "files": files }));
            terminal::read_or_not(told)?;
        } else if bad == 0 {
            terminal::print(&format!("{} files are what they must be\n", all.len()))?;
        }
        match bad {
            0 => Ok(()),
            _ if self.json => Err(Failure::Reported),
            bad => Err(Failure::said(format!(
                "{bad} of {} files are not what they must be: remove them and pull again",
                all.len()
            ))),
        }
    }
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "right",
        Verdict::Wrong { .. } => "wrong",
        Verdict::Unnamed => "unknown",
        Verdict::Unreadable(_) => "unreadable",
    }
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Right => "right".to_owned(),
        Verdict::Wrong { found, wanted } => format!("is {found} and must be {wanted}"),
        Verdict::Unnamed => "is here, and nothing says what it must be".to_owned(),
        Verdict::Unreadable(why) => why.clone(),
    }
}
