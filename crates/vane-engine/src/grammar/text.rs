//! The inside of a JSON string, byte by byte: whole characters of UTF-8, and escapes of whole characters.

/// Where in a character a string stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Between two characters.
    Plain,
    /// After a backslash.
    Escape,
    /// So many digits of an escape are missing. The second digit is bounded where the first was `d`: half
    /// a pair is no character, and those beyond the first plane are written as they are.
    Hex { left: u8, bounded: bool },
    /// So many bytes of a character are missing; the next is of these.
    More { left: u8, least: u8, most: u8 },
}

/// What a byte does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The character goes on.
    Within(Part),
    /// It ends a character.
    Whole,
    /// It ends the string.
    Quote,
}

impl Part {
    /// `None`: it may not stand here.
    pub(super) fn step(self, byte: u8) -> Option<Turn> {
        let more = |left, least, most| Some(Turn::Within(Part::More { left, least, most }));
        match (self, byte) {
            (Part::Plain, b'"') => Some(Turn::Quote),
            (Part::Plain, b'\\') => Some(Turn::Within(Part::Escape)),
            (Part::Plain, 0x20..=0x7f) => Some(Turn::Whole),
            (Part::Plain, 0xc2..=0xdf) => more(1, 0x80, 0xbf),
            (Part::Plain, 0xe0) => more(2, 0xa0, 0xbf),
            (Part::Plain, 0xed) => more(2, 0x80, 0x9f),
            (Part::Plain, 0xe1..=0xef) => more(2, 0x80, 0xbf),
            (Part::Plain, 0xf0) => more(3, 0x90, 0xbf),
            (Part::Plain, 0xf1..=0xf3) => more(3, 0x80, 0xbf),
            (Part::Plain, 0xf4) => more(3, 0x80, 0x8f),
            (Part::Plain, _) => None,
            (Part::Escape, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                Some(Turn::Whole)
            }
            (Part::Escape, b'u') => Some(Turn::Within(Part::Hex {
                left: 4,
                bounded: false,
            })),
            (Part::Escape, _) => None,
            (Part::Hex { left, bounded }, byte) => hex(left, bounded, byte),
            (Part::More { left, least, most }, byte) if (least..=most).contains(&byte) => {
                if left == 1 {
                    Some(Turn::Whole)
                } else {
                    more(left - 1, 0x80, 0xbf)
                }
            }
            (Part::More { .. }, _) => None,
        }
    }
}

fn hex(left: u8, bounded: bool, byte: u8) -> Option<Turn> {
    if !byte.is_ascii_hexdigit() || bounded && !matches!(byte, b'0'..=b'7') {
        return None;
    }
    Some(if left == 1 {
        Turn::Whole
    } else {
        Turn::Within(Part::Hex {
            left: left - 1,
            bounded: left == 4 && matches!(byte, b'd' | b'D'),
        })
    })
}

/// A text as it stands between quotes.
pub(super) fn quoted(text: &str) -> Vec<u8> {
    let whole = serde_json::Value::from(text).to_string().into_bytes();
    whole[1..whole.len() - 1].to_vec()
}
