//! Who makes models: names and what is known of them, from `catalog/makers.toml`.
//!
//! Invariant: a maker that the file does not know is called by its id.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

const FILE: &str = include_str!("../../../../catalog/makers.toml");

static MAKERS: LazyLock<BTreeMap<String, Maker>> =
    LazyLock::new(|| toml::from_str(FILE).unwrap_or_default());

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Maker {
    name: String,
    about: Option<String>,
}

pub(crate) fn name(id: &str) -> String {
    let known = MAKERS.get(id).map(|maker| maker.name.clone());
    known.unwrap_or_else(|| id.to_owned())
}

pub(crate) fn about(id: &str) -> Option<&'static str> {
    MAKERS.get(id)?.about.as_deref()
}

#[cfg(test)]
mod tests {
    use super::{FILE, MAKERS, Maker, name};
    use std::collections::BTreeMap;
    use vane_catalog::Catalog;

    #[test]
    fn every_maker_of_the_catalogue_has_a_name() {
        let read: BTreeMap<String, Maker> = toml::from_str(FILE).unwrap();
        assert_eq!(read.len(), MAKERS.len());
        for offer in Catalog::embedded().unwrap().offers() {
            assert!(read.contains_key(&*offer.maker), "{}", offer.maker);
        }
        assert_eq!(
            (name("mistralai"), name("lab")),
            ("Mistral AI".into(), "lab".into())
        );
    }
}
