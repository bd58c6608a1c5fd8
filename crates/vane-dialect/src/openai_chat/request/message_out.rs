//! Turns to messages: results of tools taken apart, order and roles as the provider wants them.

use super::message_in::MEMBER;
use super::part_out::Parts;
use super::tool_out;
use crate::block::{Block, Opaque, Reasoning, State, ToolForm, ToolResult, ToolUse};
use crate::call::{Chat, Role, Turn};
use crate::dialect::Dialect;
use crate::exchange::{Asked, Tags, Target};
use crate::ids;
use crate::json;
use crate::notes::Notes;
use crate::openai_chat::response;
use crate::openai_chat::signatures::{PLACEHOLDER, Signature, Signatures};
use crate::quirk::Quirk;
use std::borrow::Cow;

pub(super) struct Messages<'a> {
    chat: &'a Chat,
    target: &'a Target<'a>,
    /// Tool ids as they are sent: (sent, the client's).
    ids: Vec<(String, String)>,
    count: usize,
    after_tool: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn new(chat: &'a Chat, target: &'a Target<'a>) -> Self {
        let blocks = chat.turns.iter().flat_map(|turn| &turn.blocks);
        let used = blocks.filter_map(|block| match block {
            Block::ToolUse(call) => Some(call.id.as_str()),
            Block::ToolResult(result) => Some(result.id.as_str()),
            _ => None,
        });
        let ids = if target.quirks.has(Quirk::NineCharToolIds) {
            ids::nine(used)
        } else {
            Vec::new()
        };
        Self {
            chat,
            target,
            ids,
            count: 0,
            after_tool: false,
        }
    }

    pub(super) fn asked(self) -> Asked {
        Asked {
            tags: if self.has(Quirk::ThoughtTags) {
                Some(Tags::Thought)
            } else {
                self.has(Quirk::ThinkTags).then_some(Tags::Think)
            },
            ids: self.ids,
            ..Asked::default()
        }
    }

    pub(super) fn write(&mut self, out: &mut Vec<u8>, notes: &mut Notes) {
        out.push(b'[');
        let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
        let first = self.has(Quirk::SystemFirst);
        let leading = self.chat.turns.iter().take_while(is_system).count();
        let leading = if first { leading } else { 0 };
        let (head, turns) = self.chat.turns.split_at(leading);
        if let Some(turn) = head.first() {
            let blocks = head.iter().flat_map(|turn| &turn.blocks);
            self.plain(self.role(turn.role), turn, blocks, out, notes);
        }
        for turn in turns {
            match turn.role {
                // A system message further down would be refused: it goes on as the user's.
                Role::System | Role::Developer if first => {
                    self.plain("user", turn, &turn.blocks, out, notes);
                }
                Role::System | Role::Developer => {
                    self.plain(self.role(turn.role), turn, &turn.blocks, out, notes);
                }
                Role::User => self.user(turn, out, notes),
                Role::Assistant => self.assistant(turn, out, notes),
            }
        }
        out.push(b']');
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.target.quirks.has(quirk)
    }

    fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Developer if !self.has(Quirk::NoDeveloper) => "developer",
            Role::System | Role::Developer => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }

    /// Opens a message, its brace left open.
    fn open(&mut self, role: &str, out: &mut Vec<u8>) {
        if role == "user" && self.after_tool && self.has(Quirk::NoUserAfterTool) {
            out.extend_from_slice(br#",{"role":"assistant","content":"Understood."}"#);
        }
        if self.count > 0 {
            out.push(b',');
        }
        self.count += 1;
        self.after_tool = role == "tool";
        out.extend_from_slice(b"{\"role\":");
        json::string(out, role);
    }

    fn name(&self, turn: &Turn, out: &mut Vec<u8>, notes: &mut Notes) {
        match &turn.name {
            Some(_) if self.is_closed() || self.has(Quirk::NoMessageName) => {
                notes.drop("messages.name");
            }
            Some(name) => {
                out.extend_from_slice(b",\"name\":");
                json::string(out, name);
            }
            None => {}
        }
    }

    fn is_closed(&self) -> bool {
        self.has(Quirk::ClosedBody) && !self.has(Quirk::OpenaiOwn)
    }

    fn plain(
        &mut self,
        role: &str,
        turn: &'a Turn,
        blocks: impl IntoIterator<Item = &'a Block>,
        out: &mut Vec<u8>,
        notes: &mut Notes,
    ) {
        let (members, blocks): (Vec<_>, Vec<_>) = blocks.into_iter().partition(is_member);
        let parts = Parts::of(blocks, self.target, notes);
        self.open(role, out);
        self.name(turn, out, notes);
        out.extend_from_slice(b",\"content\":");
        parts.write(out, self.target, notes);
        self.members(members, out, notes);
        out.push(b'}');
    }

    fn user(&mut self, turn: &'a Turn, out: &mut Vec<u8>, notes: &mut Notes) {
        let mut parts = Parts::default();
        let mut rest = Vec::new();
        let mut any_result = false;
        for block in &turn.blocks {
            match block {
                Block::ToolResult(result) => {
                    any_result = true;
                    parts.append(self.result(result, out, notes));
                }
                other => rest.push(other),
            }
        }
        let (members, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_member);
        let any_rest = !rest.is_empty();
        parts.append(Parts::of(rest, self.target, notes));
        // Nothing is left of results alone, nor of what only another dialect understands.
        if (any_result || any_rest) && parts.is_empty() && members.is_empty() {
            return;
        }
        self.open("user", out);
        self.name(turn, out, notes);
        out.extend_from_slice(b",\"content\":");
        parts.write(out, self.target, notes);
        self.members(members, out, notes);
        out.push(b'}');
    }

    /// Writes a tool message; returns what must follow in a user message (T9).
    fn result(
        &mut self,
        result: &'a ToolResult,
        out: &mut Vec<u8>,
        notes: &mut Notes,
    ) -> Parts<'a> {
        let mut inside = Parts::default();
        let mut moved = Parts::default();
        for block in &result.content {
            match block {
                Block::Image(_) | Block::Document(_) | Block::Audio(_)
                    if !self.has(Quirk::ToolImages) =>
                {
                    if moved.is_empty() {
                        inside.text("[this result goes on in the next user message]");
                        moved.text(format!(
                            "Result of tool call {}, continued:",
                            self.id(&result.id)
                        ));
                    }
                    moved.add(block, self.target, notes);
                }
                block => inside.add(block, self.target, notes),
            }
        }
        if result.is_error {
            inside.fail();
        }
        if result.cache.is_some() {
            notes.drop("cache_control");
        }
        self.open("tool", out);
        out.extend_from_slice(b",\"tool_call_id\":");
        json::string(out, &self.id(&result.id));
        out.extend_from_slice(b",\"content\":");
        inside.write(out, self.target, notes);
        out.push(b'}');
        moved
    }

    fn assistant(&mut self, turn: &'a Turn, out: &mut Vec<u8>, notes: &mut Notes) {
        if turn.prefill && self.has(Quirk::NoPrefill) {
            return notes.drop("prefill");
        }
        let mut parts = Parts::default();
        let (mut thoughts, mut calls, mut members) = (Vec::new(), Vec::new(), Vec::new());
        let mut refusal = None;
        for block in &turn.blocks {
            match block {
                Block::Reasoning(reasoning) => thoughts.push(reasoning),
                Block::ToolUse(call) => calls.push(call),
                Block::Refusal(text) if self.has(Quirk::OpenaiOwn) => refusal = Some(text),
                block if is_member(&block) => members.push(block),
                block => parts.add(block, self.target, notes),
            }
        }
        let (reasoning, signatures) = self.thoughts(&thoughts, notes);
        // Half a message is refused everywhere, and says nothing.
        let silent = parts.is_empty() && calls.is_empty() && reasoning.is_empty();
        if silent && refusal.is_none() && members.is_empty() {
            return;
        }
        let split = self.has(Quirk::TextOrCalls) && !parts.is_empty() && !calls.is_empty();
        self.open("assistant", out);
        self.name(turn, out, notes);
        out.extend_from_slice(b",\"content\":");
        if parts.is_empty() {
            out.extend_from_slice(b"null");
        } else {
            parts.write(out, self.target, notes);
        }
        if let Some(refusal) = refusal {
            out.extend_from_slice(b",\"refusal\":");
            json::string(out, refusal);
        }
        out.extend_from_slice(&reasoning);
        let unsaid = !reasoning.starts_with(b",\"reasoning_content\"");
        if self.has(Quirk::ReasoningReplay) && unsaid && !calls.is_empty() {
            out.extend_from_slice(b",\"reasoning_content\":\"\"");
        }
        if let Some(extra_content) = signatures.of_message {
            out.extend_from_slice(b",\"extra_content\":");
            out.extend_from_slice(extra_content.as_bytes());
        }
        if split {
            out.push(b'}');
            self.open("assistant", out);
            out.extend_from_slice(b",\"content\":null");
        }
        self.calls(&calls, &signatures, out, notes);
        if turn.prefill && (self.has(Quirk::ClosedBody) || self.has(Quirk::OpenaiOwn)) {
            notes.drop("prefix");
        } else if turn.prefill {
            out.extend_from_slice(b",\"prefix\":true");
        }
        self.members(members, out, notes);
        out.push(b'}');
    }

    /// The members of an assistant message that bring its reasoning back, and the signatures
    /// that belong elsewhere in it.
    fn thoughts<'t>(
        &self,
        thoughts: &[&'t Reasoning],
        notes: &mut Notes,
    ) -> (Vec<u8>, Signatures<'t>) {
        let mut out = Vec::new();
        let mut states = Vec::new();
        // A native signature does not say whose it is: only who is known to want it gets it.
        let wanted = |state: &State| state.provider.is_some() || self.has(Quirk::ThoughtSignature);
        let mut signatures = Signatures::default();
        for state in thoughts.iter().filter_map(|thought| thought.state.as_ref()) {
            let ours = state
                .provider
                .as_deref()
                .is_none_or(|from| from == self.target.provider);
            if state.dialect != Dialect::OpenaiChat || !ours {
                notes.drop("reasoning_state");
            } else if let Some(signature) = Signature::read(&state.data) {
                if wanted(state) {
                    signatures.add(signature);
                } else {
                    notes.drop("reasoning_state");
                }
            } else {
                states.push(state.data.as_str());
            }
        }
        let text: String = thoughts
            .iter()
            .map(|thought| thought.text.as_str())
            .collect();
        let name = if self.has(Quirk::ReasoningContent) {
            Some(",\"reasoning_content\":")
        } else if self.has(Quirk::ReasoningText) {
            Some(",\"reasoning\":")
        } else {
            None
        };
        match name {
            _ if text.is_empty() => {}
            Some(name) => {
                out.extend_from_slice(name.as_bytes());
                json::string(&mut out, &text);
            }
            None if self.has(Quirk::ReasoningSplit) && states.is_empty() => {
                out.extend_from_slice(
                    br#","reasoning_details":[{"type":"reasoning.text","index":0,"text":"#,
                );
                json::string(&mut out, &text);
                out.extend_from_slice(b"}]");
            }
            // The state has the text in it.
            None if !states.is_empty() || !signatures.is_empty() => {}
            None => notes.drop("reasoning"),
        }
        match states.as_slice() {
            [] => {}
            [one] => {
                out.extend_from_slice(b",\"reasoning_details\":");
                out.extend_from_slice(one.as_bytes());
            }
            several => {
                let lists = several.iter().map(|list| list.trim());
                let inner = lists.map(|list| list.trim_start_matches('[').trim_end_matches(']'));
                let inner: Vec<&str> = inner.filter(|list| !list.trim().is_empty()).collect();
                out.extend_from_slice(b",\"reasoning_details\":[");
                out.extend_from_slice(inner.join(",").as_bytes());
                out.push(b']');
            }
        }
        (out, signatures)
    }

    fn calls(
        &self,
        calls: &[&ToolUse],
        signatures: &Signatures<'_>,
        out: &mut Vec<u8>,
        notes: &mut Notes,
    ) {
        if calls.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"tool_calls\":[");
        for (at, call) in calls.iter().enumerate() {
            if call.cache.is_some() {
                notes.drop("cache_control");
            }
            out.extend_from_slice(if at == 0 { b"{" } else { b",{" });
            // Of parallel calls only the first has one, and is refused without.
            let needed = at == 0 && self.has(Quirk::SignedCalls);
            let signature = signatures.of_call(at).or(needed.then_some(PLACEHOLDER));
            if let Some(extra_content) = signature {
                out.extend_from_slice(b"\"extra_content\":");
                out.extend_from_slice(extra_content.as_bytes());
                out.push(b',');
            }
            let name = &*tool_out::sent_name(call.space(), &call.name);
            let id = &self.id(&call.id);
            match call.form {
                ToolForm::Custom if !self.target.takes_all_tools() => {
                    let arguments = tool_out::wrapped(&call.arguments);
                    response::tool_call(out, id, name, ToolForm::Function, &arguments);
                }
                form => response::tool_call(out, id, name, form, &call.arguments),
            }
        }
        out.push(b']');
    }

    fn members(&self, members: Vec<&Block>, out: &mut Vec<u8>, notes: &mut Notes) {
        for block in members {
            let Block::Opaque(Opaque { kind, raw, .. }) = block else {
                continue;
            };
            if self.is_closed() {
                notes.drop(kind);
                continue;
            }
            out.push(b',');
            json::string(out, kind.strip_prefix(MEMBER).unwrap_or(kind));
            out.push(b':');
            out.extend_from_slice(raw.get().as_bytes());
        }
    }

    fn id<'b>(&'b self, original: &'b str) -> Cow<'b, str> {
        match self.has(Quirk::OpenaiOwn) {
            true => ids::within(original, ids::bytes_max(Dialect::OpenaiChat)),
            false => ids::sent(&self.ids, original).into(),
        }
    }
}

/// Whether the block is a member of its message that has no canonical meaning.
fn is_member(block: &&Block) -> bool {
    match block {
        Block::Opaque(opaque) => {
            opaque.dialect == Dialect::OpenaiChat && opaque.kind.starts_with(MEMBER)
        }
        _ => false,
    }
}
