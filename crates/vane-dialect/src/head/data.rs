//! Pictures, documents and recordings that stand in a body as base64: how much of it is none of its
//! text.
//!
//! Only what stands where APIs take data, is base64 throughout and begins as a file of its kind
//! does is no text: a prompt that passes for a picture would be counted low.

use crate::estimate::Data;

/// A string that is shorter is text, whatever it holds.
const BYTES_MIN: usize = 512;
/// A data URL has its comma within so many bytes.
const PREFIX_MAX: usize = 128;

/// The data of a body, all together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    /// Bytes of the body.
    pub(super) bytes: u64,
    /// About how many tokens they are.
    pub(super) tokens: u64,
    /// The string before was the name of a member that may hold data.
    expected: bool,
}

impl Sum {
    /// Hears a string, between its quotes.
    pub(super) fn hear(&mut self, string: &[u8]) {
        if self.expected
            && string.len() >= BYTES_MIN
            && let Some(kind) = kind(string)
        {
            let bytes = string.len() as u64;
            self.bytes += bytes;
            self.tokens += kind.tokens(bytes);
        }
        self.expected = holds_data(string);
    }
}

/// Whether a member of this name may hold data.
fn holds_data(name: &[u8]) -> bool {
    matches!(
        name,
        b"audio_url"
            | b"data"
            | b"document_url"
            | b"file_data"
            | b"image_url"
            | b"input_audio"
            | b"url"
    )
}

fn kind(string: &[u8]) -> Option<Data> {
    let base64 = match string.starts_with(b"data:") {
        true => {
            let comma = memchr::memchr(b',', &string[..PREFIX_MAX])?;
            string[..comma].strip_suffix(b";base64")?;
            &string[comma + 1..]
        }
        false => string,
    };
    begins(base64).filter(|_| is_base64(base64))
}

/// The kind of file that begins so, with or without escapes.
fn begins(base64: &[u8]) -> Option<Data> {
    let mut first = [0; 16];
    let plain = base64.iter().filter(|byte| **byte != b'\\');
    first
        .iter_mut()
        .zip(plain)
        .for_each(|(to, from)| *to = *from);
    let is = |magic: &str| first.starts_with(magic.as_bytes());
    // A file of RIFF says after its length what it is.
    let riff = is("UklGR").then(|| &first[12..]);
    let is_picture = ["iVBORw0KGgo", "/9j/", "R0lGOD"].into_iter().any(is);
    if is_picture || riff == Some(&b"RUJQ"[..]) {
        Some(Data::Picture)
    } else if is("JVBERi") {
        Some(Data::Document)
    } else if ["SUQz", "//", "T2dnUw", "ZkxhQw"].into_iter().any(is) || riff == Some(&b"QVZF"[..]) {
        Some(Data::Recording)
    } else {
        None
    }
}

/// Every byte is looked at, which is quicker than to stop at one.
fn is_base64(string: &[u8]) -> bool {
    let is_letter = |byte: &u8| {
        byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\\')
    };
    string.iter().fold(true, |all, byte| all & is_letter(byte))
}
