//! A gap whose marks a client wrote into the prompt, because the template of its model has them there.
//!
//! As text the marks would say nothing to a model: they are tokens, which the server of the model places.

use crate::fault::Fault;

const PREFIX: &str = "[PREFIX]";
const SUFFIX: &str = "[SUFFIX]";

/// The marks of other families: before what precedes the gap, before what follows it, and after both.
const OTHERS: [[&str; 3]; 5] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<fim-prefix>", "<fim-suffix>", "<fim-middle>"],
    ["<PRE>", "<SUF>", "<MID>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
];

/// What stands before a gap, and what after it where that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap<'a> {
    pub prompt: &'a str,
    pub suffix: Option<&'a str>,
}

impl<'a> Gap<'a> {
    /// As a model of Mistral's reads it. Where nothing is said to follow the gap, a prompt in Codestral's
    /// own form (`[SUFFIX]...[PREFIX]...`) is taken apart.
    ///
    /// # Errors
    /// If the prompt is in the form of another family, which would be read as text.
    pub fn read(prompt: &'a str, suffix: Option<&'a str>) -> Result<Self, Fault> {
        let gap = Self { prompt, suffix };
        if suffix.is_some_and(|suffix| !suffix.is_empty()) {
            return Ok(gap);
        }
        let bare = prompt.strip_prefix("<s>").unwrap_or(prompt);
        let marked = bare.strip_prefix(SUFFIX);
        if let Some((suffix, prompt)) = marked.and_then(|rest| rest.split_once(PREFIX)) {
            return Ok(Self {
                prompt,
                suffix: Some(suffix),
            });
        }
        // All of them: `<PRE>` alone may well begin a page.
        let is_of = |marks: &[&str; 3]| {
            let begins = marks[..2].iter().any(|mark| bare.starts_with(mark));
            begins && marks.iter().all(|mark| bare.contains(mark))
        };
        match OTHERS.iter().find(|marks| is_of(marks)) {
            None => Ok(gap),
            Some([mark, ..]) => Err(Fault::invalid(
                "prompt",
                format!(
                    "the prompt has the marks of another family of models (`{mark}`), which this model \
                     reads as text: send what precedes the gap as `prompt` and what follows it as `suffix`"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gap;

    #[test]
    fn f1_marks_in_a_prompt_are_taken_apart_or_refused() {
        let apart = |prompt, suffix| {
            let gap = Gap::read(prompt, suffix).ok()?;
            Some((gap.prompt, gap.suffix))
        };
        let rows = [
            // As Zed writes it.
            ("[SUFFIX]b[PREFIX]a", None, Some(("a", Some("b")))),
            ("<s>[SUFFIX]b[PREFIX]a", Some(""), Some(("a", Some("b")))),
            ("[SUFFIX][PREFIX]", None, Some(("", Some("")))),
            (
                "[SUFFIX]b[PREFIX]a[PREFIX]",
                None,
                Some(("a[PREFIX]", Some("b"))),
            ),
            // Who sends a suffix means the prompt as it is.
            (
                "[SUFFIX]b[PREFIX]a",
                Some("c"),
                Some(("[SUFFIX]b[PREFIX]a", Some("c"))),
            ),
            (
                "x[SUFFIX]b[PREFIX]a",
                None,
                Some(("x[SUFFIX]b[PREFIX]a", None)),
            ),
            ("[SUFFIX]b", None, Some(("[SUFFIX]b", None))),
            (
                "[PREFIX]a[SUFFIX]b",
                None,
                Some(("[PREFIX]a[SUFFIX]b", None)),
            ),
            ("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", None, None),
            (
                "<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>",
                Some(""),
                None,
            ),
            ("<fim_suffix>b<fim_prefix>a<fim_middle>", None, None),
            ("<s><PRE> a <SUF>b <MID>", None, None),
            ("<PRE>a page", None, Some(("<PRE>a page", None))),
            (
                "<PRE>a<SUF>b<MID>",
                Some("c"),
                Some(("<PRE>a<SUF>b<MID>", Some("c"))),
            ),
        ];
        for (prompt, suffix, expected) in rows {
            assert_eq!(apart(prompt, suffix), expected, "{prompt:?} {suffix:?}");
        }
        let fault = Gap::read("<PRE> a <SUF>b <MID>", None).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("prompt"));
        assert!(fault.message.contains("`suffix`"), "{}", fault.message);
    }
}
