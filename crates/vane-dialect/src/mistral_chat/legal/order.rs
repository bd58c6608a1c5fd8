//! The order of messages, and the balance of calls and results.
//!
//! Stricter than Mistral where its models differ: system messages lead, each call is answered
//! before anybody speaks, and ids are nine alphanumerics.

use super::is_name;
use super::message::{Call, Content, Message};
use crate::ids;
use crate::json::Str;
use crate::quirk::{Quirk, Quirks};
use crate::unanswered::Unanswered;
use std::borrow::Cow;
use std::collections::HashSet;

pub(super) struct Order<'a> {
    quirks: Quirks,
    last: Last,
    /// The names of calls without a result, by id.
    open: Unanswered<Cow<'a, str>, Str<'a>>,
    /// Every id so far: none stands twice.
    ids: HashSet<Str<'a>>,
}

/// Whose message was the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nobody,
    System,
    User,
    Assistant,
    Tool,
}

impl<'a> Order<'a> {
    pub(super) fn new(quirks: Quirks) -> Self {
        Self {
            quirks,
            last: Last::Nobody,
            open: Unanswered::default(),
            ids: HashSet::new(),
        }
    }

    /// Whether `message` may stand next.
    pub(super) fn takes(&mut self, message: Message<'a>) -> bool {
        let only_words = message.name.0.is_empty() && message.tool_call_id.0.is_empty();
        let silent = message.tool_calls.is_empty();
        match &*message.role.0 {
            "system" => {
                let leads = matches!(self.last, Last::Nobody | Last::System);
                self.last = Last::System;
                leads && only_words && silent && message.content == Content::Text
            }
            "user" => {
                let may = self.open.is_empty() && self.last != Last::Tool;
                self.last = Last::User;
                let says = matches!(message.content, Content::Text | Content::Media);
                may && only_words && silent && says
            }
            "assistant" => only_words && self.assistant(message.content, message.tool_calls),
            "tool" => silent && self.result(&message),
            _ => false,
        }
    }

    /// Whether the conversation may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.open.is_empty() && matches!(self.last, Last::User | Last::Tool)
    }

    fn assistant(&mut self, content: Content, calls: Vec<Call<'a>>) -> bool {
        let may = self.open.is_empty() && matches!(self.last, Last::User | Last::Tool);
        self.last = Last::Assistant;
        let says = match content {
            Content::Text => calls.is_empty() || !self.quirks.has(Quirk::TextOrCalls),
            Content::Absent | Content::Empty => !calls.is_empty(),
            Content::Blank | Content::Media => false,
        };
        may && says && calls.into_iter().all(|call| self.call(call))
    }

    fn call(&mut self, call: Call<'a>) -> bool {
        let Call { id, kind, function } = call;
        let legal = kind.0 == "function"
            && ids::fits(&id.0)
            && self.ids.insert(id.clone())
            && is_name(&function.name.0)
            && function.arguments.0.trim_start().starts_with('{');
        self.open.push(id.0, function.name);
        legal
    }

    fn result(&mut self, message: &Message<'a>) -> bool {
        let Some(called) = self.open.take(&message.tool_call_id.0) else {
            return false;
        };
        self.last = Last::Tool;
        let named = message.name.0.is_empty() || message.name == called;
        named && message.content == Content::Text
    }
}
