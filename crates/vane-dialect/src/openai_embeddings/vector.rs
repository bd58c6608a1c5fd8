//! Vectors: JSON numbers <-> base64 of little-endian 32-bit floats, exact both ways.

use crate::embed::{Encoding, Vector};
use crate::fault::Fault;
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends the vector in the encoding that was asked.
pub(super) fn write(out: &mut Vec<u8>, vector: &Vector, asked: Encoding) -> Result<(), Fault> {
    match (vector, asked) {
        (Vector::Numbers(raw), Encoding::Float) => out.extend_from_slice(raw.get().as_bytes()),
        (Vector::Base64(text), Encoding::Base64) => json::string(out, text),
        (Vector::Numbers(raw), Encoding::Base64) => {
            json::string(out, &STANDARD.encode(bytes(raw.get())?));
        }
        (Vector::Base64(text), Encoding::Float) => numbers(out, text)?,
    }
    Ok(())
}

/// Each number is read straight to 32 bits: a way over 64 bits would round twice.
fn bytes(list: &str) -> Result<Vec<u8>, Fault> {
    let inner = list
        .trim()
        .strip_prefix('[')
        .and_then(|list| list.strip_suffix(']'));
    let inner = inner.ok_or_else(no_vector)?;
    let mut bytes = Vec::with_capacity(inner.len() / 2);
    for number in inner.split(',').filter(|_| !inner.trim().is_empty()) {
        let number: f32 = number.trim().parse().map_err(|_| no_vector())?;
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    Ok(bytes)
}

fn numbers(out: &mut Vec<u8>, text: &str) -> Result<(), Fault> {
    let bytes = STANDARD.decode(text).map_err(|_| no_vector())?;
    let (floats, []) = bytes.as_chunks::<4>() else {
        return Err(no_vector());
    };
    out.push(b'[');
    for (at, float) in floats.iter().enumerate() {
        let float = f32::from_le_bytes(*float);
        if !float.is_finite() {
            return Err(no_vector());
        }
        if at > 0 {
            out.push(b',');
        }
        json::value(out, &float);
    }
    out.push(b']');
    Ok(())
}

fn no_vector() -> Fault {
    Fault::protocol("the upstream's embedding is no vector of 32-bit floats")
}
