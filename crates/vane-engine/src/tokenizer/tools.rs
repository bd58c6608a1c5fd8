//! Tools as a conversation shows them to a model: what there is to call, what was called, and what came
//! of it. The texts are those of the reference, to the space.

use std::io;

use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value as Json};

use super::Tokenizer;
use super::version::{CallLayout, ResultLayout, ToolLayout};
use crate::Fault;

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// The JSON Schema of its arguments, which are an object.
    pub parameters: String,
    /// Whether a schema that arguments cannot be held to is refused. If not, they are any object then.
    pub strict: bool,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Nine letters and digits. Ids of another kind may be given, and are laid out as such.
    pub id: String,
    pub name: String,
    /// JSON.
    pub arguments: String,
}

/// Letters and digits of a call's id.
pub(crate) const ID_LEN: usize = 9;

/// An id as models know it. One of another kind has always the same in its place.
fn known(id: &str) -> String {
    if id.len() == ID_LEN && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    id_of(id.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// An id that follows from a number.
pub(crate) fn id_of(mut bits: u64) -> String {
    const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let mut left = bits ^ (bits >> 31);
    let sign = |_| {
        let sign = usize::try_from(left % 62).unwrap_or_default();
        left /= 62;
        char::from(SIGNS[sign])
    };
    (0..ID_LEN).map(sign).collect()
}

/// The tokens that a model writes its calls with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallMarks {
    /// What follows is a call, or a list of them.
    pub(crate) begin: u32,
    /// `None` where it is a list.
    pub(crate) parts: Option<PartMarks>,
}

/// What stands between the parts of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartMarks {
    /// Between the name and an id, where calls have one.
    pub(crate) id: Option<u32>,
    pub(crate) args: u32,
}

impl Tokenizer {
    /// Whether conversations may have tools: if the version is known to have them, and the vocabulary
    /// has what it takes.
    pub fn takes_tools(&self) -> bool {
        self.tools().is_some()
    }

    /// How tools stand in conversations, if they do.
    fn tools(&self) -> Option<ToolLayout> {
        let controls = &self.controls;
        let layout = self.version.layout().tools?;
        let (args, call_id) = match layout.calls {
            CallLayout::List => (false, false),
            CallLayout::Parts { id } => (true, id),
        };
        let content = layout.results == ResultLayout::Text { id: true };
        let needed = [
            (controls.tools, true),
            (controls.tools_end, true),
            (controls.calls, true),
            (controls.results, true),
            (controls.results_end, true),
            (controls.content, content),
            (controls.args, args),
            (controls.call_id, call_id),
        ];
        let has_all = needed.iter().all(|(token, is)| token.is_some() || !is);
        has_all.then_some(layout)
    }

    pub(crate) fn call_marks(&self) -> Option<CallMarks> {
        let begin = self.controls.calls?;
        let parts = match self.tools()?.calls {
            CallLayout::List => None,
            CallLayout::Parts { id } => Some(PartMarks {
                id: self.controls.call_id.filter(|_| id),
                args: self.controls.args?,
            }),
        };
        Some(CallMarks { begin, parts })
    }

    pub(super) fn check_tools(&self) -> Result<ToolLayout, Fault> {
        self.tools()
            .ok_or_else(|| Fault::Refused("this model's conversations have no tools".to_owned()))
    }

    pub(super) fn available(&self, tokens: &mut Vec<u32>, tools: &[Tool]) {
        let tools: Vec<Json> = tools.iter().map(shown).collect();
        tokens.extend(self.controls.tools);
        tokens.extend(self.encode(&spaced(&Json::Array(tools))));
        tokens.extend(self.controls.tools_end);
    }

    pub(super) fn called(&self, tokens: &mut Vec<u32>, calls: &[ToolCall]) -> Result<(), Fault> {
        match self.check_tools()?.calls {
            CallLayout::List => {
                tokens.extend(self.controls.calls);
                let calls = calls.iter().map(listed).collect();
                tokens.extend(self.encode(&spaced(&Json::Array(calls))));
            }
            CallLayout::Parts { id: has_ids } => {
                for call in calls {
                    tokens.extend(self.controls.calls);
                    tokens.extend(self.encode(&call.name));
                    if has_ids && has_id(call) {
                        tokens.extend(self.controls.call_id);
                        tokens.extend(self.encode(&known(&call.id)));
                    }
                    tokens.extend(self.controls.args);
                    tokens.extend(self.encode(&spaced(&parsed(&call.arguments))));
                }
            }
        }
        Ok(())
    }

    pub(super) fn result(
        &self,
        tokens: &mut Vec<u32>,
        call_id: &str,
        content: &str,
    ) -> Result<(), Fault> {
        let layout = self.check_tools()?.results;
        tokens.extend(self.controls.results);
        match layout {
            ResultLayout::Object => {
                let mut shown = Map::new();
                shown.insert("content".to_owned(), parsed(content));
                shown.insert("call_id".to_owned(), known(call_id).into());
                tokens.extend(self.encode(&spaced(&Json::Object(shown))));
            }
            ResultLayout::Text { id } => {
                if id {
                    tokens.extend(self.encode(&known(call_id)));
                    tokens.extend(self.controls.content);
                }
                tokens.extend(self.encode(content));
            }
        }
        tokens.extend(self.controls.results_end);
        Ok(())
    }
}

fn has_id(call: &ToolCall) -> bool {
    !call.id.is_empty() && call.id != "null"
}

fn listed(call: &ToolCall) -> Json {
    let mut shown = Map::new();
    shown.insert("name".to_owned(), call.name.as_str().into());
    shown.insert("arguments".to_owned(), parsed(&call.arguments));
    if has_id(call) {
        shown.insert("id".to_owned(), known(&call.id).into());
    }
    Json::Object(shown)
}

fn shown(tool: &Tool) -> Json {
    let mut function = Map::new();
    function.insert("name".to_owned(), tool.name.as_str().into());
    function.insert("description".to_owned(), tool.description.as_str().into());
    function.insert("parameters".to_owned(), parsed(&tool.parameters));
    let mut shown = Map::new();
    shown.insert("type".to_owned(), "function".into());
    shown.insert("function".to_owned(), Json::Object(function));
    Json::Object(shown)
}

/// JSON where it is some, a text where not.
pub(super) fn parsed(text: &str) -> Json {
    if text.is_empty() {
        return Json::Object(Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// JSON with a space after each comma and colon, and an exponent with its sign and two digits.
pub(super) fn spaced(value: &Json) -> String {
    struct Spaces;

    impl Formatter for Spaces {
        fn begin_array_value<W: ?Sized + io::Write>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> io::Result<()> {
            out.write_all(if first { b"" } else { b", " })
        }

        fn begin_object_key<W: ?Sized + io::Write>(
            &mut self,
            out: &mut W,
            first: bool,
        ) -> io::Result<()> {
            out.write_all(if first { b"" } else { b", " })
        }

        fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
            out.write_all(b": ")
        }

        fn write_f64<W: ?Sized + io::Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
            // An exponent stands where the reference has one: below 1e-4, and from 1e16 on.
            let written = format!("{value:?}");
            match written.split_once('e') {
                None => out.write_all(written.as_bytes()),
                Some((digits, exponent)) => {
                    let (sign, power) = match exponent.strip_prefix('-') {
                        Some(power) => ('-', power),
                        None => ('+', exponent),
                    };
                    write!(out, "{digits}e{sign}{power:0>2}")
                }
            }
        }
    }

    let mut out = Vec::new();
    // Nothing here can fail: the value is JSON, and it is written to memory.
    let written =
        serde::Serialize::serialize(value, &mut Serializer::with_formatter(&mut out, Spaces));
    written.map_or_else(
        |_| value.to_string(),
        |()| String::from_utf8_lossy(&out).into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_others_are_always_the_same_nine_signs() {
        assert_eq!(known("aB3dE6gH9"), "aB3dE6gH9");
        let rows = ["call_abcdefghijk", "toolu_01", "aB3dE6gH", "aB3dE6gH!"];
        for id in rows {
            assert!(known(id).len() == ID_LEN && known(id) == known(id));
            assert!(known(id).bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
        assert_ne!(known(rows[0]), known(rows[1]));
    }

    #[test]
    fn numbers_of_arguments_are_written_as_the_reference_writes_them() {
        let rows = [
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("-1.5E-7", "-1.5e-07"),
            ("1e16", "1e+16"),
            ("1234567890123456.5", "1234567890123456.5"),
            ("1e15", "1000000000000000.0"),
            ("1e300", "1e+300"),
            ("2.50", "2.5"),
            ("3", "3"),
            ("-7.0", "-7.0"),
            ("0.0", "0.0"),
            ("12345678901234567", "12345678901234567"),
        ];
        for (number, expected) in rows {
            assert_eq!(spaced(&parsed(number)), expected, "{number}");
        }
    }
}
