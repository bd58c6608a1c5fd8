//! Whether tool arguments are whole: a scan of JSON nesting that takes any split of the text.

/// Follows the text of one JSON value and knows when it is whole.
#[derive(Debug, Default)]
pub(crate) struct Completeness {
    depth: u32,
    in_string: bool,
    escaped: bool,
    begun: bool,
}

impl Completeness {
    pub(crate) fn feed(&mut self, text: &str) {
        for byte in text.bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b' ' | b'\t' | b'\n' | b'\r' => continue,
                _ => {}
            }
            self.begun = true;
        }
    }

    /// Whether the value has begun and nothing of it is open.
    pub(crate) const fn is_whole(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::Completeness;

    #[test]
    fn whole_exactly_at_the_last_brace_at_every_split() {
        let text = r#" {"a":"}\"{","b":[{}]} "#;
        let last = text.rfind('}').unwrap();
        for split in 1..text.len() {
            let mut seen = Completeness::default();
            seen.feed(&text[..split]);
            assert_eq!(seen.is_whole(), split > last, "after {:?}", &text[..split]);
            seen.feed(&text[split..]);
            assert!(seen.is_whole());
        }
    }
}
