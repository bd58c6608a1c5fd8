//! What is written by hand about a model, from `catalog/deep-dives`.
//!
//! Invariant: where public sources differ, each statement stands beside its source, and none is
//! picked in silence; what is said of a maker, the inside of a model, its training and its licence names
//! who says so.

use std::sync::LazyLock;

use serde::Deserialize;

const FILES: [(&str, &str); 6] = [
    (
        "codestral",
        include_str!("../../../../catalog/deep-dives/codestral.toml"),
    ),
    (
        "devstral",
        include_str!("../../../../catalog/deep-dives/devstral.toml"),
    ),
    (
        "magistral-medium",
        include_str!("../../../../catalog/deep-dives/magistral-medium.toml"),
    ),
    (
        "magistral-small",
        include_str!("../../../../catalog/deep-dives/magistral-small.toml"),
    ),
    (
        "ministral",
        include_str!("../../../../catalog/deep-dives/ministral.toml"),
    ),
    (
        "vane-tiny",
        include_str!("../../../../catalog/deep-dives/vane-tiny.toml"),
    ),
];

static DIVES: LazyLock<Vec<DeepDive>> = LazyLock::new(|| {
    let read = FILES
        .iter()
        .filter_map(|(_, text)| toml::from_str(text).ok());
    read.collect()
});

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeepDive {
    pub(crate) models: Vec<String>,
    /// What it is, as the end of "NAME is ...".
    pub(crate) is: String,
    pub(crate) section: Vec<Section>,
    #[serde(default)]
    pub(crate) conflict: Vec<Conflict>,
    #[serde(default)]
    pub(crate) question: Vec<Question>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) text: Vec<String>,
    #[serde(default)]
    pub(crate) points: Vec<String>,
    /// Who says so, where it is not known of this server itself.
    pub(crate) source: Option<String>,
}

/// A fact that sources state differently.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Conflict {
    pub(crate) fact: String,
    pub(crate) says: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) value: String,
    pub(crate) source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    pub(crate) question: String,
    pub(crate) answer: String,
}

/// What is written about a model.
pub(crate) fn about(model: &str) -> Option<&'static DeepDive> {
    let mut dives = DIVES.iter();
    dives.find(|dive| dive.models.iter().any(|named| named == model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vane_catalog::Catalog;

    #[test]
    fn every_launch_model_has_its_deep_dive() {
        for (name, text) in FILES {
            if let Err(error) = toml::from_str::<DeepDive>(text) {
                panic!("{name}: {error}");
            }
        }
        let catalog = Catalog::embedded().unwrap();
        let launch = catalog.offers().iter().filter(|offer| offer.launch);
        let mut count = 0;
        for offer in launch {
            let dive = about(&offer.model).unwrap();
            let titles: Vec<&str> = dive
                .section
                .iter()
                .map(|part| part.title.as_str())
                .collect();
            for wanted in [
                "Maker",
                "Architecture",
                "Training",
                "Licence",
                "What it can do",
                "Known limitations",
            ] {
                assert!(titles.contains(&wanted), "{}: {wanted}", offer.model);
            }
            let stated = ["Maker", "Architecture", "Training", "Licence"];
            let unsourced = dive
                .section
                .iter()
                .find(|part| stated.contains(&part.title.as_str()) && part.source.is_none());
            assert!(unsourced.is_none(), "{}: {unsourced:?}", offer.model);
            assert!(dive.conflict.iter().all(|conflict| conflict.says.len() > 1));
            assert!(!dive.question.is_empty(), "{}", offer.model);
            count += 1;
        }
        assert_eq!(count, 7);
        for dive in DIVES.iter() {
            assert!(
                dive.models
                    .iter()
                    .all(|model| catalog.offer(model).is_some())
            );
        }
    }
}
