//! `vane fim`: fills in the middle of a file at a position.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::client::{Client, Ended};
use super::{Failure, terminal};
use crate::config::Environment;
use crate::first_call;

#[derive(Debug, clap::Args)]
pub(super) struct Fim {
    file: PathBuf,
    /// Where the text goes: a line and a column, both from one, the column in characters
    #[arg(long, value_name = "LINE:COL")]
    at: Position,
    /// The model; without it, codestral-latest where that answers, else one that fills in
    #[arg(long)]
    model: Option<String>,
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Insert the text into the file instead of printing it
    #[arg(long)]
    write: bool,
    /// Print one JSON object when the text is whole
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    client: Client,
}

/// A place in a text, counted as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

impl std::str::FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write LINE:COL, both from 1, such as 12:5";
        let (line, column) = text.split_once(':').ok_or(wrong)?;
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0).ok_or(wrong);
        Ok(Self {
            line: number(line)?,
            column: number(column)?,
        })
    }
}

impl Fim {
    pub(super) async fn run(&self, environment: &Environment) -> Result<(), Failure> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| self.failed(&error))?;
        let (before, after) = split(&text, self.at).map_err(Failure::said)?;
        let model = self.model(environment).await?;
        let mut body = json!({
            "model": model, "prompt": before, "suffix": after, "stream": true,
        });
        if let Some(most) = self.max_tokens {
            body["max_tokens"] = most.into();
        }
        let mut middle = String::new();
        let show = |text: &str| {
            middle.push_str(text);
            if self.write || self.json {
                Ok(())
            } else {
                terminal::print(text)
            }
        };
        let ended = self
            .client
            .stream(environment, "/v1/fim/completions", &body, show)
            .await?;
        let Ended::Finished(bill) = ended else {
            terminal::note("stopped; the file is as it was");
            return Err(Failure::Stopped);
        };
        if self.write {
            let filled = [before, &middle, after].concat();
            replace(&self.file, &filled).map_err(|error| self.failed(&error))?;
            let Position { line, column } = self.at;
            let count = middle.chars().count();
            terminal::note(&format!("inserted {count} characters at {line}:{column}"));
        }
        if self.json {
            return terminal::print_json(&bill.json(&middle));
        }
        terminal::note(&bill.to_string());
        Ok(())
    }

    async fn model(&self, environment: &Environment) -> Result<String, Failure> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        let models = self.client.models(environment).await?;
        let able = models.iter().filter(|model| model.fills);
        let chosen = first_call::to_fill(able.map(|model| &*model.id));
        chosen.map(str::to_owned).ok_or_else(|| {
            Failure::said(
                "none of the models that this key may use fills in; `vane models` lists what \
                 there is and what it needs, and `--model` names one",
            )
        })
    }

    fn failed(&self, error: &io::Error) -> Failure {
        Failure::said(format!("{}: {error}", self.file.display()))
    }
}

/// The text before and after a position. One past the last character of a line is a position;
/// what ends the line is none.
fn split(text: &str, at: Position) -> Result<(&str, &str), String> {
    let lines = text.split('\n').count();
    let Some(line) = text.split('\n').nth(at.line - 1) else {
        return Err(format!(
            "there is no line {}: the file has {lines}",
            at.line
        ));
    };
    let start = line.as_ptr().addr() - text.as_ptr().addr();
    let line = line.strip_suffix('\r').unwrap_or(line);
    let columns = line.chars().count() + 1;
    let ends = line
        .char_indices()
        .map(|(offset, _)| offset)
        .chain([line.len()]);
    let Some(offset) = ends.into_iter().nth(at.column - 1) else {
        return Err(format!(
            "there is no column {} in line {}: it has {columns}",
            at.column, at.line
        ));
    };
    Ok(text.split_at(start + offset))
}

/// Puts another file, of the same permissions, in the place of this one in one step.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link: it is the file behind it that changes.
    let path = path.canonicalize()?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.vane", std::process::id()));
    let draft = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&draft)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&draft, &path)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(&draft);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Position {
        text.parse().unwrap()
    }

    #[test]
    fn a_text_is_split_where_an_editor_would() {
        let text = "ab\ncé日d\r\n\nx";
        for (position, before) in [
            ("1:1", ""),
            ("1:3", "ab"),
            ("2:1", "ab\n"),
            ("2:4", "ab\ncé日"),
            ("2:5", "ab\ncé日d"),
            ("3:1", "ab\ncé日d\r\n"),
            ("4:2", text),
        ] {
            let (head, tail) = split(text, at(position)).unwrap();
            assert_eq!(
                (head, [head, tail].concat().as_str()),
                (before, text),
                "{position}"
            );
        }
        assert_eq!(split("", at("1:1")).unwrap(), ("", ""));
        assert_eq!(split("a\n", at("2:1")).unwrap(), ("a\n", ""));
    }

    #[test]
    fn a_position_outside_the_file_says_what_there_is() {
        for (position, said) in [
            ("4:1", "there is no line 4: the file has 3"),
            ("1:4", "there is no column 4 in line 1: it has 3"),
            ("3:2", "there is no column 2 in line 3: it has 1"),
        ] {
            assert_eq!(split("ab\ncd\r\n", at(position)).unwrap_err(), said);
        }
        for position in ["", "3", "0:1", "1:0", "a:b", "1:2:3", "-1:1"] {
            assert!(position.parse::<Position>().is_err(), "{position}");
        }
    }
}
