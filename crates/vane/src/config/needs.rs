//! What must be set before a provider of the catalogue can be called, in words that can be pasted.
//!
//! Errors, `vane models` and `vane check` say the same, because they all ask here.

use vane_catalog::{Auth, Catalog, Provider};

use super::reader::variable_name;
use crate::local::PROVIDER;

/// The variables that switch a provider on: its key, and its address where that is the
/// operator's own.
#[must_use]
pub fn variables(provider: &Provider) -> String {
    if provider.id == PROVIDER {
        return format!("{}=true", variable_name("engine.tiny"));
    }
    let own = |key: &str| variable_name(&format!("{}.{key}", provider.id));
    let has_key = provider.auth != Auth::None;
    let key = has_key.then(|| match provider.key_env.first() {
        Some(usual) => usual.to_string(),
        None => own("api_key"),
    });
    let address = (provider.base_url.is_none() || !has_key).then(|| own("base_url"));
    let needed: Vec<String> = key.into_iter().chain(address).collect();
    needed.join(" and ")
}

/// Whether the catalogue knows no model of a provider: what it serves is the operator's to name.
#[must_use]
pub fn names_its_own_models(catalog: &Catalog, provider: &Provider) -> bool {
    let mut offers = catalog.offers().iter();
    provider.is_callable() && offers.all(|offer| offer.provider != provider.id || offer.own)
}

/// How the models of such a provider are named.
#[must_use]
pub fn how_to_name_models(provider: &Provider) -> String {
    if provider.id == PROVIDER {
        return "models of this machine are named in a [[local]] with `id` and `weights`"
            .to_owned();
    }
    format!(
        "the catalogue has no models of {}: name them in a [[provider]] with `id = \"{}\"`, such as \
         `models = [{{ id = \"...\", input = \"...\", output = \"...\" }}]`",
        provider.name, provider.id
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{PROVIDER, Provider, variables};
    use crate::config::tests::{good, has_others, read};
    use crate::config::{Config, Environment};

    #[test]
    fn what_a_provider_needs_beside_its_key_is_said() {
        let warnings = |variables: &[(&str, &str)]| -> Vec<String> {
            let reading = read("needs", "", variables);
            assert!(reading.problems.is_empty(), "{:?}", reading.problems);
            reading.warnings.iter().map(ToString::to_string).collect()
        };
        let check = |variables: &[(&str, &str)], said: &[&str]| {
            let found = warnings(variables);
            assert_eq!(found.len(), said.len(), "{found:?}");
            for (found, said) in found.iter().zip(said) {
                assert!(found.contains(said), "{found}");
            }
        };
        check(
            &[("AZURE_API_KEY", "k")],
            &[
                "`VANE_AZURE_BASE_URL` is not set: azure stays off, because its address is yours alone",
            ],
        );
        let address = (
            "VANE_AZURE_BASE_URL",
            "https://x.openai.azure.com/openai/v1",
        );
        check(&[("AZURE_API_KEY", "k"), address], &[]);
        check(
            &[address],
            &["`VANE_AZURE_BASE_URL` is set, but AZURE_API_KEY is not"],
        );
        check(
            &[("OPENROUTER_API_KEY", "k")],
            &[
                "`openrouter` is on and serves nothing: the catalogue has no models of OpenRouter: name them in a [[provider]] with `id = \"openrouter\"`",
            ],
        );
        for id in ["VLLM", "LLAMACPP", "OLLAMA", "LMSTUDIO"] {
            let name = format!("VANE_{id}_BASE_URL");
            check(
                &[(&name, "http://127.0.0.1:1/v1")],
                &["is on and serves nothing"],
            );
        }
        check(&[("MISTRAL_API_KEY", "k")], &[]);
    }

    #[test]
    fn the_variables_of_every_provider_switch_it_on() {
        let catalog = vane_catalog::Catalog::embedded().unwrap();
        let callable = |row: &&Arc<Provider>| row.is_callable() && row.id != PROVIDER;
        for provider in catalog.providers().iter().filter(callable) {
            let names = variables(provider);
            assert!(!names.is_empty(), "{}", provider.id);
            let set: Vec<(&str, &str)> = names
                .split(" and ")
                .map(|name| {
                    (
                        name,
                        if name.ends_with("_BASE_URL") {
                            "https://a.example/v1"
                        } else {
                            "k"
                        },
                    )
                })
                .collect();
            let config = good("on", "", &set);
            let on: Vec<&str> = config.providers.iter().map(|row| row.id.as_str()).collect();
            assert_eq!(on, [&*provider.id], "{names}");
            let fewer = Config::read(None, &set[1..].iter().copied().collect::<Environment>());
            let fewer = fewer.config.unwrap();
            assert!(!has_others(&fewer), "{names}: each is needed");
        }
    }
}
