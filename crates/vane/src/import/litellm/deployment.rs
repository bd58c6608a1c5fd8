//! One entry of `model_list`: what Vane can do with it, and what is left of it.

use vane_catalog::{Capability, Catalog, Offer};

use super::price::{self, Price, Priced};
use super::report::{Report, Why};
use super::settings;
use super::target::{self, Target};
use super::words::{Said, is_model_id, is_variable, whole};
use crate::import::yaml::Yaml;

/// Kinds of models that have a door.
const MODES: [&str; 4] = ["chat", "completion", "embedding", "responses"];

/// Parameters that a deployment takes over, beside its price.
const TAKEN: [&str; 8] = [
    "api_base",
    "api_key",
    "base_url",
    "custom_llm_provider",
    "extra_headers",
    "litellm_credential_name",
    "model",
    "organization",
];

/// What `model_info` says that a row says too.
const ABILITIES: [(&str, &str); 3] = [
    ("supports_function_calling", "tools"),
    ("supports_reasoning", "reasoning"),
    ("supports_vision", "vision"),
];
const COUNTS: [(&str, &str); 2] = [
    ("max_input_tokens", "context_window"),
    ("max_output_tokens", "max_output"),
];

/// A deployment that Vane can call.
#[derive(Debug, Clone)]
pub(super) struct Deployment {
    pub(super) line: usize,
    pub(super) place: String,
    /// What callers ask for.
    pub(super) name: String,
    pub(super) target: Target,
    pub(super) key: Said,
    /// Header and the variable that holds its value.
    pub(super) headers: Vec<(String, String)>,
    /// The offer of the catalogue that it is, by its id.
    pub(super) known: Option<String>,
    pub(super) price: Price,
    /// Keys of a row that are `true`.
    pub(super) flags: Vec<&'static str>,
    pub(super) counts: Vec<(&'static str, u64)>,
}

impl Deployment {
    /// Whether a wildcard asks for whatever its server has.
    pub(super) fn is_every_model(&self) -> bool {
        self.target.upstream == "*"
    }
}

/// `credential_list`: values that deployments share by name.
pub(super) struct Credentials<'y>(Vec<(&'y str, &'y [(String, Yaml)])>);

impl<'y> Credentials<'y> {
    pub(super) fn read(root: &'y Yaml) -> Self {
        let rows = root.get("credential_list").map_or(&[][..], Yaml::list);
        let row = |row: &'y Yaml| {
            let name = row.get("credential_name")?.text()?;
            Some((name, row.get("credential_values")?.table()))
        };
        Self(rows.iter().filter_map(row).collect())
    }

    fn of(&self, name: &str) -> &'y [(String, Yaml)] {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, values)| values)
    }
}

/// An entry, its parameters and those of its credential together.
struct Entry<'y> {
    line: usize,
    place: String,
    name: &'y str,
    params: Vec<&'y (String, Yaml)>,
    info: &'y [(String, Yaml)],
}

/// Reads an entry; `None` where it is left whole, which is reported.
pub(super) fn read(
    at: usize,
    node: &Yaml,
    credentials: &Credentials<'_>,
    catalog: &Catalog,
    report: &mut Report,
) -> Option<Deployment> {
    let place = format!("model_list[{at}]");
    let params = node.get("litellm_params").map_or(&[][..], Yaml::table);
    let text = |pairs: &[(String, Yaml)], key: &str| {
        let found = pairs.iter().find(|(name, _)| name == key);
        found.and_then(|(_, node)| node.text().map(str::to_owned))
    };
    let (Some(name), Some(model)) = (
        node.get("model_name").and_then(Yaml::text),
        text(params, "model"),
    ) else {
        let what = "an entry without a `model_name` or a `litellm_params.model`";
        report.left(Why::Unclear, node.line, place, what);
        return None;
    };
    let shared = text(params, "litellm_credential_name");
    let shared = shared.map_or(&[][..], |name| credentials.of(&name));
    let entry = Entry {
        line: node.line,
        place,
        name,
        params: params.iter().chain(shared).collect(),
        info: node.get("model_info").map_or(&[], Yaml::table),
    };
    let read = entry.deployment(&model, catalog, report);
    match read {
        Ok(deployment) => {
            entry.leave_the_rest(node, report);
            Some(deployment)
        }
        Err((why, what)) => {
            let what = format!("{name} ({model}): {what}");
            report.left(why, entry.line, &entry.place, what);
            None
        }
    }
}

impl<'y> Entry<'y> {
    fn param(&self, key: &str) -> Option<&'y Yaml> {
        let found = self.params.iter().find(|(name, _)| name == key);
        found.map(|(_, node)| node)
    }

    fn info(&self, key: &str) -> Option<&'y Yaml> {
        let found = self.info.iter().find(|(name, _)| name == key);
        found.map(|(_, node)| node)
    }

    fn deployment(
        &self,
        model: &str,
        catalog: &Catalog,
        report: &mut Report,
    ) -> Result<Deployment, (Why, String)> {
        let mode = self.info("mode").and_then(Yaml::text);
        if let Some(mode) = mode.filter(|mode| !MODES.contains(mode)) {
            return Err((
                Why::Provider,
                format!("Vane has no door for the mode {mode:?}"),
            ));
        }
        if model.starts_with("os.environ/") {
            return Err((Why::Unclear, "the model stands in a variable".to_owned()));
        }
        let base = Said::of(self.param("api_base").or_else(|| self.param("base_url")));
        let custom = self.param("custom_llm_provider").and_then(Yaml::text);
        let target =
            target::read(catalog, model, custom, &base).map_err(|what| (Why::Provider, what))?;
        let every = target.upstream == "*";
        if every && (self.name != model || target.provider.is_none()) {
            let what = "every model of a server: Vane wants each named".to_owned();
            return Err((Why::Unclear, what));
        }
        let odd =
            |text: &str| text.is_empty() || text.contains('*') || text.contains(char::is_control);
        if !every && (odd(&target.upstream) || !is_model_id(self.name)) {
            let what = "a name with a wildcard, a space or a quote, or none".to_owned();
            return Err((Why::Unclear, what));
        }
        let embeds = mode == Some("embedding");
        let prices = self.params.iter().copied().chain(self.info);
        let known = self.known(catalog, &target);
        let priced = Priced {
            embeds: embeds || known.is_some_and(|offer| offer.can(Capability::Embeddings)),
            is_known: known.is_some(),
        };
        Ok(Deployment {
            line: self.line,
            place: self.place.clone(),
            name: self.name.to_owned(),
            key: Said::of(self.param("api_key")),
            headers: self.headers(report),
            price: price::read(prices, priced),
            flags: self.flags(embeds, known),
            counts: self.counts(),
            known: known.map(|offer| offer.id.to_string()),
            target,
        })
    }

    /// The offer of the catalogue that this is: by the name upstream, or by what the file says it
    /// is based on.
    fn known<'c>(&self, catalog: &'c Catalog, target: &Target) -> Option<&'c Offer> {
        let at = |provider: &str, name: &str| {
            let name = name.to_ascii_lowercase();
            let is = |text: &str| text.eq_ignore_ascii_case(&name);
            let mut offers = catalog.offers().iter().map(AsRef::as_ref);
            offers.find(|offer: &&Offer| {
                let named = is(&offer.upstream) || is(&offer.model) || is(&offer.id);
                offer.provider == provider && (named || offer.aliases.iter().any(|a| is(a)))
            })
        };
        let base = self.info("base_model").and_then(Yaml::text);
        let Some(provider) = target.provider.as_deref() else {
            // A server of the operator's own charges what is said, and nothing else.
            return None;
        };
        let of_base = base.and_then(|base| {
            let name = base.split_once('/').map_or(base, |(_, name)| name);
            at(provider, name)
        });
        of_base.or_else(|| at(provider, &target.upstream))
    }

    /// Headers whose value stands in a variable. One written out may be a secret.
    fn headers(&self, report: &mut Report) -> Vec<(String, String)> {
        let organization = self.param("organization");
        let named = organization.map(|node| ("openai-organization", node));
        let extra = self.param("extra_headers").map_or(&[][..], Yaml::table);
        let extra = extra.iter().map(|(name, node)| (name.as_str(), node));
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, node) in named.into_iter().chain(extra) {
            if headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                continue;
            }
            match Said::of(Some(node)) {
                Said::Variable(variable)
                    if is_variable(&variable) && name.parse::<http::HeaderName>().is_ok() =>
                {
                    report.needs(&variable, "as LiteLLM has it");
                    headers.push((name.to_owned(), variable));
                }
                Said::Nothing => {}
                Said::Variable(_) | Said::Literal(_) => {
                    let what =
                        format!("a header {name:?}: write it into `headers` of its provider");
                    report.left(Why::Secret, node.line, &self.place, what);
                }
            }
        }
        headers
    }

    fn flags(&self, embeds: bool, known: Option<&Offer>) -> Vec<&'static str> {
        let said = ABILITIES
            .iter()
            .filter(|(key, _)| self.info(key).is_some_and(Yaml::is_true))
            .map(|(_, flag)| *flag);
        let can = |capability| known.is_some_and(|offer| offer.can(capability));
        let embeds = embeds && !can(Capability::Embeddings);
        said.chain(embeds.then_some("embeddings")).collect()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let count = |(key, name): &(&str, &'static str)| {
            let count = self.info(key).and_then(whole)?;
            (1..=1_000_000_000)
                .contains(&count)
                .then_some((*name, count))
        };
        COUNTS.iter().filter_map(count).collect()
    }

    /// Everything that nobody took.
    fn leave_the_rest(&self, node: &Yaml, report: &mut Report) {
        for (key, value) in &self.params {
            if !TAKEN.contains(&key.as_str()) && !price::is_price(key) {
                let place = format!("{}.litellm_params.{key}", self.place);
                settings::leave("litellm_params", key, value, place, report);
            }
        }
        let read = |key: &str| {
            let mut keys = ABILITIES.iter().chain(&COUNTS).map(|(key, _)| *key);
            keys.any(|known| known == key) || ["mode", "base_model"].contains(&key)
        };
        for (key, value) in self.info {
            if !read(key) && !price::is_price(key) {
                let place = format!("{}.model_info.{key}", self.place);
                settings::leave("model_info", key, value, place, report);
            }
        }
        for (key, value) in node.table() {
            if !["model_name", "litellm_params", "model_info"].contains(&key.as_str()) {
                let place = format!("{}.{key}", self.place);
                settings::leave("litellm_params", key, value, place, report);
            }
        }
    }
}
