//! The stream of an answer, as a command shows it: text as it comes, and what it cost.
//!
//! Invariant: a stream that ends without saying that it is finished is a failure.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use vane_dialect::frame::sse::{Frame, Splitter};

use super::Failure;

const FRAME_BYTES_MAX: usize = 16 << 20;
const COST_COMMENT: &[u8] = b": vane-cost=";

/// Reads a stream of chat or completion chunks.
#[derive(Debug)]
pub(super) struct Deltas {
    splitter: Splitter,
    finished: bool,
    pub(super) bill: Bill,
}

/// What an answer says about itself besides its text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bill {
    pub(super) model: Option<String>,
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    /// Dollars, in the very digits that the server wrote.
    pub(super) cost: Option<String>,
    /// Why the text ended, where that is not the model's own decision.
    pub(super) cut: Option<String>,
    pub(super) request_id: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<UsageRow>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Piece>,
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Piece {
    content: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct UsageRow {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    cost: Option<Box<RawValue>>,
}

impl Deltas {
    pub(super) fn new() -> Self {
        Self {
            splitter: Splitter::new(FRAME_BYTES_MAX),
            finished: false,
            bill: Bill::default(),
        }
    }

    /// The text that these bytes complete.
    pub(super) fn push(&mut self, bytes: Bytes) -> Result<String, Failure> {
        let too_long = |_| Failure::said("the server sent a line without end");
        self.splitter.push(bytes).map_err(too_long)?;
        let mut text = String::new();
        while let Some(range) = self.splitter.next_frame() {
            let frame = self.splitter.buffer().slice(range);
            self.frame(&frame, &mut text)?;
        }
        Ok(text)
    }

    /// The text of a last frame, and the bill.
    pub(super) fn finish(mut self) -> Result<(String, Bill), Failure> {
        let mut text = String::new();
        let rest = self.splitter.rest();
        self.frame(&rest, &mut text)?;
        if !self.finished {
            return Err(Failure::said("the answer was cut off before its end"));
        }
        Ok((text, self.bill))
    }

    fn frame(&mut self, bytes: &[u8], text: &mut String) -> Result<(), Failure> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        if let Some(cost) = lines.find_map(|line| line.strip_prefix(COST_COMMENT)) {
            self.bill.cost = Some(String::from_utf8_lossy(cost).trim().to_owned());
        }
        match Frame::parse(bytes).data.as_deref() {
            None | Some(b"") => Ok(()),
            Some(b"[DONE]") => {
                self.finished = true;
                Ok(())
            }
            Some(data) => {
                let chunk: Chunk = serde_json::from_slice(data)
                    .map_err(|_| Failure::said("the server sent what is no chunk of an answer"))?;
                self.chunk(chunk, text)
            }
        }
    }

    fn chunk(&mut self, chunk: Chunk, text: &mut String) -> Result<(), Failure> {
        if let Some(error) = chunk.error {
            return Err(Failure::said(message(&error)));
        }
        self.bill.model = chunk.model.or(self.bill.model.take());
        if let Some(usage) = chunk.usage {
            self.bill.input = usage.prompt_tokens.or(self.bill.input);
            self.bill.output = usage.completion_tokens.or(self.bill.output);
            self.bill.cost = usage
                .cost
                .map(|cost| cost.get().to_owned())
                .or(self.bill.cost.take());
        }
        for choice in chunk.choices {
            text.push_str(&choice.text.unwrap_or_default());
            if let Some(content) = choice.delta.and_then(|piece| piece.content) {
                push_content(&content, text);
            }
            if let Some(reason) = choice.finish_reason {
                self.finished = true;
                self.bill.cut = Some(reason).filter(|reason| reason != "stop");
            }
        }
        Ok(())
    }
}

/// Text, or Mistral's list of parts, of which thinking is not the answer.
fn push_content(content: &serde_json::Value, text: &mut String) {
    match content {
        serde_json::Value::String(piece) => text.push_str(piece),
        serde_json::Value::Array(parts) => {
            let pieces = parts.iter().filter_map(|part| part.get("text")?.as_str());
            pieces.for_each(|piece| text.push_str(piece));
        }
        _ => {}
    }
}

/// What an error body says, in OpenAI's shape or Mistral's.
pub(super) fn message(body: &serde_json::Value) -> String {
    let error = body.get("error").unwrap_or(body);
    let said = error
        .get("message")
        .or_else(|| body.get("detail"))
        .unwrap_or(error);
    said.as_str()
        .map_or_else(|| said.to_string(), str::to_owned)
}

impl Bill {
    /// For a script: the answer and what it cost, as the API tells money.
    pub(super) fn json(&self, text: &str) -> serde_json::Value {
        json!({
            "text": text,
            "model": self.model,
            "finish_reason": self.cut.as_deref().unwrap_or("stop"),
            "usage": { "prompt_tokens": self.input, "completion_tokens": self.output },
            "cost": self.cost,
            "request_id": self.request_id,
        })
    }
}

impl std::fmt::Display for Bill {
    /// `codestral-latest · 120 in, 34 out · $0.00075`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.model.as_deref().unwrap_or("?"))?;
        if let (Some(input), Some(output)) = (self.input, self.output) {
            write!(f, " · {input} in, {output} out")?;
        }
        match &self.cost {
            Some(cost) => write!(f, " · ${cost}")?,
            None => f.write_str(" · cost unknown")?,
        }
        if let Some(cut) = &self.cut {
            write!(f, " · ended by {cut}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = concat!(
        ": ping\n\n",
        "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"Hé\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"llo\"}]}}]}\n\n",
        "data: {\"choices\":[{\"text\":\"!\",\"finish_reason\":\"length\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,",
        "\"cost\":0.000000000001}}\n\n",
        "data: [DONE]\n\n",
    );

    #[test]
    fn any_split_gives_the_same_text_and_bill() {
        let stream = Bytes::from_static(STREAM.as_bytes());
        for cut in 0..=stream.len() {
            let mut deltas = Deltas::new();
            let mut text = deltas.push(stream.slice(..cut)).unwrap();
            text += &deltas.push(stream.slice(cut..)).unwrap();
            let (rest, bill) = deltas.finish().unwrap();
            assert_eq!((text + &rest).as_str(), "Héllo!");
            assert_eq!(
                bill.to_string(),
                "m · 12 in, 3 out · $0.000000000001 · ended by length"
            );
        }
    }

    #[test]
    fn a_cost_in_a_comment_counts() {
        let mut deltas = Deltas::new();
        let stream = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                      : vane-cost=0.00075\ndata: [DONE]";
        deltas.push(Bytes::from_static(stream.as_bytes())).unwrap();
        assert_eq!(deltas.finish().unwrap().1.cost.as_deref(), Some("0.00075"));
    }

    #[test]
    fn a_fault_in_the_stream_and_a_missing_end_are_failures() {
        let mut deltas = Deltas::new();
        let error = "data: {\"error\":{\"message\":\"overloaded\"}}\n\n";
        let failure = deltas
            .push(Bytes::from_static(error.as_bytes()))
            .unwrap_err();
        assert_eq!(failure.to_string(), "overloaded");

        let mut deltas = Deltas::new();
        let half = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
        assert_eq!(
            deltas.push(Bytes::from_static(half.as_bytes())).unwrap(),
            "a"
        );
        assert!(deltas.finish().unwrap_err().to_string().contains("cut off"));
    }

    #[test]
    fn errors_speak_in_three_shapes() {
        for (body, said) in [
            (r#"{"error":{"message":"a"}}"#, "a"),
            (r#"{"message":"b"}"#, "b"),
            (r#"{"detail":"c"}"#, "c"),
            (r#"{"odd":1}"#, r#"{"odd":1}"#),
        ] {
            assert_eq!(message(&serde_json::from_str(body).unwrap()), said);
        }
    }
}
