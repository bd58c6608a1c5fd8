//! Words that providers stumble over, or by which a body refers to what is not in it: how often each
//! stands in a body as a string of its own.
//!
//! Counted while the body is scanned anyway, so that no later question costs another look at it.
//! However a word is escaped, it is that word.

/// A key or a value of calls that some provider refuses or reads otherwise, that says that more is
/// read than the body's bytes, or by which a conversation defines tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    AdditionalTools,
    AudioUrl,
    BudgetTokens,
    CallId,
    ComputerScreenshot,
    Developer,
    Document,
    DocumentUrl,
    File,
    FileData,
    FileId,
    FileUrl,
    Image,
    ImageUrl,
    InputAudio,
    InputFile,
    InputImage,
    InputSchema,
    ItemReference,
    JsonSchema,
    Name,
    Pdf,
    Prefix,
    ReasoningContent,
    Strict,
    System,
    Text,
    ThoughtSignature,
    ToolCallId,
    ToolCalls,
    ToolDefinition,
    ToolResult,
    ToolSearchOutput,
    ToolUse,
    ToolUseId,
    Url,
    Video,
    VideoUrl,
}

/// The longest of them.
const LENGTH_MAX: usize = "computer_screenshot".len();

/// Words that are names like any other in what a client says of its own tools.
const OF_CONTENT: [Word; 17] = [
    Word::AudioUrl,
    Word::ComputerScreenshot,
    Word::Document,
    Word::DocumentUrl,
    Word::File,
    Word::FileData,
    Word::FileId,
    Word::FileUrl,
    Word::Image,
    Word::InputAudio,
    Word::InputFile,
    Word::InputImage,
    Word::ItemReference,
    Word::Pdf,
    Word::Url,
    Word::Video,
    Word::VideoUrl,
];

impl Word {
    const COUNT: usize = Self::VideoUrl as usize + 1;

    fn of(string: &[u8]) -> Option<Self> {
        Some(match string {
            b"additional_tools" => Self::AdditionalTools,
            b"application/pdf" => Self::Pdf,
            b"audio_url" => Self::AudioUrl,
            b"budget_tokens" => Self::BudgetTokens,
            b"call_id" => Self::CallId,
            b"computer_screenshot" => Self::ComputerScreenshot,
            b"developer" => Self::Developer,
            b"document" => Self::Document,
            b"document_url" => Self::DocumentUrl,
            b"file" => Self::File,
            b"file_data" => Self::FileData,
            b"file_id" => Self::FileId,
            b"file_url" => Self::FileUrl,
            b"image" => Self::Image,
            b"image_url" => Self::ImageUrl,
            b"input_audio" => Self::InputAudio,
            b"input_file" => Self::InputFile,
            b"input_image" => Self::InputImage,
            b"input_schema" => Self::InputSchema,
            b"item_reference" => Self::ItemReference,
            b"json_schema" => Self::JsonSchema,
            b"name" => Self::Name,
            b"prefix" => Self::Prefix,
            b"reasoning_content" => Self::ReasoningContent,
            b"strict" => Self::Strict,
            b"system" => Self::System,
            b"text" => Self::Text,
            b"thought_signature" => Self::ThoughtSignature,
            b"tool_call_id" => Self::ToolCallId,
            b"tool_calls" => Self::ToolCalls,
            b"tool_definition" => Self::ToolDefinition,
            b"tool_result" => Self::ToolResult,
            b"tool_search_output" => Self::ToolSearchOutput,
            b"tool_use" => Self::ToolUse,
            b"tool_use_id" => Self::ToolUseId,
            b"url" => Self::Url,
            b"video" => Self::Video,
            b"video_url" => Self::VideoUrl,
            _ => return None,
        })
    }
}

/// How often each word stands in a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words([u32; Word::COUNT]);

impl Default for Words {
    fn default() -> Self {
        Self([0; Word::COUNT])
    }
}

impl Words {
    /// Hears a string, between its quotes.
    pub(super) fn hear(&mut self, string: &[u8], escaped: bool) {
        if escaped {
            return self.hear_escaped(string);
        }
        if string.len() > LENGTH_MAX {
            return;
        }
        if let Some(word) = Word::of(string) {
            self.0[word as usize] += 1;
        }
    }

    /// Stops where it is no word any more: prompts are strings with escapes, too.
    fn hear_escaped(&mut self, string: &[u8]) {
        let mut plain = [0; LENGTH_MAX];
        let (mut length, mut rest) = (0, string);
        while let Some((character, after)) = next(rest) {
            let Some(place) = plain.get_mut(length) else {
                return;
            };
            *place = character;
            length += 1;
            rest = after;
        }
        if rest.is_empty() {
            self.hear(&plain[..length], false);
        }
    }

    /// Forgets what was heard since `before` of words that speak of content, where there is none.
    pub(super) fn forget_content(&mut self, before: &Self) {
        for word in OF_CONTENT {
            self.0[word as usize] = before.0[word as usize];
        }
    }

    pub(super) const fn times(&self, word: Word) -> u32 {
        self.0[word as usize]
    }
}

/// The first character of a text and what comes after it, if it may stand in a word.
fn next(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&first, after) = text.split_first()?;
    if first != b'\\' {
        return Some((first, after));
    }
    match after.split_first()? {
        (b'/', after) => Some((b'/', after)),
        (b'u', after) => {
            let (digits, after) = after.split_at_checked(4)?;
            let digits = std::str::from_utf8(digits).ok()?;
            let character = u8::from_str_radix(digits, 16).ok()?;
            Some((character, after))
        }
        _ => None,
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
            {"system":"systems"}],"text":"texts"}"#;
        let head = Head::scan(&Bytes::from_static(body.as_bytes())).unwrap();
        let times = [Word::System, Word::Name, Word::Text, Word::ToolCalls];
        assert_eq!(times.map(|word| head.times(word)), [3, 1, 1, 0]);
    }

    #[test]
    fn a_word_with_escapes_is_that_word() {
        let body = r#"{"a":"te\u0078t","b":"\u0074\u0065\u0078\u0074","c":"application\/pdf","d":"text\n","e":"t\u0165xt",
            "image\u005Furl":"computer\u005fscreenshot","f":"tex\"t","g":"text\u0000","h":"\u0074extextextextextextextext"}"#;
        let head = Head::scan(&Bytes::from_static(body.as_bytes())).unwrap();
        let times = [
            Word::Text,
            Word::Pdf,
            Word::ImageUrl,
            Word::ComputerScreenshot,
        ];
        assert_eq!(times.map(|word| head.times(word)), [2, 1, 1, 1]);
    }

    #[test]
    fn what_tools_are_called_is_no_content() {
        let body = r#"{"t\u006fols":[{"name":"file_url","image":1,"url":2,"image_url":3}],"messages":["file_url"]}"#;
        let head = Head::scan(&Bytes::from_static(body.as_bytes())).unwrap();
        let words = [
            Word::FileUrl,
            Word::Image,
            Word::Url,
            Word::ImageUrl,
            Word::Name,
        ];
        assert_eq!(words.map(|word| head.times(word)), [1, 0, 0, 1, 1]);
    }
}
