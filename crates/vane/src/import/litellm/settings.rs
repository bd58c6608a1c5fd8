//! Everything but the models: the few settings that Vane has, and where the others went.

use super::report::{Report, Why};
use super::words::whole;
use crate::import::yaml::{Value, Yaml};

/// What becomes of the settings.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) attempts_per_offer: Option<u64>,
    pub(super) upstream_head_seconds: Option<u64>,
    pub(super) body_mib: Option<u64>,
}

/// Section, the beginning of a key, and what there is to say. The first that fits is said.
const KNOWN: &[(&str, &str, Why, &str)] = &[
    (
        "*",
        "rpm",
        Why::Elsewhere,
        "requests per minute stand on keys: `vane key create --rpm N`",
    ),
    (
        "*",
        "tpm",
        Why::Elsewhere,
        "tokens per minute stand on keys: `vane key create --tpm N`",
    ),
    (
        "*",
        "max_parallel_requests",
        Why::Elsewhere,
        "calls at a time stand on keys, and in `limits.concurrent_per_key_max`",
    ),
    (
        "*",
        "global_max_parallel_requests",
        Why::Elsewhere,
        "`limits.connections_max` bounds connections, `limits.concurrent_per_key_max` calls of a key",
    ),
    (
        "*",
        "fallbacks",
        Why::Elsewhere,
        "a caller names what to fall back to: `\"models\": [...]` in the body",
    ),
    (
        "*",
        "default_fallbacks",
        Why::Elsewhere,
        "a caller names what to fall back to: `\"models\": [...]` in the body",
    ),
    (
        "*",
        "context_window_fallbacks",
        Why::Elsewhere,
        "a caller names what to fall back to: `\"models\": [...]` in the body",
    ),
    (
        "*",
        "content_policy_fallbacks",
        Why::Absent,
        "a refusal is an answer: it is passed on",
    ),
    (
        "*",
        "drop_params",
        Why::Elsewhere,
        "what a provider cannot take is left out and told in `vane-dropped`; `vane-strict` refuses it",
    ),
    (
        "*",
        "additional_drop_params",
        Why::Elsewhere,
        "what a provider cannot take is left out and told in `vane-dropped`",
    ),
    (
        "*",
        "timeout",
        Why::Elsewhere,
        "`timeouts` hold for all providers",
    ),
    (
        "*",
        "stream_timeout",
        Why::Elsewhere,
        "`timeouts` hold for all providers",
    ),
    (
        "*",
        "max_retries",
        Why::Elsewhere,
        "`retries` hold for all providers",
    ),
    (
        "*",
        "num_retries",
        Why::Elsewhere,
        "`retries` hold for all providers",
    ),
    (
        "*",
        "max_budget",
        Why::Elsewhere,
        "budgets stand on keys: `vane key create --budget USD/month`",
    ),
    (
        "*",
        "budget_duration",
        Why::Elsewhere,
        "budgets stand on keys: `vane key create --budget USD/month`",
    ),
    (
        "*",
        "retry_",
        Why::Elsewhere,
        "`retries` hold for every kind of failure; `Retry-After` is honoured",
    ),
    ("*", "json_logs", Why::Elsewhere, "every log line is JSON"),
    (
        "litellm_params",
        "api_version",
        Why::Absent,
        "Azure's address that takes no version is used",
    ),
    (
        "litellm_params",
        "weight",
        Why::Absent,
        "offers of one model are tried by their price",
    ),
    (
        "litellm_params",
        "order",
        Why::Absent,
        "offers of one model are tried by their price; a caller may say `\"provider\": {\"order\": [...]}`",
    ),
    (
        "litellm_params",
        "",
        Why::Absent,
        "no parameter of a provider or a model; what a call asks for is the client's to say",
    ),
    ("model_info", "", Why::Absent, "no key of a row of `models`"),
    (
        "general_settings",
        "master_key",
        Why::Elsewhere,
        "keys are made with `vane key create`; there is none for everything",
    ),
    (
        "general_settings",
        "database_",
        Why::Elsewhere,
        "Vane makes its own database (`database`); keys come over with `--database`",
    ),
    (
        "general_settings",
        "store_model_in_db",
        Why::Absent,
        "models stand in the file alone; those in LiteLLM's database are not read",
    ),
    (
        "general_settings",
        "alerting",
        Why::Absent,
        "`/metrics` has what an alert is made of",
    ),
    (
        "general_settings",
        "background_health_checks",
        Why::Absent,
        "nobody is asked to see whether they answer; breakers know by the calls",
    ),
    (
        "general_settings",
        "health_check",
        Why::Absent,
        "nobody is asked to see whether they answer; breakers know by the calls",
    ),
    (
        "router_settings",
        "routing_strategy",
        Why::Absent,
        "offers of one model are tried by their price",
    ),
    (
        "router_settings",
        "redis_",
        Why::Elsewhere,
        "what replicas share through Redis is the limits of keys: `limits.shared`",
    ),
    (
        "router_settings",
        "allowed_fails",
        Why::Absent,
        "a breaker opens after three failures in a row",
    ),
    (
        "router_settings",
        "cooldown",
        Why::Absent,
        "a breaker opens for 5 seconds, then longer",
    ),
    (
        "router_settings",
        "enable_pre_call_checks",
        Why::Absent,
        "a provider says itself what is too long",
    ),
    (
        "litellm_settings",
        "success_callback",
        Why::Absent,
        "one log line for each call and `/metrics`; nothing is sent elsewhere",
    ),
    (
        "litellm_settings",
        "failure_callback",
        Why::Absent,
        "one log line for each call and `/metrics`; nothing is sent elsewhere",
    ),
    (
        "litellm_settings",
        "callbacks",
        Why::Absent,
        "one log line for each call and `/metrics`; nothing is sent elsewhere",
    ),
    (
        "litellm_settings",
        "cache",
        Why::Absent,
        "answers are not cached",
    ),
    (
        "litellm_settings",
        "set_verbose",
        Why::Elsewhere,
        "`log` says how much is logged",
    ),
    (
        "litellm_settings",
        "ssl_verify",
        Why::Elsewhere,
        "certificates are always verified; `outbound.extra_ca` adds authorities",
    ),
    (
        "environment_variables",
        "",
        Why::Secret,
        "set it where Vane is started",
    ),
    (
        "",
        "include",
        Why::Unclear,
        "models of other files are not read: join them first",
    ),
    (
        "credential_list",
        "",
        Why::Elsewhere,
        "taken over where a model names it",
    ),
];

/// Reads all sections but the models.
pub(super) fn read(root: &Yaml, report: &mut Report) -> Settings {
    let mut settings = Settings::default();
    for (section, node) in root.table() {
        match section.as_str() {
            "model_list" | "credential_list" => {}
            "litellm_settings"
            | "router_settings"
            | "general_settings"
            | "environment_variables" => {
                for (key, value) in node.table() {
                    if !settings.take(section, key, value) && key != "model_group_alias" {
                        leave(section, key, value, format!("{section}.{key}"), report);
                    }
                }
            }
            _ => leave("", section, node, section.clone(), report),
        }
    }
    settings
}

impl Settings {
    /// Whether it is a setting of Vane's too. What the router says wins over the library.
    fn take(&mut self, section: &str, key: &str, value: &Yaml) -> bool {
        let router = section == "router_settings";
        let number = whole(value);
        let within = |most| number.filter(|number| (1..=most).contains(number));
        let (slot, number) = match (section, key) {
            ("router_settings" | "litellm_settings", "num_retries") => (
                &mut self.attempts_per_offer,
                number.filter(|n| *n < 32).map(|n| n + 1),
            ),
            ("router_settings", "timeout") | ("litellm_settings", "request_timeout") => {
                (&mut self.upstream_head_seconds, within(86_400))
            }
            ("general_settings", "max_request_size_mb") => (&mut self.body_mib, within(1_024)),
            _ => return false,
        };
        if number.is_some() && (router || slot.is_none()) {
            *slot = number;
        }
        number.is_some()
    }
}

/// Lists something that did not map. A null says nothing, so nothing is lost with it.
pub(super) fn leave(section: &str, key: &str, value: &Yaml, place: String, report: &mut Report) {
    if value.value == Value::Null {
        return;
    }
    let mut rows = KNOWN.iter();
    let row = rows.find(|(known, prefix, ..)| {
        let inside = *known == section || (*known == "*" && section != "environment_variables");
        inside && key.starts_with(prefix)
    });
    let (why, what) = row.map_or((Why::Absent, "no such setting"), |(_, _, why, what)| {
        (*why, *what)
    });
    report.left(why, value.line, place, what);
}
