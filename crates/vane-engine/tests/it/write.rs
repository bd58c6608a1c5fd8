//! Writers of the file formats, as far as tests need them.

use serde_json::{Value as Json, json};

/// A value of GGUF metadata.
#[derive(Clone)]
pub(crate) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Floats(Vec<f32>),
    Integers(Vec<i32>),
}

/// A tensor: the outermost dimension first.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

/// A format's numbers in GGUF, its name in safetensors.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Kind(pub(crate) u32, pub(crate) &'static str);

pub(crate) const F32: Kind = Kind(0, "F32");
pub(crate) const F16: Kind = Kind(1, "F16");
pub(crate) const BF16: Kind = Kind(30, "BF16");

pub(crate) fn gguf(metadata: &[(String, Value)], tensors: &[Tensor]) -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3_u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        text(&mut out, key);
        self::value(&mut out, value);
    }
    let mut offset = 0_u64;
    for tensor in tensors {
        text(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        for dimension in tensor.shape.iter().rev() {
            out.extend((*dimension as u64).to_le_bytes());
        }
        out.extend(tensor.kind.0.to_le_bytes());
        out.extend(offset.to_le_bytes());
        offset += (tensor.bytes.len() as u64).next_multiple_of(32);
    }
    for tensor in tensors {
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(&tensor.bytes);
    }
    out
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn value(out: &mut Vec<u8>, value: &Value) {
    let array = |out: &mut Vec<u8>, kind: u32, len: usize| {
        out.extend(9_u32.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend((len as u64).to_le_bytes());
    };
    match value {
        Value::U32(number) => {
            out.extend(4_u32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Value::F32(number) => {
            out.extend(6_u32.to_le_bytes());
            out.extend(number.to_le_bytes());
        }
        Value::Bool(yes) => {
            out.extend(7_u32.to_le_bytes());
            out.push(u8::from(*yes));
        }
        Value::Text(one) => {
            out.extend(8_u32.to_le_bytes());
            text(out, one);
        }
        Value::Texts(many) => {
            array(out, 8, many.len());
            many.iter().for_each(|one| text(out, one));
        }
        Value::Floats(many) => {
            array(out, 6, many.len());
            many.iter().for_each(|one| out.extend(one.to_le_bytes()));
        }
        Value::Integers(many) => {
            array(out, 5, many.len());
            many.iter().for_each(|one| out.extend(one.to_le_bytes()));
        }
    }
}

pub(crate) fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    let mut at = 0;
    for tensor in tensors {
        let end = at + tensor.bytes.len();
        let entry =
            json!({"dtype": tensor.kind.1, "shape": tensor.shape, "data_offsets": [at, end]});
        header.insert(tensor.name.clone(), entry);
        at = end;
    }
    let header = Json::Object(header).to_string();
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    tensors.iter().for_each(|tensor| out.extend(&tensor.bytes));
    out
}
