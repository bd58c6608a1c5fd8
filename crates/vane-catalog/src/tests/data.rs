//! Every row of the data, checked as a reviewer would.

use std::collections::HashSet;

use crate::file::{MODELS, ModelsFile, PROVIDERS, ProvidersFile};
use crate::{Capability, Catalog, Kind, Rate, Status};
use vane_dialect::call::Effort;
use vane_dialect::effort;
use vane_dialect::quirk::Quirk;
use vane_dialect::usage::Unit;

use super::{CATALOG, offer};

fn rows() -> ModelsFile<'static> {
    serde_json::from_str(MODELS).unwrap()
}

#[test]
fn m9_the_catalogue_is_embedded_and_checked_and_nothing_is_fetched() {
    assert_eq!(CATALOG.offers().len(), 505);
    assert_eq!(CATALOG.providers().len(), 31);
    assert_eq!(CATALOG.as_of().to_string(), "2026-11-20");
    assert!(
        CATALOG
            .sources()
            .iter()
            .any(|(source, _)| *source == "keeprouter-pages")
    );
}

#[test]
fn an_unknown_key_a_float_and_a_doubled_key_are_errors() {
    let row = r#""name":"X","base_url":null,"key_env":[],"speaks":{"openai_chat":"/c"}"#;
    let file =
        |row: &str| format!(r#"{{"schema_version":1,"as_of":"2026-11-20","providers":{{{row}}}}}"#);
    let parses = |text: &str| serde_json::from_str::<ProvidersFile<'_>>(text).is_ok();
    assert!(parses(&file(&format!(r#""x":{{{row}}}"#))));
    assert!(!parses(&file(&format!(r#""x":{{{row},"quirk":[]}}"#))));
    assert!(!parses(&file(&format!(r#""x":{{{row}}},"x":{{{row}}}"#))));
    let price = MODELS.replacen(r#""input":"0.3""#, r#""input":0.3"#, 1);
    assert!(serde_json::from_str::<ModelsFile<'_>>(&price).is_err());
    let key = MODELS.replacen(r#""family":"#, r#""famly":"x","family":"#, 1);
    assert!(serde_json::from_str::<ModelsFile<'_>>(&key).is_err());
}

#[test]
fn an_unknown_dialect_is_an_error() {
    let file: &'static str = Box::leak(
        PROVIDERS
            .replace("openai_chat", "openai_chatt")
            .into_boxed_str(),
    );
    assert!(Catalog::read(file, MODELS).is_err());
}

#[test]
fn the_launch_prices_are_these() {
    let launch = [
        ("codestral-latest", "0.30", "0.90"),
        ("devstral-medium-latest", "0.40", "2"),
        ("magistral-medium-latest", "2", "5"),
        ("magistral-small-latest", "0.50", "1.50"),
        ("ministral-14b-latest", "0.20", "0.20"),
        ("ministral-3b-latest", "0.10", "0.10"),
        ("ministral-8b-latest", "0.15", "0.15"),
    ];
    for (id, input, output) in launch {
        let rates = &offer(id).rates_at(super::now()).unwrap().rates;
        assert_eq!(rates.input, Rate::parse_per_million(input).unwrap(), "{id}");
        assert_eq!(
            rates.output,
            Rate::parse_per_million(output).unwrap(),
            "{id}"
        );
        assert!(offer(id).launch, "{id}");
    }
    assert_eq!(
        CATALOG.offers().iter().filter(|offer| offer.launch).count(),
        launch.len()
    );
}

#[test]
fn ids_names_and_references_hold_together() {
    let mut served = HashSet::new();
    for offer in CATALOG.offers() {
        let id = &offer.id;
        assert!(
            served.insert((&offer.provider, &offer.upstream)),
            "{id}: offered twice"
        );
        assert!(
            id.len() <= 96 && !id.chars().any(|c| c.is_ascii_uppercase()),
            "{id}"
        );
        assert_eq!(
            offer.can(Capability::Embeddings),
            offer.kind == Kind::Embedding,
            "{id}"
        );
        if let Some(replacement) = &offer.replacement {
            assert!(
                CATALOG.offer(replacement).is_some(),
                "{id}: {replacement} is unknown"
            );
        }
        if offer.retires.is_some_and(|day| day < CATALOG.as_of()) {
            assert_eq!(offer.status, Status::Retired, "{id} is past its retirement");
        }
        let bare = !id.contains('/');
        for alias in &offer.aliases {
            let full = if bare {
                alias.to_string()
            } else {
                format!("{}/{alias}", offer.provider)
            };
            let other = CATALOG.offer(&full).map(|other| &other.id);
            assert!(
                other.is_none() || other == Some(id),
                "{id}: alias {alias} is also an id"
            );
        }
    }
}

#[test]
fn an_alias_stands_on_one_offer_of_a_provider() {
    let mut seen = HashSet::new();
    for offer in CATALOG.offers() {
        for alias in &offer.aliases {
            assert!(
                seen.insert((&offer.provider, alias.to_lowercase())),
                "{}: {alias}",
                offer.id
            );
        }
    }
}

#[test]
fn tiers_ascend_and_are_not_cheaper_than_what_they_follow() {
    for row in rows().offers {
        let mut last = 0;
        for tier in &row.prices.tiers {
            assert!(
                tier.above_input_tokens > last,
                "{}: tiers out of order",
                row.id
            );
            assert!(
                tier.input.is_none_or(|rate| rate >= row.prices.input),
                "{}",
                row.id
            );
            assert!(
                tier.output.is_none_or(|rate| rate >= row.prices.output),
                "{}",
                row.id
            );
            last = tier.above_input_tokens;
        }
    }
}

#[test]
fn dated_prices_follow_each_other_without_a_gap() {
    for row in rows().offers {
        let mut next = None;
        for past in &row.price_history {
            assert!(
                past.from == next || next.is_none(),
                "{}: a gap in the past",
                row.id
            );
            assert!(
                past.until.is_some(),
                "{}: a past price without an end",
                row.id
            );
            next = past.until;
        }
        assert!(
            next.is_none() || next == row.effective_from,
            "{}: a gap before today",
            row.id
        );
        for coming in &row.scheduled {
            assert!(
                coming.from.is_some_and(|day| day > CATALOG.as_of()),
                "{}",
                row.id
            );
        }
    }
}

#[test]
fn every_provider_that_was_promised_is_there_and_callable() {
    let promised = "mistral codestral openai anthropic google xai deepseek groq cerebras together \
         fireworks deepinfra moonshotai zai minimax alibaba perplexity azure openrouter vllm \
         llamacpp ollama lmstudio";
    for id in promised.split_whitespace() {
        assert!(
            CATALOG
                .provider(id)
                .is_some_and(|provider| provider.is_callable()),
            "{id}"
        );
    }
    for id in ["bedrock", "vertex"] {
        assert!(!CATALOG.provider(id).unwrap().is_callable(), "{id}");
    }
}

#[test]
fn every_offer_of_a_callable_provider_has_a_way_out_or_a_known_reason() {
    let mut without: Vec<&str> = Vec::new();
    for offer in CATALOG.offers() {
        let provider = CATALOG.provider(&offer.provider).unwrap();
        let reachable = vane_dialect::Dialect::ALL
            .iter()
            .any(|d| offer.path(provider, *d).is_some());
        let known = !provider.is_callable() || provider.without_makers.contains(&offer.maker);
        if !reachable && !known {
            without.push(&offer.id);
        }
    }
    // Perplexity's embeddings come in an encoding that the OpenAI dialect does not have.
    assert_eq!(
        without,
        ["pplx-embed-context-v1-0.6b", "pplx-embed-context-v1-4b"]
    );
}

#[test]
fn quirks_of_a_model_come_on_top_of_those_of_its_provider() {
    let anthropic = CATALOG.provider("anthropic").unwrap();
    assert!(anthropic.quirks_of("claude-opus-5").has(Quirk::NoSampling));
    assert!(
        !anthropic
            .quirks_of("claude-sonnet-4-5-20250929")
            .has(Quirk::NoSampling)
    );
    let openai = CATALOG.provider("openai").unwrap();
    assert!(openai.quirks_of("gpt-5-mini").has(Quirk::NoSampling));
    assert!(
        openai
            .quirks_of("gpt-5.2")
            .has(Quirk::SamplingUnlessReasoning)
    );
    assert!(!openai.quirks_of("gpt-5.2").has(Quirk::NoSampling));
    assert!(!openai.quirks_of("gpt-4o").has(Quirk::MaxCompletionTokens));
    assert!(openai.quirks_of("gpt-4o").has(Quirk::OpenaiOwn));
    let alibaba = CATALOG.provider("alibaba").unwrap();
    assert!(alibaba.quirks_of("qwq-plus").has(Quirk::StreamsOnly));
    assert!(!alibaba.quirks_of("qwen-plus").has(Quirk::StreamsOnly));
}

/// What each takes, by its own error messages or its documentation.
#[test]
fn efforts_are_those_that_a_model_takes() {
    let all = "none minimal low medium high xhigh max";
    for (provider, model, taken) in [
        ("openai", "gpt-4o", all),
        ("openai", "o3-pro", "low medium high"),
        ("openai", "gpt-5-mini", "minimal low medium high"),
        ("openai", "gpt-5-pro", "high"),
        ("openai", "gpt-5.1", "none low medium high"),
        ("openai", "gpt-5.2", "none low medium high xhigh"),
        ("openai", "gpt-5.3-codex", "low medium high xhigh"),
        ("openai", "gpt-5.5-pro", "medium high xhigh"),
        ("openai", "gpt-6-sol", "none low medium high xhigh max"),
        ("openai", "gpt-6.1-sol", "low medium high xhigh max"),
        ("azure", "gpt-5.2-codex", "low medium high xhigh"),
        ("mistral", "mistral-small-latest", "none high"),
        ("mistral", "zai-glm-5-3-flash", "low high max"),
        (
            "anthropic",
            "claude-opus-4-6",
            "none minimal low medium high max",
        ),
        ("anthropic", "claude-opus-5", all),
        ("google", "gemini-2.5-flash", "none low medium high"),
        ("google", "gemini-2.5-pro", "low medium high"),
        ("google", "gemini-3.5-flash", "low medium high"),
        ("google", "gemini-3.8-flash", "low medium high"),
        ("google", "gemini-4-argon", "low medium high"),
        ("google", "gemini-flash-latest", "low medium high"),
        ("xai", "grok-4.3", "none low medium high"),
        ("xai", "grok-4.5", "low medium high"),
        ("xai", "grok-4.7", "low medium high xhigh"),
        ("groq", "openai/gpt-oss-120b", "low medium high"),
        ("groq", "qwen/qwen3.8-27b", "none low medium high"),
        ("cerebras", "gpt-oss-120b", "low medium high"),
        ("cerebras", "qwen-3.8-27b", "none low medium high"),
        ("together", "openai/gpt-oss-120b", "low medium high"),
        ("together", "moonshotai/Kimi-K3", all),
        ("minimax", "MiniMax-M3", "none minimal low medium high"),
        ("moonshotai", "kimi-k3.1-pro", "low high max"),
        ("zai", "glm-5.3", "low high max"),
        ("zai", "glm-5.3-flash", "low high max"),
        (
            "alibaba",
            "qwen3.8-max",
            "none minimal low medium high xhigh",
        ),
        (
            "fireworks",
            "accounts/fireworks/models/glm-5p3",
            "minimal low medium high xhigh max",
        ),
        (
            "fireworks",
            "accounts/fireworks/routers/glm-5p3-fast",
            "minimal low medium high xhigh max",
        ),
        ("fireworks", "accounts/fireworks/models/glm-5p1", all),
        ("ollama", "qwen3.8", "none low medium high max"),
        ("lmstudio", "openai/gpt-oss-20b", "none low medium high"),
    ] {
        let quirks = CATALOG.provider(provider).unwrap().quirks_of(model);
        let efforts = Effort::ALL.into_iter();
        let efforts = efforts.filter(|asked| effort::takes(quirks, *asked));
        let names: Vec<&str> = efforts.map(Effort::name).collect();
        assert_eq!(names.join(" "), taken, "{provider} {model}");
    }
}

#[test]
fn anthropics_models_say_how_they_think() {
    let anthropic = CATALOG.provider("anthropic").unwrap();
    for model in ["claude-haiku-4-5", "claude-sonnet-4-5-20250929"] {
        let quirks = anthropic.quirks_of(model);
        assert!(quirks.has(Quirk::NoReasoningEffort) && quirks.has(Quirk::NoAdaptiveThinking));
    }
    for (model, always, free) in [
        ("claude-opus-5-5", true, true),
        ("claude-sonnet-5-5", true, true),
        ("claude-fable-5-1", true, true),
        ("claude-fable-5", true, false),
        ("claude-mythos-5", true, false),
        ("claude-opus-5", false, false),
        ("claude-haiku-5-5", false, false),
    ] {
        let quirks = anthropic.quirks_of(model);
        assert_eq!(quirks.has(Quirk::AlwaysThinks), always, "{model}");
        assert_eq!(quirks.has(Quirk::NoForcedTool), free, "{model}");
    }
}

#[test]
fn fees_stand_beside_the_prices_of_tokens_and_name_their_source() {
    let rows = rows();
    let known = |source: &str| rows.sources.0.iter().any(|(known, _)| *known == source);
    for row in &rows.offers {
        assert!(row.prices.per_use.is_empty(), "{}: in `per_use`", row.id);
        let Some(fees) = &row.per_use else { continue };
        assert!(known(fees.source), "{}: {}", row.id, fees.source);
        assert!(fees.source_date <= rows.as_of, "{}", row.id);
    }
    let priced = |provider: &str| {
        let of = rows.offers.iter().filter(|row| row.provider == provider);
        of.filter(|row| row.per_use.is_some()).count()
    };
    assert_eq!(
        priced("anthropic"),
        16,
        "every model of Anthropic's may search"
    );
    assert_eq!(priced("openai"), 29);
}

#[test]
fn every_offer_whose_provider_bills_requests_states_that_fee() {
    for offer in CATALOG.offers() {
        let provider = CATALOG.provider(&offer.provider).unwrap();
        let bills = provider.quirks_of(&offer.upstream).has(Quirk::RequestFee);
        let states = offer.prices(Unit::Request, super::now());
        assert!(
            !bills || states || offer.kind != Kind::Chat,
            "{} has no fee for a request",
            offer.id
        );
    }
}
