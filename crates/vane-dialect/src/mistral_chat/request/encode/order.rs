//! Messages -> messages in an order that Mistral takes.
//!
//! A system message stands first or after system and user messages, and not last; a user message
//! after a tool message is refused by some models; the last message is the user's, a tool's, or the
//! beginning of the answer.

use super::outline::{Message, SentCall};
use super::parts::Part;
use crate::exchange::Target;
use crate::notes::Notes;
use crate::quirk::{Quirk, Quirks};

/// Put before the user's words where they had to go into a tool's result.
const USER_SAYS: &str = "[After this result, the user says:]";

pub(super) fn settle<'c>(
    mut outline: Vec<Message<'c>>,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Vec<Message<'c>> {
    outline.retain(|message| !is_empty(message));
    let is_system = |message: &Message<'_>| matches!(message, Message::System(_));
    let last_other = outline.iter().rposition(|message| !is_system(message));
    let mut settled = Settled {
        quirks: target.quirks,
        messages: Vec::with_capacity(outline.len()),
    };
    for (at, message) in outline.into_iter().enumerate() {
        match message {
            Message::System(content) => {
                let trailing = at > last_other.unwrap_or(0);
                settled.system(content, trailing);
            }
            Message::User(content) => settled.user(content),
            Message::Assistant {
                content,
                calls,
                prefill,
            } => settled.assistant(content, calls, prefill),
            tool @ Message::Tool { .. } => settled.messages.push(tool),
        }
    }
    settled.end(notes);
    settled.messages
}

/// The text that the answer will begin with.
pub(super) fn prefill(messages: &[Message<'_>]) -> Option<String> {
    match messages.last() {
        Some(Message::Assistant {
            content,
            prefill: true,
            ..
        }) => Some(text_of(content)),
        Some(_) | None => None,
    }
}

/// An assistant message with neither words nor calls is refused.
fn is_empty(message: &Message<'_>) -> bool {
    match message {
        Message::Assistant { content, calls, .. } => calls.is_empty() && is_silent(content),
        Message::System(_) | Message::User(_) | Message::Tool { .. } => false,
    }
}

fn is_silent(content: &[Part<'_>]) -> bool {
    let blank = |part: &Part<'_>| part.as_text().is_some_and(|text| text.trim().is_empty());
    content.iter().all(blank)
}

fn text_of(content: &[Part<'_>]) -> String {
    content.iter().filter_map(Part::as_text).collect()
}

struct Settled<'c> {
    quirks: Quirks,
    messages: Vec<Message<'c>>,
}

impl<'c> Settled<'c> {
    /// Out of place, it becomes words in a user message.
    fn system(&mut self, content: Vec<Part<'c>>, trailing: bool) {
        let may_stand = match self.messages.last() {
            None => true,
            Some(Message::System(_)) => !trailing,
            Some(Message::User(_)) => !trailing && !self.quirks.has(Quirk::SystemFirst),
            Some(Message::Assistant { .. } | Message::Tool { .. }) => false,
        };
        if may_stand {
            return self.messages.push(Message::System(content));
        }
        let mut folded = vec![Part::text("<system>")];
        folded.extend(content);
        folded.push(Part::text("</system>"));
        match self.messages.last_mut() {
            Some(Message::User(before)) => before.append(&mut folded),
            _ => self.user(folded),
        }
    }

    fn user(&mut self, mut content: Vec<Part<'c>>) {
        let refused = self.quirks.has(Quirk::NoUserAfterTool);
        if let Some(Message::Tool {
            content: result, ..
        }) = self.messages.last_mut()
            && refused
        {
            if content.iter().all(|part| part.as_text().is_some()) {
                result.push(Part::text(USER_SAYS));
                return result.append(&mut content);
            }
            // What is not text cannot go into a result: a word of the assistant stands between.
            self.messages.push(Message::Assistant {
                content: vec![Part::text("OK.")],
                calls: Vec::new(),
                prefill: false,
            });
        }
        self.messages.push(Message::User(content));
    }

    fn assistant(&mut self, content: Vec<Part<'c>>, calls: Vec<SentCall<'c>>, prefill: bool) {
        let alone = self.quirks.has(Quirk::TextOrCalls) && !calls.is_empty();
        if !alone {
            return self.messages.push(Message::Assistant {
                content,
                calls,
                prefill,
            });
        }
        if !is_silent(&content) {
            self.messages.push(Message::Assistant {
                content,
                calls: Vec::new(),
                prefill: false,
            });
        }
        self.messages.push(Message::Assistant {
            content: Vec::new(),
            calls,
            prefill: false,
        });
    }

    /// An assistant message at the end is the beginning of the answer, if there is something to
    /// answer; nothing else is taken.
    fn end(&mut self, notes: &mut Notes) {
        let last = self.messages.len().saturating_sub(1);
        for (at, message) in self.messages.iter_mut().enumerate() {
            if let Message::Assistant {
                content, prefill, ..
            } = message
            {
                *prefill = at == last && !text_of(content).is_empty();
            }
        }
        let Some(Message::Assistant { prefill, .. }) = self.messages.last_mut() else {
            return;
        };
        if *prefill && last > 0 && !self.quirks.has(Quirk::NoPrefill) {
            return;
        }
        *prefill = false;
        notes.drop("prefill");
        self.user(vec![Part::text("Go on.")]);
    }
}
