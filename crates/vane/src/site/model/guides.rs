//! How programs that people already use are pointed at a model.
//!
//! Invariant: the settings are those of docs/clients.md, which the client tests drive.

use vane_catalog::{Capability, Kind, Offer};

pub(crate) struct Guide {
    pub(crate) name: &'static str,
    pub(crate) says: &'static str,
    pub(crate) fence: &'static str,
    pub(crate) code: String,
}

pub(super) fn of(origin: &str, lead: &Offer, id: &str) -> Vec<Guide> {
    let mut guides = Vec::new();
    if lead.kind == Kind::Chat && lead.can(Capability::Tools) {
        guides.push(Guide {
            name: "Claude Code",
            says: "Set two variables and name the model.",
            fence: "sh",
            code: format!(
                "export ANTHROPIC_BASE_URL={origin}\nexport ANTHROPIC_AUTH_TOKEN=$VANE_API_KEY\nclaude --model {id}"
            ),
        });
        guides.push(Guide {
            name: "Codex",
            says: "In ~/.codex/config.toml:",
            fence: "toml",
            code: format!(
                "model = \"{id}\"\nmodel_provider = \"vane\"\n\n[model_providers.vane]\nname = \"vane\"\nbase_url = \"{origin}/v1\"\nenv_key = \"VANE_API_KEY\"\nwire_api = \"responses\""
            ),
        });
        guides.push(Guide {
            name: "aider",
            says: "Set two variables and name the model.",
            fence: "sh",
            code: format!(
                "export OPENAI_API_BASE={origin}/v1 OPENAI_API_KEY=$VANE_API_KEY\naider --model openai/{id}"
            ),
        });
    }
    if lead.can(Capability::Fim) {
        guides.push(Guide {
            name: "Zed",
            says: "In settings.json; the key is entered in Zed's own settings:",
            fence: "json",
            code: format!(
                "{{\n  \"edit_predictions\": {{\n    \"provider\": \"codestral\",\n    \"codestral\": {{ \"api_url\": \"{origin}\", \"model\": \"{id}\" }}\n  }}\n}}"
            ),
        });
        guides.push(Guide {
            name: "Continue",
            says: "In ~/.continue/config.yaml, for completion and chat:",
            fence: "yaml",
            code: format!(
                "models:\n  - name: {id}\n    provider: mistral\n    model: {id}\n    apiBase: {origin}/v1\n    apiKey: sk-vane-...\n    roles: [autocomplete, chat]"
            ),
        });
    }
    guides
}
