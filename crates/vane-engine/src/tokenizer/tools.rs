//! Tools as a conversation shows them to a model: what there is to call, what was called, and what came
//! of it. The texts are those of the reference, to the space.

use std::io;

use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value as Json};

use super::{Tokenizer, Version};
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

impl Tokenizer {
    /// Whether conversations may have tools: from v3 on, up to v7, if the vocabulary has what it takes.
    pub fn takes_tools(&self) -> bool {
        let controls = &self.controls;
        let all = [
            controls.tools,
            controls.tools_end,
            controls.calls,
            controls.results,
            controls.results_end,
        ];
        let content = self.version < Version::V7 || controls.content.is_some();
        matches!(self.version, Version::V3 | Version::V7)
            && content
            && all.iter().all(Option::is_some)
    }

    /// The token after which calls stand.
    pub(crate) fn calls(&self) -> Option<u32> {
        self.controls.calls.filter(|_| self.takes_tools())
    }

    pub(super) fn check_tools(&self) -> Result<(), Fault> {
        if self.takes_tools() {
            Ok(())
        } else {
            Err(Fault::Refused(
                "this model's conversations have no tools".to_owned(),
            ))
        }
    }

    pub(super) fn available(&self, tokens: &mut Vec<u32>, tools: &[Tool]) {
        let tools: Vec<Json> = tools.iter().map(shown).collect();
        tokens.extend(self.controls.tools);
        tokens.extend(self.encode(&spaced(&Json::Array(tools))));
        tokens.extend(self.controls.tools_end);
    }

    pub(super) fn called(&self, tokens: &mut Vec<u32>, calls: &[ToolCall]) {
        let calls: Vec<Json> = calls
            .iter()
            .map(|call| {
                let mut shown = Map::new();
                shown.insert("name".to_owned(), call.name.as_str().into());
                shown.insert("arguments".to_owned(), parsed(&call.arguments));
                if !call.id.is_empty() && call.id != "null" {
                    shown.insert("id".to_owned(), known(&call.id).into());
                }
                Json::Object(shown)
            })
            .collect();
        tokens.extend(self.controls.calls);
        tokens.extend(self.encode(&spaced(&Json::Array(calls))));
    }

    pub(super) fn result(&self, tokens: &mut Vec<u32>, call_id: &str, content: &str) {
        tokens.extend(self.controls.results);
        if self.version < Version::V7 {
            let mut shown = Map::new();
            shown.insert("content".to_owned(), parsed(content));
            shown.insert("call_id".to_owned(), known(call_id).into());
            tokens.extend(self.encode(&spaced(&Json::Object(shown))));
        } else {
            tokens.extend(self.encode(&known(call_id)));
            tokens.extend(self.controls.content);
            tokens.extend(self.encode(content));
        }
        tokens.extend(self.controls.results_end);
    }
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
fn parsed(text: &str) -> Json {
    if text.is_empty() {
        return Json::Object(Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// JSON with a space after each comma and colon, and an exponent with its sign and two digits.
fn spaced(value: &Json) -> String {
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
