//! What an operator adds.

use crate::{Capability, Catalog, CatalogError, OwnModel, OwnProvider, Unpriced};

use super::{CATALOG, now, tokens};

fn model(json: &str) -> OwnModel {
    serde_json::from_str(json).unwrap()
}

fn with(provider: &str, models: &[&str]) -> Result<Catalog, Vec<CatalogError>> {
    let models = models.iter().map(|json| model(json)).collect();
    CATALOG.with(&[OwnProvider {
        id: provider.to_owned(),
        models,
        ..OwnProvider::default()
    }])
}

fn cost(catalog: &Catalog, id: &str) -> String {
    let found = catalog.resolve(id).unwrap();
    found.offers[0]
        .cost(&tokens(1_000, 500), now())
        .unwrap()
        .total
        .to_string()
}

#[test]
fn a_model_of_the_operators_own_is_found_and_priced() {
    let qwen = r#"{"id":"qwen-coder","upstream":"Qwen/Qwen3-Coder","input":"0","output":"0","free":true,"fim":true}"#;
    let catalog = with(
        "lab",
        &[
            qwen,
            r#"{"id":"Big","input":"1","output":"2","cache_read":"0.1"}"#,
        ],
    )
    .unwrap();
    assert_eq!(cost(&catalog, "qwen-coder"), "0");
    assert_eq!(cost(&catalog, "lab/qwen-coder"), "0");
    assert_eq!(cost(&catalog, "lab/Qwen/Qwen3-Coder"), "0");
    assert_eq!(cost(&catalog, "big"), "0.002");
    let offer = catalog.offer("lab/qwen-coder").unwrap();
    assert!(
        offer.can(Capability::Fim)
            && offer.can(Capability::Streaming)
            && !offer.can(Capability::Tools)
    );
    assert!(
        catalog
            .models_with(Capability::Fim, |_| true)
            .contains(&"qwen-coder")
    );
    let lab = catalog.provider("lab").unwrap();
    assert_eq!(
        offer.path(lab, vane_dialect::Dialect::OpenaiChat),
        Some("/chat/completions")
    );
}

#[test]
fn a_model_like_a_known_one_takes_over_all_of_it() {
    let fast =
        r#"{"id":"fast","upstream":"our-deployment","like":"azure/gpt-5.4","context_window":1000}"#;
    let catalog = with("azure", &[fast]).unwrap();
    let known = CATALOG.offer("azure/gpt-5.4").unwrap();
    let offer = catalog.offer("azure/fast").unwrap();
    let rates = |offer: &crate::Offer| offer.rates_at(now()).unwrap().rates.clone();
    assert_eq!(rates(offer), rates(known));
    assert!(
        !rates(offer).tiers.is_empty(),
        "not only what a row can say"
    );
    assert_eq!(
        (&*offer.upstream, &*offer.model),
        ("our-deployment", "fast")
    );
    assert_eq!(
        (offer.capabilities, offer.max_output, offer.context_window),
        (known.capabilities, known.max_output, Some(1_000))
    );
    let version = &offer.rates_at(now()).unwrap().version;
    assert!(version.starts_with("azure/fast@"), "{version}");
    assert_eq!(catalog.resolve("fast").unwrap().offers.len(), 1);
    // Without a word for it upstream it is asked for as the known one is, also elsewhere.
    let catalog = with("lab", &[r#"{"id":"fast","like":"gpt-5.4"}"#]).unwrap();
    assert_eq!(catalog.offer("lab/fast").unwrap().upstream, "gpt-5.4");
    // A price that is said is all there is to it.
    let priced = r#"{"id":"fast","like":"gpt-5.4","input":"1","output":"2"}"#;
    let catalog = with("lab", &[priced]).unwrap();
    assert!(rates(catalog.offer("lab/fast").unwrap()).tiers.is_empty());
    for wrong in [
        r#"{"id":"fast","like":"gpt-5.4-sonnet"}"#,
        r#"{"id":"gpt-5.4","like":"gpt-5.4"}"#,
    ] {
        let errors = with("openai", &[wrong]).unwrap_err();
        assert!(errors[0].what.contains("`like`"), "{errors:?}");
    }
}

/// A vendor was asked for models that nobody had named there.
#[test]
fn a_provider_serves_only_what_is_named_and_what_is_added() {
    let own = |only: &[&str], models: &[&str]| {
        CATALOG.with(&[OwnProvider {
            id: "azure".to_owned(),
            only: Some(only.iter().map(|name| (*name).to_owned()).collect()),
            models: models.iter().map(|json| model(json)).collect(),
            ..OwnProvider::default()
        }])
    };
    let at_azure = |catalog: &Catalog| -> Vec<String> {
        let offers = catalog.offers().iter();
        let here = offers.filter(|offer| offer.provider == "azure");
        here.map(|offer| offer.id.to_string()).collect()
    };
    let fast = r#"{"id":"fast","like":"azure/gpt-5"}"#;
    let repriced = r#"{"id":"gpt-4o","input":"9","output":"9"}"#;
    let catalog = own(&["GPT-5-mini"], &[fast, repriced]).unwrap();
    let mut found = at_azure(&catalog);
    found.sort();
    assert_eq!(found, ["azure/fast", "azure/gpt-4o", "azure/gpt-5-mini"]);
    let elsewhere = |catalog: &Catalog| catalog.offers().len() - at_azure(catalog).len();
    assert_eq!(elsewhere(&catalog), elsewhere(&CATALOG));
    assert_eq!(at_azure(&own(&[], &[]).unwrap()), Vec::<String>::new());
    let errors = own(&["gpt-5-mini", "codestral-latest"], &[]).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].what.contains("\"codestral-latest\""),
        "{errors:?}"
    );
}

#[test]
fn m8_a_new_model_without_a_price_is_refused_and_every_fault_is_named_at_once() {
    let errors = with(
        "lab",
        &[
            r#"{"id":"a"}"#,
            r#"{"id":"b","input":"0","output":"0"}"#,
            r#"{"id":"c","input":"1"}"#,
            r#"{"id":"d","input":"1","output":"1","free":true}"#,
            r#"{"id":"with space","free":true}"#,
            r#"{"id":"fine","free":true}"#,
        ],
    )
    .unwrap_err();
    let places: Vec<&str> = errors.iter().map(|error| error.place.as_str()).collect();
    assert_eq!(
        places,
        ["lab/a", "lab/b", "lab/c", "lab/d", "lab/with space"]
    );
}

#[test]
fn m8_a_zero_price_without_free_is_an_error_even_past_every_check() {
    let catalog = with("lab", &[r#"{"id":"x","free":true}"#]).unwrap();
    let mut offer = crate::Offer::clone(catalog.offer("lab/x").unwrap());
    offer.free = false;
    assert_eq!(
        offer.cost(&tokens(1, 1), now()).unwrap_err(),
        Unpriced::NotFree
    );
    offer.cards.clear();
    assert_eq!(
        offer.cost(&tokens(1, 1), now()).unwrap_err(),
        Unpriced::NotFree
    );
}

#[test]
fn a_price_of_the_catalogue_can_be_changed_and_the_rest_stays() {
    let catalog = with(
        "mistral",
        &[r#"{"id":"codestral-latest","input":"0.2","output":"0.6"}"#],
    )
    .unwrap();
    assert_eq!(cost(&catalog, "codestral-latest"), "0.0005");
    let offer = catalog.offer("codestral-latest").unwrap();
    assert_eq!(
        (offer.context_window, &*offer.source),
        (Some(256_000), "configuration")
    );
    assert!(
        offer.cards[0]
            .version
            .starts_with("codestral-latest@1970-01-01#")
    );
    assert_eq!(catalog.offers().len(), CATALOG.offers().len());
    assert_eq!(cost(&CATALOG, "codestral-latest"), "0.00075");
}

#[test]
fn limits_can_be_changed_without_saying_a_price() {
    let catalog = with(
        "mistral",
        &[r#"{"id":"codestral-latest","max_output":4096}"#],
    )
    .unwrap();
    assert_eq!(
        catalog.offer("codestral-latest").unwrap().max_output,
        Some(4096)
    );
    assert_eq!(cost(&catalog, "codestral-latest"), "0.00075");
}

#[test]
fn an_operators_name_wins_over_an_alias_of_the_catalogue() {
    let catalog = with("lab", &[r#"{"id":"codestral","free":true}"#]).unwrap();
    assert_eq!(
        catalog.resolve("codestral").unwrap().offers[0].id,
        "lab/codestral"
    );
}

#[test]
fn the_codestral_host_can_be_given_a_name_on_purpose() {
    let row = r#"{"id":"codestral-free","upstream":"codestral-latest","free":true,"fim":true}"#;
    let catalog = with("codestral", &[row]).unwrap();
    let found = catalog.resolve("codestral-free").unwrap();
    assert_eq!(
        (&*found.offers[0].provider, &*found.offers[0].upstream),
        ("codestral", "codestral-latest")
    );
}

#[test]
fn a_price_said_for_the_codestral_host_does_not_open_it_to_bare_ids() {
    let catalog = with("codestral", &[r#"{"id":"codestral-latest","free":true}"#]).unwrap();
    let bare = catalog.resolve("codestral-latest").unwrap();
    assert!(bare.offers.iter().all(|offer| offer.provider == "mistral"));
    assert!(catalog.resolve("codestral/codestral-latest").is_some());
}

#[test]
fn a_second_server_of_the_same_model_joins_its_offers() {
    let catalog = with(
        "lab",
        &[r#"{"id":"codestral-latest","input":"0.1","output":"0.1"}"#],
    )
    .unwrap();
    let found = catalog.resolve("codestral-latest").unwrap();
    let ids: Vec<&str> = found.offers.iter().map(|offer| &*offer.id).collect();
    assert_eq!(ids, ["codestral-latest", "lab/codestral-latest"]);
}

#[test]
fn an_unknown_key_and_a_price_that_is_no_text_are_errors() {
    for json in [
        r#"{"id":"x","prce":"1"}"#,
        r#"{"id":"x","input":0.1,"output":"1"}"#,
    ] {
        assert!(serde_json::from_str::<OwnModel>(json).is_err(), "{json}");
    }
}

#[test]
fn fees_of_the_operators_own_are_laid_over_those_that_are_known() {
    use vane_dialect::usage::{Unit, Units, Usage};
    let fees = r#""per_use":{"web_search":"0.02","code_run":"0.003"}"#;
    let own = format!(r#"{{"id":"claude-opus-5",{fees}}}"#);
    let catalog = with("anthropic", &[&own]).unwrap();
    let offer = catalog.offer("claude-opus-5").unwrap();
    let mut units = Units::of(Unit::WebSearch, 1);
    units.add(Unit::CodeRun, 1);
    let usage = Usage {
        units,
        ..tokens(1_000, 500)
    };
    let total = offer.cost(&usage, now()).unwrap().total.to_string();
    assert_eq!(total, "0.0405", "tokens as the catalogue prices them");

    let free = format!(r#"{{"id":"m","free":true,{fees}}}"#);
    let errors = with("lab", &[&free]).unwrap_err();
    assert!(errors[0].what.contains("per_use"), "{errors:?}");
}
