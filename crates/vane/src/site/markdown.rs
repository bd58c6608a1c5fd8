//! Escaping for the Markdown twins of pages.
//!
//! Invariant: no value opens a tag, a code span, a link or another cell of a table, and none
//! begins a line. What stands inside a fence is written by templates with `safe`.

use std::fmt;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Markdown;

impl askama::filters::Escaper for Markdown {
    fn write_escaped_str<W: fmt::Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '<' => dest.write_str("&lt;")?,
                '|' | '`' | '[' | ']' => write!(dest, "\\{c}")?,
                '\n' | '\r' => dest.write_char(' ')?,
                c => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Markdown;
    use askama::filters::Escaper;

    #[test]
    fn s15_a_value_stays_a_value() {
        let mut out = String::new();
        let text = "<script>a|b`c`[d](javascript:e)\n# f";
        Markdown.write_escaped_str(&mut out, text).unwrap();
        assert_eq!(out, r"&lt;script>a\|b\`c\`\[d\](javascript:e) # f");
    }
}
