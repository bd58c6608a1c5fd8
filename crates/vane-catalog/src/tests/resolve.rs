//! Model ids as callers write them.

use crate::Capability;

use super::CATALOG;

/// The id it is known as and the offers, in one line.
fn resolved(id: &str) -> String {
    let Some(found) = CATALOG.resolve(id) else {
        return "nothing".to_owned();
    };
    let offers: Vec<&str> = found.offers.iter().map(|offer| &*offer.id).collect();
    format!("{}: {}", found.id, offers.join(" "))
}

#[test]
fn ids_aliases_and_prefixes_lead_to_offers() {
    for (id, expected) in [
        ("codestral-latest", "codestral-latest: codestral-latest"),
        ("codestral", "codestral-latest: codestral-latest"),
        ("Codestral-Latest", "codestral-latest: codestral-latest"),
        (
            "mistral/codestral-latest",
            "codestral-latest: codestral-latest",
        ),
        (
            "mistralai/codestral-latest",
            "codestral-latest: codestral-latest",
        ),
        ("mistral/codestral", "codestral-latest: codestral-latest"),
        ("openai/gpt-4o", "gpt-4o: gpt-4o"),
        ("anthropic/claude-opus-5", "claude-opus-5: claude-opus-5"),
        (
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-5: claude-sonnet-4-5",
        ),
        ("gemini/gemini-2.5-pro", "gemini-2.5-pro: gemini-2.5-pro"),
        ("deepseek/deepseek-flash", "deepseek-flash: deepseek-flash"),
        ("groq/gpt-oss-120b", "groq/gpt-oss-120b: groq/gpt-oss-120b"),
        (
            "groq/openai/gpt-oss-120b",
            "groq/gpt-oss-120b: groq/gpt-oss-120b",
        ),
        ("azure/gpt-4o", "azure/gpt-4o: azure/gpt-4o"),
        (
            "deepinfra/zai-org/GLM-4.7",
            "deepinfra/glm-4.7: deepinfra/glm-4.7",
        ),
        ("x-ai/grok-4.5", "grok-4.5: grok-4.5"),
        (
            "text-completion-inception/mercury-edit-2",
            "mercury-edit-2: mercury-edit-2",
        ),
        // Two offers of one model at one provider: the id means the one that has it.
        (
            "azure/deepseek-v4.1-flash",
            "azure/deepseek-v4.1-flash: azure/deepseek-v4.1-flash",
        ),
        (
            "azure_ai/fw-gpt-oss-120b",
            "azure/fw-gpt-oss-120b: azure/fw-gpt-oss-120b",
        ),
        // An alias of the maker's own means the maker's model, not a namesake elsewhere.
        ("mistral-medium-3", "mistral-medium-3-5: mistral-medium-3-5"),
        ("nothing-like-it", "nothing"),
        ("openrouter/anything", "nothing"),
        ("mistral/gpt-4o", "nothing"),
        ("/", "nothing"),
        ("", "nothing"),
    ] {
        assert_eq!(resolved(id), expected, "{id}");
    }
}

#[test]
fn a_model_id_names_every_offer_of_the_model() {
    let found = CATALOG.resolve("glm-4.7").unwrap();
    assert!(found.offers.len() > 2);
    assert!(found.offers.iter().all(|offer| offer.model == "glm-4.7"));
    let vendor = CATALOG.resolve("zai-org/GLM-4.7").unwrap();
    assert_eq!(vendor.id, "glm-4.7");
}

#[test]
fn the_codestral_host_is_reached_by_its_prefixes_or_by_names_that_nobody_else_has() {
    let host = "codestral/codestral-latest: codestral/codestral-latest";
    assert_eq!(resolved("codestral/codestral-latest"), host);
    assert_eq!(resolved("text-completion-codestral/codestral-latest"), host);
    let found = CATALOG
        .resolve("text-completion-codestral/codestral-latest")
        .unwrap();
    assert!(found.completion_only);
    for offer in CATALOG.offers() {
        for id in [&offer.model, &offer.upstream, &offer.id]
            .into_iter()
            .chain(&offer.aliases)
        {
            let by_prefix = id.starts_with("codestral/") || *id == "codestral-2405";
            let found = CATALOG
                .resolve(id)
                .map(|found| found.offers)
                .unwrap_or_default();
            let free = found.iter().any(|offer| offer.provider == "codestral");
            assert_eq!(free, by_prefix, "{id}");
            let mixed = found.iter().any(|offer| offer.provider != "codestral");
            assert!(!(free && mixed), "{id}");
        }
    }
}

#[test]
fn every_offer_is_found_by_its_own_id_and_by_its_provider() {
    for offer in CATALOG.offers() {
        let by_provider = format!("{}/{}", offer.provider, offer.upstream);
        for id in [&*offer.id, by_provider.as_str()] {
            let found = CATALOG.resolve(id).unwrap_or_else(|| panic!("{id}"));
            let same = found.offers.iter().any(|found| found.id == offer.id);
            let retired = offer.status == crate::Status::Retired;
            assert!(same || retired, "{id}: {:?}", found.id);
        }
    }
}

#[test]
fn a_mistyped_id_is_answered_with_near_ones() {
    for (typed, first) in [
        ("codestral-lates", "codestral-latest"),
        ("codestral_latest", "codestral-latest"),
        ("gpt5", "gpt-5"),
        ("claude-opus5", "claude-opus-5"),
        ("mistral/codestral-lates", "codestral-latest"),
        ("CODESTRAL-LATST", "codestral-latest"),
    ] {
        let near = CATALOG.near(typed);
        assert_eq!(near.first(), Some(&first), "{typed}: {near:?}");
        assert!(near.len() <= 5);
    }
    assert!(
        CATALOG
            .near("claude-opus")
            .iter()
            .all(|id| id.contains("claude-opus"))
    );
    assert!(CATALOG.near("").is_empty());
    assert!(CATALOG.near("zzzzzzzzzzzz").is_empty());
    assert!(CATALOG.near(&"é".repeat(100_000)).is_empty());
}

#[test]
fn f1_models_that_fill_in_the_middle_are_named() {
    let able = CATALOG.models_with(Capability::Fim, |_| true);
    for id in [
        "codestral-latest",
        "codestral-2508",
        "mercury-edit-2",
        "codestral/codestral-latest",
    ] {
        assert!(able.contains(&id), "{able:?}");
    }
    assert!(
        !able.contains(&"codestral/codestral-2405"),
        "retired: {able:?}"
    );
    let here = CATALOG.models_with(Capability::Fim, |offer| offer.provider == "inception");
    assert_eq!(here, ["mercury-edit-2"]);
}
