//! A run that an operator may keep as an example: what was asked, and what this process heard
//! answered.
//!
//! Prompts and answers are kept nowhere, and a page could claim any. So the page is given the run
//! under a seal that only this server can make, and hands it back with a title. Invariants: what
//! opens was asked and answered here, by this operator, within the hour, whichever replica it was;
//! what does not fit an example, goes on a conversation, or ended before its end, is not sealed.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vane_ledger::{LedgerError, NewExample, Purpose, Sealer, Store};

use super::Mode;
use super::form::text_of;
use crate::relay::{Door, Ear};

/// So long a run may be kept after it.
const SECONDS: i64 = 3_600;
/// What an example holds at most, of a question and of an answer.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// A frame is longer than what it says.
const LINE_BYTES_MAX: usize = 256 << 10;
/// What the stream of a run says last: a comment, which no client of streams shows.
const LAST_WORD: &str = ": vane-run ";

/// The seal of runs.
#[derive(Clone)]
pub struct Runs(Arc<Sealer>);

/// What was asked, by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    user: String,
    mode: Mode,
    model: String,
    /// The fields of the form.
    asked: String,
    call: String,
}

/// What is under the seal.
#[derive(Serialize, Deserialize)]
struct Run {
    mode: String,
    model: String,
    asked: String,
    answer: String,
    call: String,
    until: i64,
}

impl Runs {
    /// # Errors
    /// If no key can be derived.
    pub fn new(store: &Store) -> Result<Self, LedgerError> {
        Ok(Self(Arc::new(store.sealer(Purpose::Run)?)))
    }

    pub(super) fn seal(&self, question: &Question, answer: &str, now: i64) -> Option<String> {
        let fits = |text: &str| !text.trim().is_empty() && text.len() <= TEXT_BYTES_MAX;
        if !fits(answer) || !fits(&question.asked) {
            return None;
        }
        let run = Run {
            mode: question.mode.name().to_owned(),
            model: question.model.clone(),
            asked: question.asked.clone(),
            answer: answer.to_owned(),
            call: question.call.clone(),
            until: now.saturating_add(SECONDS),
        };
        let run = serde_json::to_vec(&run).ok()?;
        self.0.seal(&run, question.user.as_bytes()).ok()
    }

    /// A run that was sealed for this user and is not too old, without its title.
    pub(crate) fn open(&self, sealed: &str, user: &str, now: i64) -> Option<NewExample> {
        let run = self.0.open(sealed, user.as_bytes()).ok()?;
        let run: Run = serde_json::from_slice(&run).ok()?;
        (now < run.until).then(|| NewExample {
            title: String::new(),
            model: run.model,
            mode: run.mode,
            asked: run.asked,
            answer: run.answer,
            call: Some(run.call),
        })
    }

    /// Listens to a stream of frames, and says the sealed run after it.
    pub(super) fn ear(&self, question: Question, now: i64) -> Ear {
        let (runs, mut told) = (self.clone(), Told::default());
        Box::new(move |bytes| match bytes {
            Some(bytes) => {
                told.hear(bytes);
                None
            }
            None => {
                let answer = std::mem::take(&mut told).whole()?;
                let sealed = runs.seal(&question, &answer, now)?;
                Some(Bytes::from(format!("{LAST_WORD}{sealed}\n\n")))
            }
        })
    }
}

impl Question {
    /// The call as the form of the page asks it; `None` for one that it cannot ask again.
    pub(super) fn of(user: &str, door: Door, body: &[u8], call: &str) -> Option<Self> {
        let mode = Mode::ALL.into_iter().find(|mode| mode.door() == door)?;
        let body: Value = serde_json::from_slice(body).ok()?;
        let mut asked = Map::new();
        match mode {
            Mode::Chat => first_turn(&body, &mut asked)?,
            Mode::Completion => put(&mut asked, "prompt", text_of(&body["prompt"])),
            Mode::Fim => {
                put(&mut asked, "prompt", text_of(&body["prompt"]));
                put(&mut asked, "suffix", text_of(&body["suffix"]));
            }
            // There is nothing to read in vectors.
            Mode::Embeddings => return None,
        }
        for name in ["temperature", "top_p", "max_tokens"] {
            if let Value::Number(number) = &body[name] {
                put(&mut asked, name, number.to_string());
            }
        }
        let stops = body["stop"].as_array().into_iter().flatten();
        let stops: Vec<&str> = stops.filter_map(Value::as_str).collect();
        put(&mut asked, "stop", stops.join("\n"));
        if body["tools"].is_array() {
            put(&mut asked, "tools", body["tools"].to_string());
        }
        Some(Self {
            user: user.to_owned(),
            mode,
            model: body["model"].as_str()?.to_owned(),
            asked: Value::Object(asked).to_string(),
            call: call.to_owned(),
        })
    }
}

/// What began a conversation, if nothing was said before.
fn first_turn(body: &Value, asked: &mut Map<String, Value>) -> Option<()> {
    let turns = body["messages"].as_array()?;
    let (system, turn) = match turns.as_slice() {
        [turn] => (None, turn),
        [system, turn] if system["role"] == "system" => (Some(system), turn),
        _ => return None,
    };
    if turn["role"] != "user" {
        return None;
    }
    if let Some(system) = system {
        put(asked, "system", system["content"].as_str()?.to_owned());
    }
    put(asked, "prompt", turn["content"].as_str()?.to_owned());
    Some(())
}

fn put(asked: &mut Map<String, Value>, name: &str, text: String) {
    if !text.is_empty() {
        asked.insert(name.to_owned(), text.into());
    }
}

/// The text of a stream, as far as it was told.
#[derive(Default)]
struct Told {
    line: Vec<u8>,
    text: String,
    is_too_much: bool,
}

impl Told {
    fn hear(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.is_too_much |= self.line.len() + piece.len() > LINE_BYTES_MAX;
            if self.is_too_much {
                return;
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.frame();
                self.line.clear();
            }
        }
    }

    fn frame(&mut self) {
        let Some(data) = self.line.strip_prefix(b"data:") else {
            return;
        };
        // The end of a stream is no JSON.
        let frame: Value = serde_json::from_slice(data).unwrap_or_default();
        let choice = &frame["choices"][0];
        let (content, text) = (&choice["delta"]["content"], &choice["text"]);
        self.text += &(text_of(content) + &text_of(text));
        self.is_too_much |= self.text.len() > TEXT_BYTES_MAX;
    }

    fn whole(self) -> Option<String> {
        (!self.is_too_much).then_some(self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use vane_ledger::Secret;

    fn runs() -> Runs {
        let secret = Secret::from_hex(&"5a".repeat(32), "a test").unwrap();
        Runs(Arc::new(secret.sealer(Purpose::Run).unwrap()))
    }

    fn question(mode: Mode, body: &Value) -> Option<Question> {
        let body = body.to_string();
        Question::of("ann", mode.door(), body.as_bytes(), "a call")
    }

    #[test]
    fn a_call_is_kept_as_the_form_asks_it() {
        let turn = |role: &str, text: &str| json!({"role": role, "content": text});
        for (mode, body, asked) in [
            (
                Mode::Chat,
                json!({"messages": [turn("system", "s"), turn("user", "u")], "max_tokens": 9}),
                Some(json!({"system": "s", "prompt": "u", "max_tokens": "9"})),
            ),
            (
                Mode::Fim,
                json!({"prompt": "a", "suffix": "b", "stop": ["x", "y"], "temperature": 0.5}),
                Some(json!({"prompt": "a", "suffix": "b", "stop": "x\ny", "temperature": "0.5"})),
            ),
            (
                Mode::Chat,
                json!({"messages": [turn("user", "u"), turn("assistant", "a"), turn("user", "u")]}),
                None,
            ),
            (
                Mode::Chat,
                json!({"messages": [turn("assistant", "a")]}),
                None,
            ),
            (Mode::Embeddings, json!({"input": ["a"]}), None),
        ] {
            let mut body = body;
            body["model"] = json!("m");
            let found = question(mode, &body).map(|question| question.asked);
            let found = found.map(|asked| serde_json::from_str::<Value>(&asked).unwrap());
            assert_eq!(found, asked, "{body}");
        }
    }

    #[test]
    fn a_run_opens_for_who_asked_within_the_hour_as_it_was_heard() {
        let (runs, body) = (runs(), json!({"model": "m", "prompt": "p"}));
        let question = question(Mode::Completion, &body).unwrap();
        let mut ear = runs.ear(question, 1_000);
        let stream = "data: {\"choices\":[{\"text\":\"Hé\"}]}\n\n: ping\n\ndata: {\"choices\":[{\"text\":\"llo\"}]}\n\ndata: [DONE]\n\n";
        // Cut anywhere, also within a letter.
        for byte in stream.bytes() {
            assert_eq!(ear(Some(&Bytes::from(vec![byte]))), None);
        }
        let last = ear(None).unwrap();
        let last = std::str::from_utf8(&last).unwrap();
        let sealed = last.strip_prefix(LAST_WORD).unwrap().trim_end();
        let run = runs.open(sealed, "ann", 1_000 + SECONDS - 1).unwrap();
        assert_eq!((run.answer.as_str(), run.model.as_str()), ("Héllo", "m"));
        assert_eq!(run.call.as_deref(), Some("a call"));
        assert_eq!(runs.open(sealed, "ann", 1_000 + SECONDS), None);
        assert_eq!(runs.open(sealed, "bob", 1_000), None);
        assert_eq!(runs.open("vane1.junk", "ann", 1_000), None);
    }

    #[test]
    fn what_no_example_holds_is_not_sealed() {
        let (runs, body) = (runs(), json!({"model": "m", "prompt": "p"}));
        let question = question(Mode::Completion, &body).unwrap();
        for answer in ["", " \n", &"x".repeat(TEXT_BYTES_MAX + 1)] {
            assert_eq!(runs.seal(&question, answer, 0), None);
        }
        let mut ear = runs.ear(question, 0);
        for _ in 0..9 {
            ear(Some(&Bytes::from(vec![b'x'; LINE_BYTES_MAX / 8])));
        }
        assert_eq!(ear(None), None);
    }
}
