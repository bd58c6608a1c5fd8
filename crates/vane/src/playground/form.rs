//! The form of the playground's page, for browsers that run no script: its fields become a call,
//! and the answer becomes part of the page.
//!
//! Invariant: what was typed stands in the page again, and in no address.

use super::mode::Mode;
use super::visitor::Visit;
use super::{Asking, Bill, Known, Vector, bill, told, vector};
use crate::form::Form;
use crate::relay::{Body, Record, Response};
use crate::server;
use bytes::Bytes;
use serde_json::{Value, json};
use vane_dialect::Fault;

/// Models side by side.
const MODELS_MAX: usize = 2;

/// What stands in the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filled {
    pub(crate) mode: Mode,
    pub(crate) model: String,
    /// Another model beside it.
    pub(crate) beside: String,
    pub(crate) system: String,
    pub(crate) prompt: String,
    pub(crate) suffix: String,
    /// A tool's result for the call that the model made last.
    pub(crate) result: String,
    pub(crate) tools: String,
    pub(crate) temperature: String,
    pub(crate) top_p: String,
    pub(crate) max_tokens: String,
    pub(crate) stop: String,
    /// The turns before, as JSON.
    pub(crate) turns: String,
    /// The token of the session that the page was written for.
    pub(crate) csrf: String,
}

/// What came of posting it.
pub(crate) struct Tried {
    pub(crate) filled: Filled,
    /// Why nobody was asked.
    pub(crate) problem: Option<Problem>,
    pub(crate) answers: Vec<Answered>,
}

/// What one model said.
pub(crate) struct Answered {
    pub(crate) model: String,
    pub(crate) provider: String,
    pub(crate) text: String,
    /// What was asked for instead of a text.
    pub(crate) vectors: Vec<Vector>,
    /// Names and arguments of tools that it calls.
    pub(crate) calls: Vec<(String, String)>,
    pub(crate) problem: Option<Problem>,
    pub(crate) bill: Option<Bill>,
    /// The run under its seal, where it may be kept as an example.
    pub(crate) run: Option<String>,
    /// The conversation with this answer, as JSON, where it can go on.
    pub(crate) turns: String,
}

/// What went wrong and what to do about it.
#[derive(Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) says: String,
    pub(crate) cure: &'static str,
}

/// The call that a form asks for.
///
/// # Errors
/// If a field of it cannot be read.
pub fn call_of(form: &Form) -> Result<Value, Fault> {
    let filled = Filled::of(form);
    filled.body(&filled.next_turns()?)
}

/// Reads the form, asks each model once, and tells what came.
pub(super) async fn tried(asking: &Asking<'_>, body: server::Body) -> (Option<Known>, Tried) {
    let read = async {
        let visit = asking.visit("application/x-www-form-urlencoded").await?;
        let body = asking.body(&visit, body).await?;
        let filled = Filled::of(&Form::read(&asking.head.headers, &body)?);
        // The box of the first page is the same for everybody and carries no token: who signed in
        // finds what was typed in the form of this page, and sends it from here.
        let is_to_send = visit.who.is_none() || !filled.csrf.is_empty();
        if is_to_send {
            visit.must_have_written(&filled.csrf)?;
        }
        Ok((visit, filled, is_to_send))
    };
    match read.await {
        Ok((visit, filled, is_to_send)) => {
            let known = visit.who.as_ref().and_then(Known::of);
            let tried = match is_to_send {
                true => asked(asking, &visit, filled).await,
                false => Tried {
                    filled,
                    problem: None,
                    answers: Vec::new(),
                },
            };
            (known, tried)
        }
        Err(fault) => {
            let tried = Tried {
                filled: Filled::default(),
                problem: Some(Problem::of_fault(&fault, asking.request_id)),
                answers: Vec::new(),
            };
            (None, tried)
        }
    }
}

async fn asked(asking: &Asking<'_>, visit: &Visit, mut filled: Filled) -> Tried {
    let mut tried = Tried {
        filled: filled.clone(),
        problem: None,
        answers: Vec::new(),
    };
    let turns = match filled.next_turns() {
        Ok(turns) => turns,
        Err(fault) => {
            tried.problem = Some(Problem::of_fault(&fault, asking.request_id));
            return tried;
        }
    };
    let models = [filled.model.clone(), filled.beside.clone()];
    let models = models.into_iter().filter(|model| !model.is_empty());
    for model in models.take(MODELS_MAX) {
        filled.model = model;
        match filled.body(&turns) {
            Ok(body) => {
                let answered = ask(asking, visit, &filled, body, &turns).await;
                tried.answers.push(answered);
            }
            Err(fault) => tried.problem = Some(Problem::of_fault(&fault, asking.request_id)),
        }
    }
    if tried.answers.is_empty() && tried.problem.is_none() {
        let fault = Fault::invalid("model", "name a model");
        tried.problem = Some(Problem::of_fault(&fault, asking.request_id));
    }
    let answered = |one: &Answered| one.problem.is_none();
    if tried.filled.mode == Mode::Chat && tried.answers.iter().any(answered) {
        // Said: it stands in the conversation now.
        tried.filled.prompt.clear();
        tried.filled.result.clear();
    }
    tried
}

async fn ask(
    asking: &Asking<'_>,
    visit: &Visit,
    filled: &Filled,
    body: Value,
    turns: &[Value],
) -> Answered {
    let door = filled.mode.door();
    let call = asking.gateway.request_id();
    let mut record = Record::begin(asking.gateway, door, call.clone());
    let body = Bytes::from(body.to_string());
    let question = visit.question(door, &body, &call);
    let ran = asking.run(visit, door, body, &mut record).await;
    let response = told(ran, door, &mut record, &call);
    let mut answered = Answered::read(filled, response, turns);
    if answered.problem.is_none() {
        let account = visit.caller.account_id;
        let found = bill::find(asking.gateway, account, &call).await;
        answered.bill = found.ok().flatten().map(|receipt| Bill::of(&receipt));
        let (runs, now) = (&asking.gateway.runs, asking.gateway.clock.now());
        answered.run = question.and_then(|question| runs.seal(&question, &answered.text, now));
    }
    answered
}

impl Filled {
    fn of(form: &Form) -> Self {
        // Browsers send each line's end as two characters.
        let typed = |name| form.raw(name).replace("\r\n", "\n");
        Self {
            mode: Mode::of_name(form.raw("mode")).unwrap_or_default(),
            model: form.text("model").to_owned(),
            beside: form.text("beside").to_owned(),
            system: typed("system"),
            prompt: typed("prompt"),
            suffix: typed("suffix"),
            result: typed("result"),
            tools: typed("tools"),
            temperature: typed("temperature"),
            top_p: typed("top_p"),
            max_tokens: typed("max_tokens"),
            stop: typed("stop"),
            turns: typed("turns"),
            csrf: typed("csrf"),
        }
    }

    /// What is to be embedded.
    fn texts(&self) -> Vec<&str> {
        let lines = self.prompt.lines();
        lines.filter(|line| !line.trim().is_empty()).collect()
    }

    /// The conversation with what was typed now at its end.
    fn next_turns(&self) -> Result<Vec<Value>, Fault> {
        if self.mode != Mode::Chat {
            return Ok(Vec::new());
        }
        let mut turns: Vec<Value> = match self.turns.trim() {
            "" => Vec::new(),
            said => serde_json::from_str(said)
                .map_err(|_| Fault::invalid("turns", "the conversation before is no JSON"))?,
        };
        if turns.is_empty() && !self.system.trim().is_empty() {
            turns.push(json!({ "role": "system", "content": self.system }));
        }
        let called = turns.last().and_then(|last| last["tool_calls"].as_array());
        let ids: Vec<Value> = called
            .into_iter()
            .flatten()
            .map(|call| call["id"].clone())
            .collect();
        for id in ids {
            turns.push(json!({ "role": "tool", "tool_call_id": id, "content": self.result }));
        }
        if !self.prompt.trim().is_empty() {
            turns.push(json!({ "role": "user", "content": self.prompt }));
        }
        Ok(turns)
    }

    /// The call that the form asks for.
    fn body(&self, turns: &[Value]) -> Result<Value, Fault> {
        let mut body = match self.mode {
            Mode::Chat => json!({ "model": self.model, "messages": turns }),
            Mode::Completion => json!({ "model": self.model, "prompt": self.prompt }),
            Mode::Fim => {
                json!({ "model": self.model, "prompt": self.prompt, "suffix": self.suffix })
            }
            Mode::Embeddings => {
                return Ok(json!({ "model": self.model, "input": self.texts() }));
            }
        };
        let numbers = [
            ("temperature", &self.temperature),
            ("top_p", &self.top_p),
            ("max_tokens", &self.max_tokens),
        ];
        for (name, said) in numbers {
            if !said.trim().is_empty() {
                let number: serde_json::Number = said
                    .trim()
                    .parse()
                    .map_err(|_| Fault::invalid(name, format!("`{name}` must be a number")))?;
                body[name] = number.into();
            }
        }
        if !self.stop.is_empty() {
            body["stop"] = self.stop.lines().collect::<Vec<_>>().into();
        }
        if self.mode == Mode::Chat && !self.tools.trim().is_empty() {
            body["tools"] = serde_json::from_str::<Vec<Value>>(&self.tools)
                .map_err(|error| Fault::invalid("tools", format!("no list of tools: {error}")))?
                .into();
        }
        Ok(body)
    }
}

impl Answered {
    fn read(filled: &Filled, response: Response, turns: &[Value]) -> Self {
        let status = response.status().as_u16();
        let provider = response.headers().get("vane-provider");
        let provider = provider
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut answered = Self {
            model: filled.model.clone(),
            provider: provider.to_owned(),
            text: String::new(),
            vectors: Vec::new(),
            calls: Vec::new(),
            problem: None,
            bill: None,
            run: None,
            turns: String::new(),
        };
        let body = match response.into_body() {
            Body::Whole(body) => serde_json::from_slice(&body).unwrap_or_default(),
            // Nothing asks for a stream here.
            Body::Stream(_) | Body::Kept(_) | Body::Heard(_) => Value::Null,
        };
        if status != 200 {
            let said = body["error"]["message"]
                .as_str()
                .or(body["message"].as_str());
            answered.problem = Some(Problem::of(status, said.unwrap_or("no answer came")));
            return answered;
        }
        let message = &body["choices"][0]["message"];
        answered.text = match filled.mode {
            Mode::Chat | Mode::Fim => text_of(&message["content"]),
            Mode::Completion => text_of(&body["choices"][0]["text"]),
            Mode::Embeddings => String::new(),
        };
        if filled.mode == Mode::Embeddings {
            answered.vectors = vector::read(&body, &filled.texts());
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        answered.calls = calls
            .map(|call| {
                (
                    text_of(&call["function"]["name"]),
                    text_of(&call["function"]["arguments"]),
                )
            })
            .collect();
        if filled.mode == Mode::Chat {
            let mut said = json!({ "role": "assistant", "content": answered.text });
            if !answered.calls.is_empty() {
                said["tool_calls"] = message["tool_calls"].clone();
            }
            let turns: Vec<&Value> = turns.iter().chain([&said]).collect();
            answered.turns = serde_json::to_string(&turns).unwrap_or_default();
        }
        answered
    }
}

/// Text, as it is or in parts.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    }
}

impl Problem {
    fn of_fault(fault: &Fault, request_id: &str) -> Self {
        let response = crate::rescue::rescue(vane_dialect::Dialect::OpenaiChat, fault, request_id);
        Self::of(response.status().as_u16(), &fault.to_string())
    }

    pub(super) fn of(status: u16, says: &str) -> Self {
        let cure = match status {
            401 => "Pick a model that is free, or sign in.",
            402 => "Top up, pick a cheaper model, or allow less output.",
            403 => "Reload the page and send again.",
            404 => "Pick a model from the list.",
            413 => "Send less text.",
            429 => "Wait a moment, then send again.",
            500.. => {
                "Nothing was billed for a call without an answer. Send again, or pick another model."
            }
            _ => "Change what is named and send again.",
        };
        Self {
            status,
            says: says.to_owned(),
            cure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_the_call_that_it_says() {
        for (form, expected) in [
            (
                "mode=chat&model=m&system=Be+brief&prompt=a%0D%0Ab&temperature=0.5&max_tokens=9",
                json!({"model": "m", "messages": [
                    {"role": "system", "content": "Be brief"}, {"role": "user", "content": "a\nb"}],
                    "temperature": 0.5, "max_tokens": 9}),
            ),
            (
                "mode=fim&model=m&prompt=a&suffix=b&stop=x%0Ay&tools=%5B%5D",
                json!({"model": "m", "prompt": "a", "suffix": "b", "stop": ["x", "y"]}),
            ),
            (
                "mode=completion&model=m&prompt=a%26b",
                json!({"model": "m", "prompt": "a&b"}),
            ),
            (
                "mode=embeddings&model=m&prompt=a%0D%0A%0D%0Ab",
                json!({"model": "m", "input": ["a", "b"]}),
            ),
        ] {
            let filled = Filled::of(&Form::parse(form.as_bytes()).unwrap());
            let turns = filled.next_turns().unwrap();
            assert_eq!(filled.body(&turns).unwrap(), expected, "{form}");
        }
    }

    #[test]
    fn a_tools_result_follows_its_call() {
        let turns = json!([{"role": "assistant", "content": "", "tool_calls": [{"id": "c1"}]}]);
        let filled = Filled {
            turns: turns.to_string(),
            result: "42".to_owned(),
            ..Filled::default()
        };
        let turns = filled.next_turns().unwrap();
        assert_eq!(
            turns[1],
            json!({"role": "tool", "tool_call_id": "c1", "content": "42"})
        );
        assert_eq!(turns.len(), 2);
    }

    #[test]
    fn what_is_no_number_or_tool_is_named() {
        for form in ["temperature=hot", "tools=%7B%7D", "max_tokens=1x"] {
            let filled = Filled::of(&Form::parse(form.as_bytes()).unwrap());
            let field = form.split('=').next().unwrap();
            let fault = filled.body(&[]).unwrap_err();
            assert_eq!(fault.param.as_deref(), Some(field));
        }
    }
}
