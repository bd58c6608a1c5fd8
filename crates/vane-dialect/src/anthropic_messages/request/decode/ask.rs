//! How the model should think, and in what form it should answer.

use super::super::{OF_OUTPUT, OF_THINKING};
use super::Reader;
use crate::call::{Effort, Format, ReasoningAsk, ReasoningMode, Show};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use serde_json::value::RawValue;

impl Reader<'_> {
    pub(super) fn ask(
        &mut self,
        object: &mut Object<'_>,
        root: &Path<'_>,
    ) -> Result<(ReasoningAsk, Format), Fault> {
        let mut ask = ReasoningAsk::default();
        self.thinking_ask(object, &mut ask, root)?;
        // The name that the form had before it moved into `output_config`.
        let mut form = object.take("output_format");
        if let Some(raw) = object.take("output_config") {
            let path = &root.key("output_config");
            let mut config = Object::read(raw, path)?;
            form = config.take("format").or(form);
            self.effort(&mut config, &mut ask, path)?;
            for (name, raw) in config.rest() {
                self.extra(&format!("{OF_OUTPUT}{name}"), raw);
            }
        }
        let format = match form {
            Some(raw) => format(raw, &root.key("output_config").key("format"))?,
            None => Format::Text,
        };
        Ok((ask, format))
    }

    fn thinking_ask(
        &mut self,
        object: &mut Object<'_>,
        ask: &mut ReasoningAsk,
        root: &Path<'_>,
    ) -> Result<(), Fault> {
        let Some(raw) = object.take("thinking") else {
            return Ok(());
        };
        let path = &root.key("thinking");
        let mut thinking = Object::read(raw, path)?;
        let Str(kind) = thinking.need("type", path)?;
        ask.mode = match kind.as_ref() {
            "enabled" => ReasoningMode::On,
            "adaptive" => ReasoningMode::Adaptive,
            "between_tools" => ReasoningMode::BetweenTools,
            "disabled" => ReasoningMode::Off,
            _ => {
                self.extra("thinking", raw);
                return Ok(());
            }
        };
        ask.budget_tokens = thinking.get("budget_tokens", path)?;
        if let Some(raw) = thinking.take("display") {
            match raw.get() {
                r#""summarized""# => ask.show = Some(Show::Summarized),
                r#""omitted""# => ask.show = Some(Show::Omitted),
                _ => self.extra(&format!("{OF_THINKING}display"), raw),
            }
        }
        for (name, raw) in thinking.rest() {
            self.extra(&format!("{OF_THINKING}{name}"), raw);
        }
        Ok(())
    }

    fn effort(
        &mut self,
        config: &mut Object<'_>,
        ask: &mut ReasoningAsk,
        path: &Path<'_>,
    ) -> Result<(), Fault> {
        let Some(raw) = config.take("effort") else {
            return Ok(());
        };
        let Str(name) = crate::json::read(raw, &path.key("effort"))?;
        ask.effort = Effort::from_name(&name);
        if ask.effort.is_none() {
            self.extra(&format!("{OF_OUTPUT}effort"), raw);
        }
        Ok(())
    }
}

fn format(raw: &RawValue, path: &Path<'_>) -> Result<Format, Fault> {
    let mut object = Object::read(raw, path)?;
    let Str(kind) = object.need("type", path)?;
    Ok(match kind.as_ref() {
        "json_schema" => Format::JsonSchema {
            name: None,
            description: None,
            schema: object.need("schema", path)?,
            strict: None,
        },
        _ => Format::Other {
            dialect: Dialect::AnthropicMessages,
            raw: Raw::from(raw),
        },
    })
}
