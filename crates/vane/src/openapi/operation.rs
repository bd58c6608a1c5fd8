//! One operation: a method at a path, what it takes and what it answers.
//!
//! Invariant: an example of a request has one of its answer's schema, and both are run by a test.

use http::Method;
use serde_json::{Map, Value, json};

use super::errors::Envelope;

pub struct Operation {
    pub method: Method,
    pub tag: &'static str,
    /// What programs that generate clients call it.
    pub id: &'static str,
    pub summary: &'static str,
    pub about: &'static str,
    pub(super) parameters: Vec<Value>,
    /// Schema and example of the body.
    pub body: Option<(Value, Value)>,
    /// Schema of the answer; `None` is text.
    pub answer: Option<Value>,
    pub(super) kind: Kind,
}

/// Who may ask, and in which shape a failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// With a key; streams if it is asked to, says what it cost.
    Call(Envelope),
    /// With a key.
    Keyed(Envelope),
    /// By a provider of payments, whose signature stands for a key.
    Signed,
    /// By anybody.
    Open,
}

impl Operation {
    pub(super) fn new(
        method: Method,
        tag: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            tag,
            id,
            summary,
            about: "",
            parameters: Vec::new(),
            body: None,
            answer: None,
            kind: Kind::Keyed(Envelope::Openai),
        }
    }

    pub(super) fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    pub(super) fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    pub(super) fn takes(self, schema: Value, example: Value) -> Self {
        Self {
            body: Some((schema, example)),
            ..self
        }
    }

    pub(super) fn answers(self, schema: Value) -> Self {
        Self {
            answer: Some(schema),
            ..self
        }
    }

    /// A variable part of the path.
    pub(super) fn at(mut self, name: &str, about: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": about,
            "schema": { "type": "string" },
        }));
        self
    }

    /// A parameter after the question mark.
    pub(super) fn asks(mut self, name: &str, schema: &Value) -> Self {
        let about = schema.get("description").cloned().unwrap_or_default();
        self.parameters.push(json!({
            "name": name, "in": "query", "description": about, "schema": schema,
        }));
        self
    }

    pub(super) fn heeds(mut self, name: &str, about: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "description": about, "schema": { "type": "string" },
        }));
        self
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.kind, Kind::Signed | Kind::Open)
    }

    /// Whether it can be asked to stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        let fields = self.body.as_ref().map(|(schema, _)| schema);
        fields.is_some_and(|schema| schema.pointer("/properties/stream").is_some())
    }

    pub(super) fn document(&self) -> Value {
        let mut out = json!({
            "tags": [self.tag],
            "operationId": self.id,
            "summary": self.summary,
        });
        if !self.about.is_empty() {
            out["description"] = self.about.into();
        }
        if !self.parameters.is_empty() {
            out["parameters"] = self.parameters.clone().into();
        }
        if let Some((schema, example)) = &self.body {
            let content = json!({ "schema": schema, "example": example });
            let required = !example.as_object().is_some_and(Map::is_empty);
            out["requestBody"] =
                json!({ "required": required, "content": { "application/json": content } });
        }
        out["responses"] = self.responses();
        if self.is_open() {
            out["security"] = json!([]);
        }
        out
    }

    fn responses(&self) -> Value {
        let mut content = Map::new();
        match &self.answer {
            Some(schema) => {
                content.insert("application/json".into(), json!({ "schema": schema }));
            }
            None => {
                let schema = json!({ "schema": { "type": "string" } });
                content.insert("text/plain".into(), schema);
            }
        }
        if self.streams() {
            let about = "Server-sent events of the dialect, with `stream: true`.";
            let schema = json!({ "schema": { "type": "string", "description": about } });
            content.insert("text/event-stream".into(), schema);
        }
        let mut good = json!({ "description": "As asked.", "content": content });
        let names: &[&str] = match self.kind {
            Kind::Call(_) => &super::errors::OF_CALLS,
            Kind::Keyed(_) => &super::errors::OF_ALL,
            Kind::Signed | Kind::Open => &[],
        };
        if !names.is_empty() {
            good["headers"] = super::errors::named(names);
        }
        let mut all = Map::new();
        all.insert("200".into(), good);
        match self.kind {
            Kind::Call(envelope) | Kind::Keyed(envelope) => {
                for status in envelope.statuses(self.kind) {
                    all.insert((*status).into(), envelope.response(status));
                }
                all.insert("default".into(), envelope.response("default"));
            }
            Kind::Signed => {
                all.insert("4XX".into(), Envelope::Openai.response("default"));
                all.insert("503".into(), Envelope::Openai.response("default"));
            }
            Kind::Open => {}
        }
        all.into()
    }
}
