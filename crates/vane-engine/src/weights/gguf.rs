//! GGUF files, versions 2 and 3, little-endian: metadata, and where each tensor lies.
//!
//! Every count is checked against what the file can hold before anything is allocated for it, and
//! every range against the file before it is kept.

use std::collections::BTreeMap;
use std::ops::Range;

use super::format::{Format, unread};

const KEYS_MAX: u64 = 1 << 16;
const TENSORS_MAX: u64 = 1 << 16;
const NAME_BYTES_MAX: u64 = 1 << 16;
/// The largest vocabularies have a quarter of a million entries.
const ARRAY_MAX: u64 = 1 << 21;
const ALIGNMENT_MAX: u64 = 1 << 20;

/// A value of the metadata. Integers of all widths are one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
}

/// Where a tensor lies in its file; the outermost dimension first.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) format: Format,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<usize>,
}

/// What a GGUF file says.
#[derive(Debug, Default)]
pub(crate) struct Gguf {
    pub(crate) metadata: BTreeMap<String, Value>,
    pub(crate) tensors: BTreeMap<String, Entry>,
}

impl Gguf {
    /// Whether a file begins like one.
    pub(crate) fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"GGUF")
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let Head {
            metadata,
            headers,
            end,
        } = Head::read(bytes)?;
        let mut gguf = Self {
            metadata,
            tensors: BTreeMap::new(),
        };
        let alignment = gguf.alignment()?;
        let data = u64::try_from(end)
            .ok()
            .and_then(|at| at.checked_next_multiple_of(alignment));
        let data = data.ok_or("the data begins nowhere")?;
        for header in headers {
            let name = header.name.clone();
            let entry = header
                .place(data, alignment, bytes.len())
                .map_err(|what| format!("tensor `{name}`: {what}"))?;
            if gguf.tensors.insert(name.clone(), entry).is_some() {
                return Err(format!("the tensor `{name}` stands there twice"));
            }
        }
        Ok(gguf)
    }

    fn alignment(&self) -> Result<u64, String> {
        match self.metadata.get("general.alignment") {
            None => Ok(32),
            Some(Value::Integer(alignment)) => u64::try_from(*alignment)
                .ok()
                .filter(|bytes| bytes.is_power_of_two() && *bytes <= ALIGNMENT_MAX)
                .ok_or_else(|| format!("an alignment of {alignment}")),
            Some(_) => Err("`general.alignment` is no integer".to_owned()),
        }
    }
}

/// What stands before the data of a file.
pub(crate) struct Head {
    pub(crate) metadata: BTreeMap<String, Value>,
    headers: Vec<Header>,
    end: usize,
}

impl Head {
    /// The data need not be there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut cursor = Cursor { bytes, at: 0 };
        if cursor.take(4)? != b"GGUF" {
            return Err("not a GGUF file".to_owned());
        }
        match cursor.u32()? {
            2 | 3 => {}
            0x0200_0000 | 0x0300_0000 => return Err("a big-endian GGUF file".to_owned()),
            version => return Err(format!("GGUF version {version}; 2 and 3 are read")),
        }
        let tensors = cursor.count("tensors", TENSORS_MAX)?;
        let keys = cursor.count("keys", KEYS_MAX)?;
        let mut metadata = BTreeMap::new();
        for _ in 0..keys {
            let key = cursor.name()?;
            let value = cursor.value().map_err(|what| format!("`{key}`: {what}"))?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(format!("the key `{key}` stands there twice"));
            }
        }
        let headers = (0..tensors)
            .map(|_| cursor.header())
            .collect::<Result<_, _>>()?;
        Ok(Self {
            metadata,
            headers,
            end: cursor.at,
        })
    }

    /// Why one of its tensors is not read, if one is not.
    pub(crate) fn unread(&self) -> Option<String> {
        let mut all = self.headers.iter();
        let one = all.find(|header| Format::of_ggml(header.kind).is_none())?;
        Some(format!("tensor `{}`: {}", one.name, unread(one.kind)))
    }
}

struct Header {
    name: String,
    /// The innermost first, as files have it.
    dimensions: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl Header {
    fn place(self, data: u64, alignment: u64, file_len: usize) -> Result<Entry, String> {
        let format = Format::of_ggml(self.kind).ok_or_else(|| unread(self.kind))?;
        if !self.offset.is_multiple_of(alignment) {
            return Err("not aligned".to_owned());
        }
        let mut shape = Vec::with_capacity(self.dimensions.len());
        for dimension in self.dimensions.iter().rev() {
            shape.push(usize::try_from(*dimension).map_err(|_| "too large")?);
        }
        let bytes = bytes_of(format, &shape).ok_or("its shape and its format do not fit")?;
        let start = data
            .checked_add(self.offset)
            .and_then(|start| usize::try_from(start).ok());
        let start = start.ok_or("lies outside of the file")?;
        let end = start.checked_add(bytes).filter(|end| *end <= file_len);
        let end = end.ok_or("lies outside of the file")?;
        Ok(Entry {
            format,
            shape,
            range: start..end,
        })
    }
}

/// The bytes of a tensor, if it has any and its rows are whole blocks.
pub(crate) fn bytes_of(format: Format, shape: &[usize]) -> Option<usize> {
    let (columns, outer) = shape.split_last()?;
    let rows = outer
        .iter()
        .try_fold(1_usize, |rows, many| rows.checked_mul(*many))?;
    format
        .row_bytes(*columns)?
        .checked_mul(rows)
        .filter(|bytes| *bytes > 0)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, many: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(many).ok_or("ends too early")?;
        let taken = self.bytes.get(self.at..end).ok_or("ends too early")?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?
            .try_into()
            .map_err(|_| "ends too early".to_owned())
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, String> {
        self.array().map(u64::from_le_bytes)
    }

    fn count(&mut self, what: &str, max: u64) -> Result<u64, String> {
        let count = self.u64()?;
        if count > max {
            return Err(format!("{count} {what}, of at most {max}"));
        }
        Ok(count)
    }

    fn text(&mut self, max: u64) -> Result<String, String> {
        let len = self.count("bytes in a text", max)?;
        let len = usize::try_from(len).map_err(|_| "ends too early")?;
        // Vocabularies hold pieces that are no UTF-8 on their own.
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    fn name(&mut self) -> Result<String, String> {
        self.text(NAME_BYTES_MAX)
    }

    fn value(&mut self) -> Result<Value, String> {
        let kind = self.u32()?;
        if kind == 9 {
            return self.values();
        }
        self.one(kind)
    }

    fn one(&mut self, kind: u32) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::Integer(i64::from(self.array::<1>()?[0])),
            1 => Value::Integer(i64::from(i8::from_le_bytes(self.array()?))),
            2 => Value::Integer(i64::from(u16::from_le_bytes(self.array()?))),
            3 => Value::Integer(i64::from(i16::from_le_bytes(self.array()?))),
            4 => Value::Integer(i64::from(self.u32()?)),
            5 => Value::Integer(i64::from(i32::from_le_bytes(self.array()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.array()?))),
            7 => Value::Bool(self.array::<1>()?[0] != 0),
            8 => Value::Text(self.text(u64::MAX)?),
            10 => Value::Integer(i64::try_from(self.u64()?).map_err(|_| "too large a number")?),
            11 => Value::Integer(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            9 => return Err("an array of arrays".to_owned()),
            kind => return Err(format!("a value of kind {kind}")),
        })
    }

    fn values(&mut self) -> Result<Value, String> {
        let kind = self.u32()?;
        let count = self.count("values in an array", ARRAY_MAX)?;
        match kind {
            6 | 12 => {
                let mut floats = Vec::new();
                for _ in 0..count {
                    if let Value::Float(float) = self.one(kind)? {
                        #[allow(clippy::cast_possible_truncation, reason = "scores are single")]
                        floats.push(float as f32);
                    }
                }
                Ok(Value::Floats(floats))
            }
            8 => (0..count)
                .map(|_| self.text(u64::MAX))
                .collect::<Result<_, _>>()
                .map(Value::Texts),
            _ => {
                let mut integers = Vec::new();
                for _ in 0..count {
                    match self.one(kind)? {
                        Value::Integer(integer) => integers.push(integer),
                        Value::Bool(yes) => integers.push(i64::from(yes)),
                        other => return Err(format!("{other:?} in an array")),
                    }
                }
                Ok(Value::Integers(integers))
            }
        }
    }

    fn header(&mut self) -> Result<Header, String> {
        let name = self.name()?;
        let many = self.u32()?;
        if !(1..=4).contains(&many) {
            return Err(format!("tensor `{name}`: {many} dimensions"));
        }
        let dimensions = (0..many).map(|_| self.u64()).collect::<Result<_, _>>()?;
        Ok(Header {
            name,
            dimensions,
            kind: self.u32()?,
            offset: self.u64()?,
        })
    }
}
