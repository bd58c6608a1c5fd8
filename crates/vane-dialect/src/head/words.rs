//! Words that providers stumble over: how often each stands in a body as a string of its own.
//!
//! Counted while the body is scanned anyway, so that no later question costs another look at it.
//! A word with escapes in it is not counted; nobody writes one so.

/// A key or a value of chats that some provider refuses or reads otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    BudgetTokens,
    Developer,
    ImageUrl,
    JsonSchema,
    Name,
    ReasoningContent,
    Strict,
    System,
    Text,
    ThoughtSignature,
    ToolCalls,
}

/// The longest of them.
const LENGTH_MAX: usize = "reasoning_content".len();

impl Word {
    const COUNT: usize = Self::ToolCalls as usize + 1;

    fn of(string: &[u8]) -> Option<Self> {
        Some(match string {
            b"budget_tokens" => Self::BudgetTokens,
            b"developer" => Self::Developer,
            b"image_url" => Self::ImageUrl,
            b"json_schema" => Self::JsonSchema,
            b"name" => Self::Name,
            b"reasoning_content" => Self::ReasoningContent,
            b"strict" => Self::Strict,
            b"system" => Self::System,
            b"text" => Self::Text,
            b"thought_signature" => Self::ThoughtSignature,
            b"tool_calls" => Self::ToolCalls,
            _ => return None,
        })
    }
}

/// How often each word stands in a body.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Words([u32; Word::COUNT]);

impl Words {
    /// Hears a string, between its quotes.
    pub(super) fn hear(&mut self, string: &[u8]) {
        if string.len() > LENGTH_MAX {
            return;
        }
        if let Some(word) = Word::of(string) {
            self.0[word as usize] += 1;
        }
    }

    pub(super) const fn times(&self, word: Word) -> u32 {
        self.0[word as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Word;
    use crate::head::Head;
    use bytes::Bytes;

    #[test]
    fn words_are_counted_where_they_stand_alone() {
        let body = r#"{"messages":[{"role":"system","name":"system"},{"content":"a \"system\" text"},
            {"system":"systems"}],"text":"te\u0078t"}"#;
        let head = Head::scan(&Bytes::from_static(body.as_bytes())).unwrap();
        let times = [Word::System, Word::Name, Word::Text, Word::ToolCalls];
        assert_eq!(times.map(|word| head.times(word)), [3, 1, 1, 0]);
    }
}
