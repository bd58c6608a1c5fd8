//! Safetensors files: a header of JSON, then the bytes.
//!
//! A tensor's range is taken only if it lies in the file and has exactly the bytes of its shape.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::format::Format;
use super::gguf::{Entry, bytes_of};

const HEADER_BYTES_MAX: usize = 100 << 20;
const DIMENSIONS_MAX: usize = 4;

/// Where each tensor lies.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or("ends too early")?;
    let len = usize::try_from(u64::from_le_bytes(*head)).ok();
    let len = len
        .filter(|len| *len <= HEADER_BYTES_MAX)
        .ok_or("a header of absurd length")?;
    let header = rest.get(..len).ok_or("ends within its header")?;
    let data = rest.len() - len;
    let header: Map<String, Value> =
        serde_json::from_slice(header).map_err(|error| format!("its header: {error}"))?;
    let mut tensors = BTreeMap::new();
    for (name, value) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let entry =
            entry(value, 8 + len, data).map_err(|what| format!("tensor `{name}`: {what}"))?;
        tensors.insert(name.clone(), entry);
    }
    Ok(tensors)
}

fn entry(value: &Value, data_at: usize, data_len: usize) -> Result<Entry, String> {
    let dtype = value["dtype"].as_str().ok_or("no `dtype`")?;
    let format =
        Format::of_safetensors(dtype).ok_or_else(|| format!("format {dtype} is not read"))?;
    let shape = numbers(&value["shape"]).ok_or("no `shape`")?;
    if shape.len() > DIMENSIONS_MAX {
        return Err(format!("{} dimensions", shape.len()));
    }
    let offsets = numbers(&value["data_offsets"]).ok_or("no `data_offsets`")?;
    let &[start, end] = offsets.as_slice() else {
        return Err("`data_offsets` are not two".to_owned());
    };
    if start > end || end > data_len {
        return Err("lies outside of the file".to_owned());
    }
    if bytes_of(format, &shape) != Some(end - start) {
        return Err("its shape and its bytes do not fit".to_owned());
    }
    Ok(Entry {
        format,
        shape,
        range: data_at + start..data_at + end,
    })
}

fn numbers(value: &Value) -> Option<Vec<usize>> {
    let values = value.as_array()?.iter();
    values
        .map(|value| {
            value
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
        })
        .collect()
}
