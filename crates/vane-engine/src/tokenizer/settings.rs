//! How a model is set by its prompt (v15): what of it can be set, and how that is written.

use serde_json::{Map, Value as Json};

use super::Tokenizer;
use super::tools::{parsed, spaced};
use crate::Fault;

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    pub const ALL: [Effort; 7] = [
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Xhigh,
        Effort::Max,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh => "xhigh",
            Effort::Max => "max",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// What a request asks of a model beside its conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// `None` is what the model does by itself.
    pub effort: Option<Effort>,
    /// The JSON Schema that the answer is held to, which some models are told.
    pub schema: Option<String>,
}

/// What of a model can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    efforts: Option<Efforts>,
    has_schema: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Efforts {
    known: Vec<Effort>,
    usual: Effort,
}

impl Efforts {
    fn new(known: Vec<Effort>, usual: Effort) -> Option<Self> {
        let is_known = known.contains(&usual);
        is_known.then_some(Self { known, usual })
    }

    /// The one that is fewest steps away; of two, the cheaper one, as the gateway has it.
    fn nearest(&self, asked: Option<Effort>) -> Effort {
        let steps = |effort: Effort, asked: Effort| (effort as u8).abs_diff(asked as u8);
        let nearest = |asked| {
            let known = self.known.iter().copied();
            known.min_by_key(|effort| (steps(*effort, asked), *effort))
        };
        asked.and_then(nearest).unwrap_or(self.usual)
    }
}

impl Settings {
    /// Of the `model_settings_builder` of a `tekken.json`.
    pub(super) fn read(file: &Json) -> Result<Self, String> {
        if !file.is_object() {
            return Err("no `model_settings_builder`, which v15 needs".to_owned());
        }
        let unread = || "its `model_settings_builder.reasoning_effort`".to_owned();
        let row = &file["reasoning_effort"];
        let efforts = if row.is_null() {
            None
        } else {
            let named = |name: &Json| Effort::named(name.as_str()?);
            let known = row["values"].as_array().map(|names| names.iter());
            let known: Option<Vec<Effort>> = known.and_then(|names| names.map(named).collect());
            let efforts = known.zip(named(&row["default"]));
            let efforts = efforts.and_then(|(known, usual)| Efforts::new(known, usual));
            Some(efforts.ok_or_else(unread)?)
        };
        let has_schema = !file["json_schema"].is_null();
        Ok(Self {
            efforts,
            has_schema,
        })
    }

    /// Of a chat template as Mistral's library writes it. `None` where it says something else.
    pub(super) fn of_template(template: &str) -> Option<Self> {
        if !template.contains("[MODEL_SETTINGS]") || template.contains("json_schema") {
            return None;
        }
        let after = |mark: &str| template.split_once(mark).map(|(_, rest)| rest);
        let (usual, _) = after("set reasoning_effort = '")?.split_once('\'')?;
        let (known, _) = after("reasoning_effort not in [")?.split_once(']')?;
        let known = known.split(',').map(|name| {
            let name = name.trim().trim_matches(['\'', '"']);
            Effort::named(name)
        });
        Some(Self {
            efforts: Some(Efforts::new(
                known.collect::<Option<_>>()?,
                Effort::named(usual)?,
            )?),
            has_schema: false,
        })
    }
}

impl Tokenizer {
    /// How the model is set for this request, if its prompts say so.
    pub(super) fn set(&self, tokens: &mut Vec<u32>, setting: &Setting) -> Result<(), Fault> {
        let Some(settings) = &self.settings else {
            return Ok(());
        };
        let mut told = Map::new();
        if let Some(schema) = setting.schema.as_deref().filter(|_| settings.has_schema) {
            told.insert("json_schema".to_owned(), parsed(schema));
        }
        if let Some(efforts) = &settings.efforts {
            let effort = efforts.nearest(setting.effort).name();
            told.insert("reasoning_effort".to_owned(), effort.into());
        }
        if told.is_empty() {
            return Ok(());
        }
        let (Some(begin), Some(end)) = (self.controls.settings, self.controls.settings_end) else {
            let what = "this model's settings have no tokens in its vocabulary";
            return Err(Fault::Refused(what.to_owned()));
        };
        tokens.push(begin);
        tokens.extend(self.encode(&spaced(&Json::Object(told))));
        tokens.push(end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(known: &[&str], usual: &str) -> Result<Settings, String> {
        let efforts =
            json!({"type": "enum", "values": known, "accepts_none": true, "default": usual});
        Settings::read(&json!({ "reasoning_effort": efforts }))
    }

    #[test]
    fn an_effort_that_a_model_does_not_know_becomes_the_nearest() {
        let settings = read(&["none", "high"], "none").unwrap();
        let efforts = settings.efforts.unwrap();
        for (asked, told) in [
            (None, "none"),
            (Some("none"), "none"),
            (Some("low"), "none"),
            (Some("medium"), "high"),
            (Some("max"), "high"),
        ] {
            let asked = asked.map(|name| Effort::named(name).unwrap());
            assert_eq!(efforts.nearest(asked).name(), told, "{asked:?}");
        }
    }

    #[test]
    fn settings_that_cannot_be_read_are_refused() {
        assert!(Settings::read(&Json::Null).is_err());
        assert!(read(&["none", "high"], "low").is_err());
        assert!(read(&["none", "much"], "none").is_err());
        assert!(read(&[], "none").is_err());
        assert!(Settings::read(&json!({})).unwrap().efforts.is_none());
    }

    #[test]
    fn a_template_of_mistrals_library_tells_how_its_model_is_set() {
        let of = |values: &str| {
            format!(
                "{{%- set reasoning_effort = 'none' %}}{{%- if reasoning_effort not in [{values}] %}}\
                 [MODEL_SETTINGS]"
            )
        };
        let told = Settings::of_template(&of("'none', 'high'")).unwrap();
        assert_eq!(Ok(told), read(&["none", "high"], "none"));
        let others = [
            of("'none', 'much'"),
            of("'high'"),
            of("'none', 'high'") + "json_schema",
            of("'none', 'high'").replace("[MODEL_SETTINGS]", ""),
            "[MODEL_SETTINGS]{}".to_owned(),
        ];
        for other in others {
            assert_eq!(Settings::of_template(&other), None, "{other}");
        }
    }
}
