//! Tools and the choice among them.

use super::Reader;
use crate::block::ToolForm;
use crate::call::{Extra, Function, Tool, ToolChoice};
use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::json::{Object, Path, Raw, Str};
use serde_json::value::RawValue;

impl Reader<'_> {
    pub(super) fn tools(
        &mut self,
        object: &mut Object<'_>,
        root: &Path<'_>,
    ) -> Result<Vec<Tool>, Fault> {
        let raws: Vec<&RawValue> = object.get("tools", root)?.unwrap_or_default();
        let list = root.key("tools");
        let raws = raws.into_iter().enumerate();
        raws.map(|(at, raw)| self.tool(raw, &list.index(at)))
            .collect()
    }

    pub(super) fn tool(&mut self, raw: &RawValue, path: &Path<'_>) -> Result<Tool, Fault> {
        let mut object = Object::read(raw, path)?;
        let kind = object.get::<Str<'_>>("type", path)?;
        if let Some(Str(kind)) = kind.filter(|Str(kind)| kind != "custom") {
            return Ok(Tool::Hosted {
                dialect: Dialect::AnthropicMessages,
                kind: kind.into_owned(),
                raw: Raw::from(raw),
            });
        }
        let mut function = Function {
            name: object.need("name", path)?,
            description: object.get("description", path)?,
            parameters: object.take("input_schema").map(Raw::from),
            strict: object.get("strict", path)?,
            cache: self.cache(&mut object, path)?,
            extras: Vec::new(),
        };
        function.extras = object.rest().into_iter().map(extra).collect();
        Ok(Tool::Function(function))
    }
}

fn extra((name, raw): (std::borrow::Cow<'_, str>, &RawValue)) -> Extra {
    Extra {
        dialect: Dialect::AnthropicMessages,
        name: name.into_owned(),
        value: Raw::from(raw),
    }
}

/// The choice of a tool, and whether several may be called at once.
pub(super) fn choice(
    object: &mut Object<'_>,
    root: &Path<'_>,
) -> Result<(Option<ToolChoice>, Option<bool>), Fault> {
    let Some(raw) = object.take("tool_choice") else {
        return Ok((None, None));
    };
    let path = &root.key("tool_choice");
    let mut choice = Object::read(raw, path)?;
    let Str(kind) = choice.need("type", path)?;
    let chosen = match kind.as_ref() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Named {
            form: ToolForm::Function,
            name: choice.need("name", path)?,
        },
        _ => {
            let raw = Raw::from(raw);
            let dialect = Dialect::AnthropicMessages;
            return Ok((Some(ToolChoice::Hosted { dialect, raw }), None));
        }
    };
    let alone = choice.get::<bool>("disable_parallel_tool_use", path)?;
    Ok((Some(chosen), alone.map(|alone| !alone)))
}
