//! Whole files, of the kinds that people have. Each must load as it comes out.

use std::sync::LazyLock;

use vane_catalog::Catalog;

use super::*;
use crate::config::{Config, Environment, catalog};

const SAMPLES: [(&str, &str); 9] = [
    ("small", include_str!("samples/small.yaml")),
    ("azure", include_str!("samples/azure.yaml")),
    ("region", include_str!("samples/region.yaml")),
    ("servers", include_str!("samples/servers.yaml")),
    ("secrets", include_str!("samples/secrets.yaml")),
    ("completion", include_str!("samples/completion.yaml")),
    ("clouds", include_str!("samples/clouds.yaml")),
    ("wildcards", include_str!("samples/wildcards.yaml")),
    ("team", include_str!("samples/team.yaml")),
];

/// A sample, what came of it, and that as it loads.
struct Case {
    name: &'static str,
    imported: Imported,
    config: Config,
    catalog: Catalog,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let embedded = Catalog::embedded().unwrap();
    let case = |(name, text): (&'static str, &str)| {
        let imported = configuration(text, &embedded).unwrap();
        let (config, catalog) = loaded(&imported);
        Case {
            name,
            imported,
            config,
            catalog,
        }
    };
    SAMPLES.into_iter().map(case).collect()
});

fn case(name: &str) -> &'static Case {
    CASES.iter().find(|case| case.name == name).unwrap()
}

/// The result as it loads, and the catalogue that comes of it.
#[track_caller]
fn loaded(imported: &Imported) -> (Config, Catalog) {
    let value = |name: &str| match name.ends_with("_BASE_URL") {
        true => "https://somewhere.example/openai/v1",
        false => "a-key",
    };
    let variables = imported.variables.iter();
    let environment: Environment = variables
        .map(|v| (v.name.as_str(), value(&v.name)))
        .collect();
    let reading = Config::read_text("vane.toml", &imported.configuration, &environment);
    assert_eq!(reading.problems, [], "{}", imported.configuration);
    let config = reading.config.unwrap();
    let catalog = catalog(&config).unwrap();
    (config, catalog)
}

/// Offers behind a name whose providers are on, with the word for them upstream.
fn served(config: &Config, catalog: &Catalog, name: &str) -> Vec<String> {
    let Some(found) = catalog.resolve(name) else {
        return Vec::new();
    };
    let is_on = |id: &str| config.providers.iter().any(|row| row.id == id);
    let offers = found.offers.iter().filter(|offer| is_on(&offer.provider));
    offers
        .map(|offer| format!("{}: {}", offer.provider, offer.upstream))
        .collect()
}

fn lists(imported: &Imported, why: Why, place: &str, what: &str) {
    let mut rows = imported.left.iter();
    let found =
        rows.any(|left| left.why == why && left.place.contains(place) && left.what.contains(what));
    assert!(found, "{why:?} {place} {what}: {:#?}", imported.left);
}

#[test]
fn every_sample_loads_as_it_comes_out_and_repeats_no_secret() {
    assert_eq!(CASES.len(), SAMPLES.len());
    for Case { name, imported, .. } in CASES.iter() {
        let all = format!("{imported:?}");
        let hosts = all
            .replace("canary-eu.openai", "")
            .replace("canary-us.openai", "");
        assert!(!hosts.contains("canary"), "{name}: {all}");
        assert!(imported.left.iter().all(|left| left.line > 0), "{name}");
    }
}

#[test]
fn names_and_aliases_lead_to_the_models_they_led_to() {
    for (sample, name, to) in [
        ("small", "gpt-5-mini", &["openai: gpt-5-mini"][..]),
        ("small", "sonnet", &["anthropic: claude-sonnet-4-5"]),
        ("small", "codestral-latest", &["mistral: codestral-latest"]),
        ("small", "gemini", &["google: gemini-2.5-flash"]),
        (
            "azure",
            "gpt-4o",
            &["openai: gpt-4o", "azure: gpt-4o-eu", "azure-2: gpt-4o-us"],
        ),
        (
            "azure",
            "gpt-4",
            &["azure: gpt-4o-eu", "azure-2: gpt-4o-us", "openai: gpt-4o"],
        ),
        ("azure", "house-deployment", &["azure-3: house"]),
        ("region", "gpt-4o", &["azure: my-eu-gpt4o"]),
        ("region", "gpt-4o-mini", &["openai: gpt-4o-mini"]),
        ("region", "gpt-5", &[]),
        ("region", "house", &["10.0.0.5-8000: house"]),
        ("region", "codestral-latest", &[]),
        (
            "servers",
            "qwen-coder",
            &["10.0.0.5-8000: Qwen/Qwen3-Coder"],
        ),
        ("servers", "llama", &["ollama: llama3.1"]),
        ("servers", "mixtral", &["vllm: mistralai/Mixtral-8x7B"]),
        ("servers", "by-variable", &["lab_base: x"]),
        ("servers", "unpriced", &[]),
        ("secrets", "gpt-5", &["openai: gpt-5", "openai-2: gpt-5"]),
        ("completion", "codestral", &["codestral: codestral-latest"]),
        ("completion", "fim", &["codestral: codestral-latest"]),
        ("completion", "devstral", &["mistral: devstral-latest"]),
        ("clouds", "grok", &["xai: grok-4.3"]),
        ("clouds", "any-router-model", &[]),
        ("wildcards", "openai/gpt-5", &["openai: gpt-5"]),
        ("team", "default", &["openai: gpt-5.4"]),
        ("team", "hidden", &["openai: gpt-5-mini"]),
        ("team", "cheap", &["groq: openai/gpt-oss-20b"]),
    ] {
        let Case {
            imported,
            config,
            catalog,
            ..
        } = case(sample);
        let mut found = served(config, catalog, name);
        let mut to: Vec<String> = to.iter().map(|to| (*to).to_owned()).collect();
        found.sort();
        to.sort();
        assert_eq!(found, to, "{sample}: {name}\n{}", imported.configuration);
    }
}

#[test]
fn prices_come_over_to_the_digit() {
    for (sample, offer, rates) in [
        ("azure", "azure-3/house-deployment", ["2.5", "10"]),
        ("servers", "vllm/mixtral", ["0.2", "0.2"]),
        ("servers", "10.0.0.5-8000/house-embedding", ["0.02", "0"]),
        ("team", "groq/cheap", ["0.075", "0.3"]),
    ] {
        let catalog = &case(sample).catalog;
        let rates_of = catalog.offer(offer).unwrap().cards[0].rates.clone();
        assert_eq!(
            [rates_of.input.to_string(), rates_of.output.to_string()],
            rates,
            "{offer}"
        );
    }
    let catalog = &case("servers").catalog;
    assert!(catalog.offer("10.0.0.5-8000/qwen-coder").unwrap().free);
    // Tiers of the known model are not lost on the way.
    let catalog = &case("team").catalog;
    let embedded = Catalog::embedded().unwrap();
    let smart = catalog.offer("openai/smart").unwrap();
    let known = embedded.offer("gpt-5.4").unwrap();
    assert_eq!(smart.cards[0].rates, known.cards[0].rates);
}

/// Sample, why, where, and a part of what is said.
const LISTED: [(&str, Why, &str, &str); 33] = [
    (
        "small",
        Why::Elsewhere,
        "general_settings.master_key",
        "vane key create",
    ),
    (
        "azure",
        Why::Elsewhere,
        "model_list[0].litellm_params.rpm",
        "--rpm",
    ),
    ("azure", Why::Absent, "litellm_params.api_version", "Azure"),
    (
        "azure",
        Why::Unpriced,
        "model_list[4]",
        "no-base-model: no price",
    ),
    (
        "azure",
        Why::Elsewhere,
        "router_settings.redis_password",
        "Redis",
    ),
    (
        "servers",
        Why::Unpriced,
        "model_list[4]",
        "unpriced: no price",
    ),
    (
        "secrets",
        Why::Secret,
        "model_list[0].litellm_params.api_key",
        "OPENAI_API_KEY",
    ),
    (
        "secrets",
        Why::Secret,
        "model_list[1].litellm_params.api_key",
        "VANE_OPENAI_2_API_KEY",
    ),
    ("secrets", Why::Secret, "model_list[2]", "x-gateway-key"),
    ("secrets", Why::Provider, "model_list[3]", "no plain URL"),
    (
        "secrets",
        Why::Secret,
        "environment_variables.REDIS_PASSWORD",
        "set it",
    ),
    (
        "secrets",
        Why::Elsewhere,
        "general_settings.database_url",
        "--database",
    ),
    ("clouds", Why::Provider, "model_list[0]", "bedrock-claude"),
    ("clouds", Why::Provider, "model_list[1]", "vertex-gemini"),
    ("clouds", Why::Provider, "model_list[2]", "watsonx"),
    ("clouds", Why::Provider, "model_list[3]", "image_generation"),
    ("clouds", Why::Unpriced, "model_list[6]", "above_128k"),
    ("clouds", Why::Provider, "model_list[7]", "Gemini"),
    ("clouds", Why::Absent, "mcp_servers", "no such setting"),
    ("wildcards", Why::Provider, "model_list[2]", "does not know"),
    ("wildcards", Why::Unclear, "model_list[3]", "wildcard"),
    ("wildcards", Why::Unclear, "model_list[4]", "each named"),
    ("team", Why::Unclear, "model_list[2]", "second deployment"),
    (
        "team",
        Why::Unclear,
        "model_list[3]",
        "another model of that name",
    ),
    ("team", Why::Unclear, "model_list[5]", "a space"),
    ("team", Why::Unclear, "model_list[6]", "without"),
    ("team", Why::Unclear, "model_group_alias.gone", "not here"),
    (
        "team",
        Why::Elsewhere,
        "router_settings.fallbacks",
        "\"models\"",
    ),
    (
        "team",
        Why::Elsewhere,
        "router_settings.num_retries",
        "retries",
    ),
    (
        "team",
        Why::Elsewhere,
        "litellm_settings.max_budget",
        "--budget",
    ),
    (
        "team",
        Why::Absent,
        "model_list[1].litellm_params.temperature",
        "client's",
    ),
    ("team", Why::Absent, "shared", "no such setting"),
    ("team", Why::Unclear, "include", "join them first"),
];

#[test]
fn what_does_not_map_is_listed_with_why() {
    for (sample, why, place, what) in LISTED {
        lists(&case(sample).imported, why, place, what);
    }
}

#[test]
fn settings_that_vane_has_are_taken() {
    let config = &case("azure").config;
    assert_eq!(
        (config.retries.per_offer_max, config.retries.attempts_max),
        (3, 4)
    );
    assert_eq!(config.timeouts.upstream_head.as_secs(), 30);
    let config = &case("completion").config;
    assert_eq!(
        (
            config.retries.per_offer_max,
            config.timeouts.upstream_head.as_secs()
        ),
        (4, 120)
    );
    let config = &case("wildcards").config;
    assert_eq!(config.limits.body_bytes_max, 20 << 20);
    let config = &case("team").config;
    assert_eq!(
        config.retries.per_offer_max, 2,
        "the router's is out of range"
    );
}

/// What a fuzzer and its reader found.
#[test]
fn odd_names_and_addresses_are_listed_and_the_rest_loads() {
    let embedded = Catalog::embedded().unwrap();
    let entry = |name: &str, model: &str, more: &str| {
        format!("  - model_name: {name}\n    litellm_params: {{model: {model}{more}}}\n")
    };
    let text = "model_list:\n".to_owned()
        + &entry("fine", "openai/gpt-5", "")
        + &entry("empty", "openai/", "")
        + &entry("lines", "\"openai/a\\nb\"", "")
        + &entry("key", "openai/x", ", \"a\\nb = 1\\n_cost_per_\": 1")
        + &entry("here", "openai/x", ", api_base: http://127.0.0.1:8787/v1")
        + &entry(
            "header",
            "openai/gpt-5",
            ", extra_headers: {\"a b\": os.environ/X}",
        )
        + "router_settings:\n  model_group_alias: {\"d😀\": fine}\n";
    let imported = configuration(&text, &embedded).unwrap();
    let (config, _) = loaded(&imported);
    assert_eq!(config.providers.len(), 1, "{}", imported.configuration);
    lists(&imported, Why::Unclear, "model_group_alias", "no row");
    lists(&imported, Why::Unclear, "model_list[1]", "or none");
    lists(&imported, Why::Unclear, "model_list[2]", "or none");
    lists(&imported, Why::Provider, "model_list[4]", "own address");
    lists(&imported, Why::Secret, "model_list[5]", "a header");
}

#[test]
fn what_is_no_configuration_is_refused() {
    let catalog = Catalog::embedded().unwrap();
    for text in ["", "- a\n", "text", "a: [", "a: &a [*a]\n"] {
        assert!(configuration(text, &catalog).is_err(), "{text}");
    }
}
