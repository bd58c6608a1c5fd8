//! The format of a custom tool: chat puts a grammar's members into an object of their own,
//! Responses does not. The canonical call has it as Responses spells it.

use crate::json::{self, Object, Path, Raw};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads chat's spelling; what is no grammar stays as it is.
pub(super) fn from_chat(raw: &RawValue) -> Raw {
    flat(raw).unwrap_or_else(|| Raw::from(raw))
}

/// Spells a format for chat.
pub(super) fn for_chat(format: &Raw) -> Cow<'_, str> {
    nested(format).map_or(Cow::Borrowed(format.get()), Cow::Owned)
}

fn flat(raw: &RawValue) -> Option<Raw> {
    let mut format = Object::read(raw, &Path::Root).ok()?;
    let grammar = Object::read(format.take("grammar")?, &Path::Root).ok()?;
    Raw::parse(format!("{{{}}}", members([format, grammar])))
}

fn nested(format: &Raw) -> Option<String> {
    let mut format = Object::read(format.raw(), &Path::Root).ok()?;
    let kind = format
        .take("type")
        .filter(|kind| kind.get() == "\"grammar\"")?;
    format.peek("definition")?;
    Some(format!(
        "{{\"type\":{},\"grammar\":{{{}}}}}",
        kind.get(),
        members([format])
    ))
}

/// The members of the objects, one after the other, their values as they stand.
fn members<'a, const N: usize>(objects: [Object<'a>; N]) -> String {
    let rest = objects.into_iter().flat_map(Object::rest);
    let members: Vec<String> = rest
        .map(|(key, value)| {
            let mut name = Vec::new();
            json::string(&mut name, &key);
            format!("{}:{}", String::from_utf8_lossy(&name), value.get())
        })
        .collect();
    members.join(",")
}
