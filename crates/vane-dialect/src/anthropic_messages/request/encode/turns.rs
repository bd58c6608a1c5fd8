//! Turns -> the system prompt and the alternating messages that Anthropic demands.

use super::part::{Part, Place};
use crate::call::{Chat, Role, Turn};
use crate::exchange::Target;
use crate::notes::Notes;
use crate::quirk::Quirk;
use std::borrow::Cow;

/// Stands for the user where the conversation does not begin with one: Anthropic demands it.
const NO_USER_YET: &str = "(the conversation begins)";
/// Stands after an answer that the model is to go on with but does not take as a prefill.
const GO_ON: &str = "Continue from where you stopped.";

#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) system: Vec<Part<'a>>,
    pub(super) messages: Vec<Message<'a>>,
}

#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) is_assistant: bool,
    pub(super) parts: Vec<Part<'a>>,
}

pub(super) fn plan<'a>(chat: &'a Chat, target: &Target<'_>, notes: &mut Notes) -> Plan<'a> {
    let is_system = |turn: &&Turn| matches!(turn.role, Role::System | Role::Developer);
    let leading = chat.turns.iter().take_while(is_system).count();
    let (system, turns) = chat.turns.split_at(leading);
    let mut plan = Plan::default();
    for turn in system {
        plan.system
            .extend(parts(turn, Place::System, target, notes));
    }
    for turn in turns {
        let place = match turn.role {
            Role::Assistant => Place::Assistant,
            Role::User => Place::User,
            Role::System | Role::Developer => Place::System,
        };
        let mut parts = parts(turn, place, target, notes);
        if place == Place::System {
            parts = parts.into_iter().map(folded).collect();
        }
        add(&mut plan.messages, place == Place::Assistant, parts);
    }
    for message in &mut plan.messages {
        message.results_first();
    }
    if plan.messages.first().is_none_or(|first| first.is_assistant) {
        plan.messages.insert(0, said_by_user(NO_USER_YET));
    }
    end(&mut plan.messages, target, notes);
    plan
}

fn parts<'a>(
    turn: &'a Turn,
    place: Place,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Vec<Part<'a>> {
    if turn.name.is_some() {
        notes.drop("name");
    }
    let blocks = turn.blocks.iter();
    blocks
        .filter_map(|block| Part::of(block, place, target, notes))
        .collect()
}

/// Instructions in the middle of a conversation: not every model takes a `system` message there,
/// so they are put into the user's words, marked as what they are.
fn folded(part: Part<'_>) -> Part<'_> {
    match part {
        Part::Text(text, cache) => {
            let marked = format!("<system-instruction>\n{text}\n</system-instruction>");
            Part::Text(Cow::Owned(marked), cache)
        }
        other => other,
    }
}

/// Adds to the last message if it is of the same side: roles alternate, and the results of one
/// turn's calls stand in one message (T20).
fn add<'a>(messages: &mut Vec<Message<'a>>, is_assistant: bool, parts: Vec<Part<'a>>) {
    if parts.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(last) if last.is_assistant == is_assistant => last.parts.extend(parts),
        Some(_) | None => messages.push(Message {
            is_assistant,
            parts,
        }),
    }
}

impl Message<'_> {
    /// Whether the answer is to go on from this text. A turn that ends in a provider's own block
    /// is one that paused, and is simply resumed.
    pub(super) fn is_prefill(&self) -> bool {
        self.is_assistant && matches!(self.parts.last(), Some(Part::Text(..)))
    }

    fn results_first(&mut self) {
        if !self.is_assistant {
            let is_other = |part: &Part<'_>| !matches!(part, Part::ToolResult(..));
            self.parts.sort_by_key(is_other);
        }
    }
}

fn said_by_user(text: &str) -> Message<'_> {
    Message {
        is_assistant: false,
        parts: vec![Part::Text(Cow::Borrowed(text), None)],
    }
}

/// Makes the last message one that Anthropic takes: a prefill must not end in white space, and
/// some models take none.
fn end(messages: &mut Vec<Message<'_>>, target: &Target<'_>, notes: &mut Notes) {
    let Some(last) = messages.last_mut().filter(|last| last.is_prefill()) else {
        return;
    };
    if target.quirks.has(Quirk::NoPrefill) {
        notes.drop("prefill");
        messages.push(said_by_user(GO_ON));
    } else if let Some(Part::Text(text, _)) = last.parts.last_mut() {
        let kept = text.trim_end().len();
        match text {
            Cow::Borrowed(borrowed) => *borrowed = &borrowed[..kept],
            Cow::Owned(owned) => owned.truncate(kept),
        }
    }
}
