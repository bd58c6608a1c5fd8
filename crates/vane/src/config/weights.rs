//! `[weights]`: where the weights of models are kept, and where they are pulled from.
//!
//! The hub's own variables count where nothing else is said, as other programs heed them too.

use std::path::{Path, PathBuf};

use super::node::{Node, Value};
use super::read::{Read, text};
use super::reader::Reader;
use super::section::Section;
use super::server::database_file;
use super::{Secret, Weights, secret};
use crate::weights::Shelf;

const HUB: &str = "https://huggingface.co";

impl Weights {
    pub(super) fn read(mut section: Section<'_>, database: &str) -> Self {
        let environment = section.reader.environment;
        let usual = |name: &str| environment.get(name).map(|said| said.trim().to_owned());
        let folder = section.take("folder", text).map(PathBuf::from);
        let has_hub = section.has("hub");
        let mut hub = section.take("hub", |node| hub(&text(node)?));
        if !has_hub && let Some(said) = usual("HF_ENDPOINT") {
            hub = self::hub(&said)
                .inspect_err(|what| section.problem("hub", format!("of HF_ENDPOINT {what}")))
                .ok();
        }
        let token = match section.has("token") {
            true => secret::take(&mut section, "token"),
            false => usual("HF_TOKEN").map(Secret),
        };
        let token = token.filter(|token| {
            let fits = secret::fits_a_header(&token.0);
            if !fits {
                section.problem("token", "has characters that no header can carry");
            }
            fits
        });
        let folder =
            folder.unwrap_or_else(|| beside(database, usual("XDG_DATA_HOME"), usual("HOME")));
        let (shelf, reader) = (Shelf::new(folder.clone()), section.reader);
        let tokenizers =
            section.take_from_file("tokenizers", |node| tokenizers(node, &shelf, reader));
        section.finish();
        Self {
            tokenizers: tokenizers.unwrap_or_default(),
            folder,
            hub: hub.unwrap_or_else(|| HUB.to_owned()),
            token,
        }
    }
}

/// Beside a database in a file; else where programs keep data of their user.
fn beside(database: &str, data: Option<String>, home: Option<String>) -> PathBuf {
    const NAME: &str = "vane.weights";
    if let Some(path) = database_file(database) {
        return path.with_extension("weights");
    }
    let data = data.map(PathBuf::from).filter(|data| data.is_absolute());
    let data = data.or_else(|| Some(Path::new(&home?).join(".local/share")));
    data.map_or_else(|| PathBuf::from(NAME), |data| data.join("vane/weights"))
}

/// `{ "codestral-latest" = "mistralai/Codestral-22B-v0.1" }`. What is not there yet may come later.
fn tokenizers(node: &Node, shelf: &Shelf, reader: &Reader<'_>) -> Read<Vec<(String, String)>> {
    let Value::Table(table) = &node.value else {
        let what = "must be a table such as { \"codestral-latest\" = \"tekken.json\" }";
        return Err(what.to_owned());
    };
    let read = |(model, (_, node)): (&String, &(_, Node))| match text(node) {
        Ok(source) => {
            if let Err(missing) = shelf.resolve(&source) {
                let key = format!("weights.tokenizers.{model}");
                let what =
                    format!("leads to no tokenizer, so that tokens are estimated: {missing}");
                reader.warn(node.place.clone(), key, what);
            }
            Ok((model.clone(), source))
        }
        Err(why) => Err(format!("has `{model}`, which {why}")),
    };
    table.iter().map(read).collect()
}

/// An address without a path's last slash; credentials go into `token`.
fn hub(said: &str) -> Read<String> {
    let said = said.trim().trim_end_matches('/');
    let is_address = said.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.query().is_none()
            && uri.authority().is_some_and(|at| !at.as_str().contains('@'))
    });
    match is_address {
        true => Ok(said.to_owned()),
        false => Err("must be an address such as \"https://huggingface.co\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{good, problems};
    use super::*;

    #[test]
    fn weights_lie_beside_the_database_or_with_the_data_of_the_user() {
        let folder = |text: &str, variables: &[(&str, &str)]| {
            good("weights", text, variables).weights.folder
        };
        assert_eq!(folder("", &[]), Path::new("vane.weights"));
        let text = "database = \"sqlite:/var/lib/vane/v.db\"";
        assert_eq!(folder(text, &[]), Path::new("/var/lib/vane/v.weights"));
        let text = "database = \"postgres://v@h/d\"";
        let data = [("XDG_DATA_HOME", "/data"), ("HOME", "/home/a")];
        assert_eq!(folder(text, &data), Path::new("/data/vane/weights"));
        let home = folder(text, &data[1..]);
        assert_eq!(home, Path::new("/home/a/.local/share/vane/weights"));
        let said = [("VANE_WEIGHTS_FOLDER", "/w")];
        assert_eq!(folder(text, &said), Path::new("/w"));
    }

    #[test]
    fn the_variables_of_the_hub_count_and_ours_win() {
        let of = |text: &str, variables: &[(&str, &str)]| {
            let weights = good("hub", text, variables).weights;
            (weights.hub, weights.token.map(|token| token.0))
        };
        assert_eq!(of("", &[]), (HUB.to_owned(), None));
        let theirs = [
            ("HF_ENDPOINT", "https://mirror.example/"),
            ("HF_TOKEN", "hf_a"),
        ];
        let (hub, token) = of("", &theirs);
        assert_eq!(
            (hub.as_str(), token.as_deref()),
            ("https://mirror.example", Some("hf_a"))
        );
        let text = "[weights]\nhub = \"http://10.0.0.5:8080/hf\"\ntoken = \"env:OURS\"";
        let (hub, token) = of(text, &[theirs[0], theirs[1], ("OURS", "hf_b")]);
        assert_eq!(
            (hub.as_str(), token.as_deref()),
            ("http://10.0.0.5:8080/hf", Some("hf_b"))
        );
    }

    #[test]
    fn tokenizers_are_named_by_model() {
        let text = "[weights.tokenizers]\n\"codestral-latest\" = \"o/r\"";
        let read = good("tokenizers", text, &[]).weights.tokenizers;
        assert_eq!(read, [("codestral-latest".to_owned(), "o/r".to_owned())]);
        for wrong in ["[weights]\ntokenizers = 1", "[weights.tokenizers]\na = 1"] {
            assert_eq!(problems("notokenizers", wrong, &[]).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn nonsense_is_no_hub() {
        for hub in [
            "ftp://x",
            "mirror",
            "https://a:b@mirror.example",
            "https://x/?q",
        ] {
            assert_eq!(
                problems("nohub", "", &[("HF_ENDPOINT", hub)]).len(),
                1,
                "{hub}"
            );
        }
    }
}
