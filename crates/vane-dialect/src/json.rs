//! JSON as the wire has it: raw text that keeps its bytes, objects that keep their order and
//! refuse a key twice, and paths that say where a fault is.

mod plain;
mod reader;
mod walk;

pub(crate) use reader::{Json, Reader};
#[cfg(test)]
pub(crate) use walk::DEPTH_MAX;
pub(crate) use walk::{Hear, Odd, Walk};

use crate::fault::Fault;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// JSON text as somebody wrote it: equal only if the bytes are equal.
#[derive(Clone)]
pub struct Raw(Box<RawValue>);

impl Raw {
    /// Takes JSON text; `None` if it is none.
    #[must_use]
    pub fn parse(text: impl Into<String>) -> Option<Self> {
        RawValue::from_string(text.into()).ok().map(Self)
    }

    /// Writes a value of ours as JSON text.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(value);
        Self(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.0
    }
}

impl From<&RawValue> for Raw {
    fn from(raw: &RawValue) -> Self {
        Self(raw.to_owned())
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

/// A string borrowed from the wire where it has no escapes. (`Option<Cow<str>>` never borrows;
/// `Option<Str>` does.)
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Str<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Where in a body something stands, kept on the stack and written out only for a fault.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    #[must_use]
    pub const fn key<'a>(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    #[must_use]
    pub const fn index(&self, index: usize) -> Path<'_> {
        Path::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// No object that a client writes has nearly as many members. What is left of one is looked through
/// for each name that is asked for, and may be told.
const MEMBERS_MAX: usize = 4_096;

/// An object's members in order, values raw. Readers take what they know; what is left over is
/// an extra or a fault, never lost.
#[derive(Debug, Default)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Reads an object from the raw value at `path`.
    ///
    /// # Errors
    /// If it is no object, or has a key twice.
    pub fn read(raw: &'a RawValue, path: &Path<'_>) -> Result<Self, Fault> {
        Self::read_str(raw.get(), path)
    }

    /// Reads an object from JSON text that must hold nothing else.
    ///
    /// # Errors
    /// As [`Object::read`].
    pub fn read_str(text: &'a str, path: &Path<'_>) -> Result<Self, Fault> {
        serde_json::from_str(text).map_err(|error| {
            let what = if matches!(path, Path::Root) {
                "the body"
            } else {
                "this value"
            };
            Fault::invalid(
                path.to_string(),
                format!("{what} must be a JSON object: {error}"),
            )
        })
    }

    /// Reads an object from the bytes of a body.
    ///
    /// # Errors
    /// As [`Object::read`], or if the bytes are not UTF-8.
    pub fn read_body(body: &'a [u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(body)
            .map_err(|error| Fault::invalid("", format!("the body is not UTF-8: {error}")))?;
        Self::read_str(text, &Path::Root)
    }

    /// Removes and returns a member; `null` counts as absent.
    pub fn take(&mut self, key: &str) -> Option<&'a RawValue> {
        self.take_even_null(key).filter(|raw| raw.get() != "null")
    }

    /// Removes and returns a member, `null` included.
    pub fn take_even_null(&mut self, key: &str) -> Option<&'a RawValue> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// Looks at a member without taking it.
    #[must_use]
    pub fn peek(&self, key: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, raw)| *raw)
    }

    /// Removes a member and reads it as `T`; absent and `null` are `None`.
    ///
    /// # Errors
    /// If it is there with another type: the fault names the path.
    pub fn get<T: Deserialize<'a>>(
        &mut self,
        key: &str,
        path: &Path<'_>,
    ) -> Result<Option<T>, Fault> {
        let Some(raw) = self.take(key) else {
            return Ok(None);
        };
        read(raw, &path.key(key)).map(Some)
    }

    /// As [`Object::get`], for a member that must be there.
    ///
    /// # Errors
    /// If it is missing, `null` or of another type.
    pub fn need<T: Deserialize<'a>>(&mut self, key: &str, path: &Path<'_>) -> Result<T, Fault> {
        self.get(key, path)?.ok_or_else(|| {
            Fault::invalid(path.key(key).to_string(), format!("`{key}` is required"))
        })
    }

    /// The names of what nobody took, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// What nobody took, in order.
    #[must_use]
    pub fn rest(self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(8);
                while let Some(Str(key)) = map.next_key::<Str<'de>>()? {
                    if members.len() == MEMBERS_MAX {
                        return Err(de::Error::custom(format_args!(
                            "it has more than {MEMBERS_MAX} members"
                        )));
                    }
                    members.push((key, map.next_value()?));
                }
                match twice(&members) {
                    Some(key) => Err(de::Error::custom(format_args!(
                        "the key `{key}` stands twice"
                    ))),
                    None => Ok(Object(members)),
                }
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// More keys than these are sorted, so that no key is compared with all others.
const PAIRED_MAX: usize = 32;

/// A key that stands twice.
fn twice<'m>(members: &'m [(Cow<'_, str>, &RawValue)]) -> Option<&'m str> {
    let keys = members.iter().map(|(key, _)| key.as_ref());
    if members.len() <= PAIRED_MAX {
        let mut numbered = keys.enumerate();
        let is_again = |(at, key): &(usize, &str)| {
            let mut earlier = members[..*at].iter();
            earlier.any(|(seen, _)| seen == key)
        };
        return numbered.find(is_again).map(|(_, key)| key);
    }
    let mut sorted: Vec<&str> = keys.collect();
    sorted.sort_unstable();
    let pair = sorted.windows(2).find(|pair| pair[0] == pair[1]);
    pair.map(|pair| pair[0])
}

/// Reads a raw value as `T`.
///
/// # Errors
/// A fault that names the path, if the value is of another type.
pub fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &Path<'_>) -> Result<T, Fault> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let message = format!("not what is expected: {}", in_words(&error));
        Fault::invalid(path.to_string(), message)
    })
}

/// What is wrong with a value, without our names of types and its place in itself.
fn in_words(error: &serde_json::Error) -> String {
    const WORDS: [(&str, &str); 5] = [
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected u8", "expected a whole number, 0 to 255"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
    ];
    let said = error.to_string();
    let said = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(said, _)| said);
    let known = WORDS.iter().find(|(name, _)| said.contains(name));
    known.map_or_else(
        || said.to_owned(),
        |(name, words)| said.replace(name, words),
    )
}

/// Appends `text` as a JSON string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a number.
pub fn number(out: &mut Vec<u8>, number: u64) {
    let _ = serde_json::to_writer(out, &number);
}

/// Appends any value.
pub fn value(out: &mut Vec<u8>, value: &impl Serialize) {
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_type_is_told_in_words_for_people() {
        let raw = RawValue::from_string(r#""5""#.to_owned()).unwrap();
        let fault = read::<u64>(&raw, &Path::Root.key("max_tokens")).unwrap_err();
        let expected =
            r#"not what is expected: invalid type: string "5", expected a whole number, 0 or more"#;
        assert_eq!(fault.message, expected);
        assert_eq!(fault.param.as_deref(), Some("max_tokens"));
    }

    #[test]
    fn t13_a_key_twice_is_refused_however_it_is_written() {
        let fault = Object::read_str(r#"{"model":1,"mod\u0065l":2}"#, &Path::Root).unwrap_err();
        assert!(fault.message.contains("`model` stands twice"), "{fault}");
    }

    #[test]
    fn r10_an_inner_object_of_countless_keys_is_refused_before_they_are_compared() {
        let object = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"a{n}\":{n}")).collect();
            format!("{{{}}}", members.join(","))
        };
        let path = Path::Root.key("provider");
        let most = object(MEMBERS_MAX);
        let read = Object::read_str(&most, &path).unwrap();
        assert!(
            read.names()
                .map(str::to_owned)
                .eq((0..MEMBERS_MAX).map(|n| format!("a{n}")))
        );
        let fault = Object::read_str(&object(MEMBERS_MAX + 1), &path).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("provider"));
        assert!(fault.message.contains("more than 4096 members"), "{fault}");
        let twice = most.replacen("\"a7\"", "\"a40\\u0030\"", 1);
        let fault = Object::read_str(&twice, &path).unwrap_err();
        assert!(fault.message.contains("`a400` stands twice"), "{fault}");
    }

    #[test]
    fn a_fault_names_its_path() {
        let list = Path::Root.key("messages");
        let message = list.index(2);
        let mut object = Object::read_str(r#"{"role":7}"#, &message).unwrap();
        let fault = object.need::<Str<'_>>("role", &message).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("messages[2].role"));
    }

    #[test]
    fn raw_text_keeps_order_numbers_and_space() {
        let text = r#"{ "b":1.0, "a" : 1e2 }"#;
        let raw = Raw::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&raw).unwrap(), text);
    }
}
