//! Text -> tokens, by classes of characters.
//!
//! The weights are hundredths of a token, fitted by hand until no text of a corpus of prose,
//! code, JSON and tables came out more than 10 % below its measured count.

/// A word begins; each of its letters; each beyond the sixth, where words are cut; a capital
/// inside it, where names are cut.
const WORD: u64 = 75;
const LETTER: u64 = 12;
const LONG_LETTER: u64 = 33;
const LONG: u32 = 6;
const CAPITAL: u64 = 60;
/// A digit is a token of its own, and so, often, is the space before a number.
const DIGIT: u64 = 103;
const SPACE_BEFORE_DIGIT: u64 = 50;
/// A sign; the next one of a group; the same once more.
const SIGN: u64 = 92;
const NEXT_SIGN: u64 = 70;
const SAME_SIGN: u64 = 50;
/// A line ends; one more empty line.
const LINE: u64 = 105;
const NEXT_LINE: u64 = 50;
/// Indentation, however deep, and each space of it.
const INDENT: u64 = 60;
const INDENT_SPACE: u64 = 2;

/// About how many tokens `text` is.
pub(super) fn tokens(text: &str) -> u64 {
    let mut reader = Reader::default();
    let hundredths: u64 = text.chars().map(|c| reader.weight(c)).sum();
    hundredths.div_ceil(100)
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Class {
    #[default]
    Begin,
    Letter,
    Digit,
    Sign,
    Space,
    Line,
    Wide,
}

/// What stands before the next character.
#[derive(Default)]
struct Reader {
    class: Class,
    last: char,
    /// How many characters of this class stand in a row.
    run: u32,
}

impl Reader {
    fn weight(&mut self, c: char) -> u64 {
        let class = class(c);
        let goes_on = class == self.class;
        self.run = if goes_on { self.run + 1 } else { 1 };
        let weight = match class {
            Class::Letter => self.letter(c, goes_on),
            Class::Digit if self.class == Class::Space => DIGIT + SPACE_BEFORE_DIGIT,
            Class::Digit => DIGIT,
            Class::Sign if c == self.last => SAME_SIGN,
            Class::Sign if goes_on => NEXT_SIGN,
            Class::Sign => SIGN,
            Class::Line if goes_on => NEXT_LINE,
            Class::Line => LINE,
            Class::Space => match self.run {
                1 => 0,
                2 => INDENT,
                _ => INDENT_SPACE,
            },
            Class::Wide | Class::Begin => wide(c),
        };
        self.class = class;
        self.last = c;
        weight
    }

    fn letter(&self, c: char, goes_on: bool) -> u64 {
        // A letter with an accent is a token, but it does not begin a word anew.
        let begin = match self.class {
            Class::Letter if c.is_ascii_uppercase() => CAPITAL,
            Class::Letter | Class::Wide => 0,
            Class::Begin | Class::Digit | Class::Sign | Class::Space | Class::Line => WORD,
        };
        let is_long = goes_on && self.run > LONG;
        begin + if is_long { LONG_LETTER } else { LETTER }
    }
}

const fn class(c: char) -> Class {
    match c {
        '\n' => Class::Line,
        ' ' | '\t' | '\r' => Class::Space,
        'a'..='z' | 'A'..='Z' => Class::Letter,
        '0'..='9' => Class::Digit,
        _ if c.is_ascii() => Class::Sign,
        _ => Class::Wide,
    }
}

/// Characters beyond ASCII, by script; what is rare is spelt in bytes.
const fn wide(c: char) -> u64 {
    match c {
        // Latin with accents.
        '\u{80}'..='\u{24F}' => 220,
        // Greek.
        '\u{370}'..='\u{3FF}' => 125,
        // Cyrillic.
        '\u{400}'..='\u{52F}' => 60,
        // Hebrew, Arabic.
        '\u{590}'..='\u{77F}' => 120,
        // Devanagari.
        '\u{900}'..='\u{97F}' => 150,
        // Dashes, quotes and the like.
        '\u{2000}'..='\u{206F}' => 150,
        // Kana, Han, full-width forms.
        '\u{3000}'..='\u{9FFF}' | '\u{FF00}'..='\u{FFEF}' => 125,
        // Hangul.
        '\u{AC00}'..='\u{D7A3}' => 140,
        _ => match c.len_utf8() {
            1 | 2 => 200,
            3 => 300,
            _ => 400,
        },
    }
}
