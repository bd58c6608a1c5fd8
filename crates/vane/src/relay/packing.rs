//! How a body is packed (`content-encoding`), and gzip taken off it: requests, answers and errors of
//! upstreams alike. It may have several members, and names have no case.

use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::{self, Read};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
    Other,
}

impl Packing {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_ENCODING) else {
            return Self::Plain;
        };
        match value.as_bytes().to_ascii_lowercase().trim_ascii() {
            b"" | b"identity" => Self::Plain,
            b"gzip" | b"x-gzip" => Self::Gzip,
            b"zstd" => Self::Zstd,
            _ => Self::Other,
        }
    }
}

/// Unpacks gzip to the end of `plain`, and not beyond `max` bytes and one that says that there is more.
///
/// # Errors
/// If it is broken; what could be read is in `plain` then.
pub(super) fn gunzip(packed: &[u8], max: usize, plain: &mut Vec<u8>) -> io::Result<()> {
    let read = MultiGzDecoder::new(packed)
        .take(max as u64 + 1)
        .read_to_end(plain);
    read.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::HeaderValue;
    use std::io::Write;

    #[test]
    fn packings_are_known_in_any_case() {
        for (text, expected) in [
            ("", Packing::Plain),
            ("Identity", Packing::Plain),
            ("gzip", Packing::Gzip),
            ("GZIP", Packing::Gzip),
            ("X-Gzip", Packing::Gzip),
            ("ZSTD", Packing::Zstd),
            ("br", Packing::Other),
            ("gzip, gzip", Packing::Other),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(text));
            assert_eq!(Packing::of(&headers), expected, "{text}");
        }
        assert_eq!(Packing::of(&HeaderMap::new()), Packing::Plain);
    }

    #[test]
    fn gzip_of_two_members_is_one_body() {
        let mut packed = Vec::new();
        for part in ["one ", "two"] {
            let mut encoder = GzEncoder::new(&mut packed, Compression::default());
            encoder.write_all(part.as_bytes()).unwrap();
            encoder.finish().unwrap();
        }
        let mut plain = Vec::new();
        gunzip(&packed, 100, &mut plain).unwrap();
        assert_eq!(plain, b"one two");
        plain.clear();
        gunzip(&packed, 5, &mut plain).unwrap();
        assert_eq!(plain, b"one tw");
        plain.clear();
        gunzip(&packed[..packed.len() - 1], 100, &mut plain).unwrap_err();
        assert_eq!(plain, b"one two");
    }
}
