//! Turns -> messages, with every tool call answered right after it.
//!
//! Mistral wants calls and results to balance before the next assistant message, under ids that
//! stand once. So each assistant message opens a window in which its results are collected; what
//! is missing at its end gets a placeholder, what belongs to no call becomes the user's text.

use super::names::Names;
use super::parts::{Carrier, Part};
use crate::block::{Block, ToolForm, ToolResult, ToolUse};
use crate::call::{Chat, Role, Turn};
use crate::exchange::Target;
use crate::ids;
use crate::json;
use crate::notes::Notes;
use crate::quirk::Quirk;
use crate::unanswered::Unanswered;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const NO_RESULT: &str = "[No result was recorded for this tool call.]";
const MEDIA_FOLLOW: &str = "[What this tool returned follows in the next user message.]";

/// A message as Mistral knows it.
pub(super) enum Message<'c> {
    System(Vec<Part<'c>>),
    User(Vec<Part<'c>>),
    Assistant {
        content: Vec<Part<'c>>,
        calls: Vec<SentCall<'c>>,
        prefill: bool,
    },
    Tool {
        id: String,
        name: &'c str,
        content: Vec<Part<'c>>,
    },
}

pub(super) struct SentCall<'c> {
    pub(super) id: String,
    pub(super) name: &'c str,
    pub(super) arguments: Cow<'c, str>,
}

/// The map of ids that were replaced: (sent, the client's).
type IdMap = Vec<(String, String)>;

pub(super) fn lay_out<'c>(
    chat: &'c Chat,
    target: &'c Target<'c>,
    names: &'c Names<'c>,
    notes: &mut Notes,
) -> (Vec<Message<'c>>, IdMap) {
    let mut outline = Outline {
        carrier: Carrier { target, notes },
        names,
        messages: Vec::with_capacity(chat.turns.len() + 4),
        window: Unanswered::default(),
        results: Vec::new(),
        results_at: 0,
        ids: BTreeSet::new(),
        numbers: BTreeMap::new(),
    };
    for turn in &chat.turns {
        outline.turn(turn);
    }
    outline.balance();
    let mut messages = merged(outline.messages, outline.results);
    let map = if target.quirks.has(Quirk::NineCharToolIds) {
        nine(&mut messages)
    } else {
        IdMap::new()
    };
    (messages, map)
}

/// The messages with each result at its place among them.
fn merged<'c>(messages: Vec<Message<'c>>, results: Vec<(usize, Message<'c>)>) -> Vec<Message<'c>> {
    let mut merged = Vec::with_capacity(messages.len() + results.len());
    let mut results = results.into_iter().peekable();
    for (at, message) in messages.into_iter().enumerate() {
        while let Some((_, result)) = results.next_if(|(before, _)| *before <= at) {
            merged.push(result);
        }
        merged.push(message);
    }
    merged.extend(results.map(|(_, result)| result));
    merged
}

/// Gives every id its nine characters.
fn nine(messages: &mut [Message<'_>]) -> IdMap {
    let calls = messages.iter().flat_map(|message| match message {
        Message::Assistant { calls, .. } => calls.as_slice(),
        Message::System(_) | Message::User(_) | Message::Tool { .. } => &[],
    });
    let map = ids::nine(calls.map(|call| call.id.as_str()));
    let replace = |id: &mut String| *id = ids::sent(&map, id).to_owned();
    for message in messages {
        match message {
            Message::Assistant { calls, .. } => calls.iter_mut().for_each(|c| replace(&mut c.id)),
            Message::Tool { id, .. } => replace(id),
            Message::System(_) | Message::User(_) => {}
        }
    }
    map.into_iter().filter(|(sent, id)| sent != id).collect()
}

struct Outline<'c, 'n> {
    carrier: Carrier<'c, 'n>,
    names: &'c Names<'c>,
    messages: Vec<Message<'c>>,
    /// The calls of the last assistant message that have no result yet.
    window: Unanswered<&'c str, Pending<'c>>,
    /// The results, each with the place in `messages` that it stands before.
    results: Vec<(usize, Message<'c>)>,
    /// Where the next result belongs.
    results_at: usize,
    /// All ids in use.
    ids: BTreeSet<String>,
    /// The number behind an id that was last tried where it was taken.
    numbers: BTreeMap<&'c str, usize>,
}

struct Pending<'c> {
    sent: String,
    name: &'c str,
}

impl<'c> Outline<'c, '_> {
    fn turn(&mut self, turn: &'c Turn) {
        if turn.name.is_some() {
            self.carrier.notes.drop("name");
        }
        match turn.role {
            Role::System | Role::Developer => {
                let content = self.carrier.words(turn.blocks.iter());
                if !content.is_empty() {
                    self.messages.push(Message::System(content));
                }
            }
            Role::User => self.user(turn.blocks.iter()),
            Role::Assistant => self.assistant(turn),
        }
    }

    /// Results first, then the rest of the turn.
    fn user(&mut self, blocks: impl Iterator<Item = &'c Block>) {
        let mut rest = Vec::new();
        for block in blocks {
            match block {
                Block::ToolResult(result) => self.result(result, &mut rest),
                block => rest.extend(self.carrier.part(block)),
            }
        }
        if !rest.is_empty() {
            self.messages.push(Message::User(rest));
        }
    }

    /// Puts a result behind its call; what a tool message cannot hold goes to `rest`.
    fn result(&mut self, result: &'c ToolResult, rest: &mut Vec<Part<'c>>) {
        self.carrier.mark(result.cache);
        let mut content = self.carrier.parts(&result.content);
        if result.is_error {
            match content.first_mut() {
                Some(Part::Text(text)) => *text = Cow::Owned(format!("Error: {text}")),
                _ => content.insert(0, Part::text("Error:")),
            }
        }
        let mut call = self.window.take(&result.id);
        if call.is_none() && matches!(result.id.as_str(), "" | "null") {
            call = self.window.take_first();
        }
        let Some(call) = call else {
            let id = &result.id;
            let label = format!("[Result of a tool call ({id}) that is not in this conversation:]");
            rest.push(Part::Text(Cow::Owned(label)));
            return rest.append(&mut content);
        };
        if !self.carrier.target.quirks.has(Quirk::ToolImages) {
            let (kept, media): (Vec<_>, Vec<_>) = content
                .into_iter()
                .partition(|part| matches!(part, Part::Text(_) | Part::Own(_)));
            content = kept;
            if !media.is_empty() {
                content.push(Part::text(MEDIA_FOLLOW));
                let label = format!("[Returned by the tool {}:]", call.name);
                rest.push(Part::Text(Cow::Owned(label)));
                rest.extend(media);
            }
        }
        self.insert_result(call, content);
    }

    fn insert_result(&mut self, call: Pending<'c>, content: Vec<Part<'c>>) {
        let message = Message::Tool {
            id: call.sent,
            name: call.name,
            content,
        };
        self.results.push((self.results_at, message));
    }

    /// Closes the window: calls without a result get a placeholder.
    fn balance(&mut self) {
        for call in self.window.close() {
            self.insert_result(call, vec![Part::text(NO_RESULT)]);
        }
    }

    fn assistant(&mut self, turn: &'c Turn) {
        // Calls that came in several turns before their results are one message here.
        let last = matches!(self.messages.last(), Some(Message::Assistant { .. }));
        let result = self
            .results
            .last()
            .is_some_and(|(at, _)| *at == self.messages.len());
        let goes_on = last && !result && !turn.prefill && !self.window.is_empty();
        if !goes_on {
            self.balance();
        }
        let tools = |block: &&Block| matches!(block, Block::ToolUse(_) | Block::ToolResult(_));
        let words = turn.blocks.iter().filter(|block| !tools(block));
        let mut content = self.carrier.words(words);
        let mut calls: Vec<SentCall<'_>> = Vec::new();
        for block in &turn.blocks {
            if let Block::ToolUse(tool) = block {
                calls.push(self.call(tool));
            }
        }
        match self.messages.last_mut() {
            Some(Message::Assistant {
                content: before,
                calls: called,
                ..
            }) if goes_on => {
                before.append(&mut content);
                called.append(&mut calls);
            }
            _ => self.messages.push(Message::Assistant {
                content,
                calls,
                prefill: turn.prefill,
            }),
        }
        self.results_at = self.messages.len();
        // A tool that ran at a provider answered within the turn.
        let results = turn.blocks.iter();
        self.user(results.filter(|block| matches!(block, Block::ToolResult(_))));
    }

    fn call(&mut self, tool: &'c ToolUse) -> SentCall<'c> {
        self.carrier.mark(tool.cache);
        let namespace = tool.space().unwrap_or_default();
        let name = self.names.sent(namespace, &tool.name);
        let id = self.free_id(&tool.id);
        let sent = id.clone();
        self.window.push(&tool.id, Pending { sent, name });
        let arguments = match tool.form {
            ToolForm::Custom => {
                let mut quoted = Vec::new();
                json::string(&mut quoted, &tool.arguments);
                let quoted = String::from_utf8_lossy(&quoted);
                Cow::Owned(format!(r#"{{"input":{quoted}}}"#))
            }
            ToolForm::Function if tool.arguments.trim().is_empty() => Cow::Borrowed("{}"),
            ToolForm::Function => Cow::Borrowed(tool.arguments.as_str()),
        };
        SentCall {
            id,
            name,
            arguments,
        }
    }

    /// The id itself, or where it is none or taken, one like it.
    fn free_id(&mut self, original: &'c str) -> String {
        let base = match original {
            "" | "null" => "call1",
            id => id,
        };
        if self.ids.insert(base.to_owned()) {
            return base.to_owned();
        }
        // What one number was tried for is taken for good.
        let count = self.numbers.entry(base).or_insert(1);
        loop {
            *count += 1;
            let id = format!("{base}x{count}");
            if self.ids.insert(id.clone()) {
                return id;
            }
        }
    }
}
