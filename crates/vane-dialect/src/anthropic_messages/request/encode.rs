//! A call -> a Messages body.
//!
//! Members stand in a fixed order, schemas and arguments keep the bytes of their author: the
//! provider's prompt cache hashes them.

mod ask;
mod ids;
mod names;
mod part;
mod picture;
mod schema;
mod thinking;
mod tools;
mod turns;
mod write;

use super::{OF_CONTENT, OF_OUTPUT, OF_THINKING};
use crate::anthropic_messages::wire::{Members, list};
use crate::call::{Chat, Extra};
use crate::dialect::Dialect;
use crate::exchange::{Asked, Encoded, Target};
use crate::fault::Fault;
use crate::json::{self, Str};
use crate::notes::Notes;
use crate::quirk::Quirk;
use ids::Ids;
use names::Names;
pub use names::is_legal;
use std::ops::RangeInclusive;
use thinking::Thinking;

/// What is asked for where neither the call nor the model names a limit: the dialect demands one.
const MAX_OUTPUT_UNKNOWN: u64 = 4096;

/// Lets a call say what is done with thoughts that are bound to another conversation.
const BINDING_BETA: &str = "thinking-binding-controls-2026-08-01";

/// So many digits may be somebody's telephone number.
const DIGITS_OF_A_NUMBER: RangeInclusive<usize> = 7..=15;

/// Longer names of users are refused.
const USER_LETTERS_MAX: usize = 256;

pub(crate) fn encode(
    chat: &Chat,
    target: &Target<'_>,
    notes: &mut Notes,
) -> Result<Encoded, Fault> {
    let max_output = max_output(chat, target, notes);
    let names = Names::of(&chat.tools);
    let plan = turns::plan(chat, target, notes);
    let thinking = Thinking::choose(chat, target, &plan.messages, max_output, notes);
    let passes_over = thinking.passes_over(chat, target, &plan.messages);
    // To say so, what these models do anyway is said too.
    let thinking = match passes_over {
        true => Thinking::Adaptive,
        false => thinking,
    };
    let mut ids = Ids::default();
    let mut asked = Asked::default();

    let mut body = Vec::with_capacity(4096);
    let mut members = Members::open(&mut body);
    members.text("model", target.model);
    members.number("max_tokens", max_output);
    if chat.stream.on {
        members.raw("stream", "true");
    }
    if !plan.system.is_empty() {
        let out = members.key("system");
        list(out, &plan.system, |out, part| {
            write::part(part, &names, &mut ids, out);
        });
    }
    list(members.key("messages"), &plan.messages, |out, message| {
        write::message(message, &names, &mut ids, out);
    });
    tools::write(chat, target, &names, &mut members, &mut asked.custom, notes);
    thinking.write(chat, passes_over, &mut members, notes);
    ask::output_config(chat, target, thinking, &mut members, notes);
    ask::sampling(chat, target, thinking.is_on(), &mut members, notes);
    members.cache(chat.cache);
    extras(chat, target, &mut members, notes);
    members.close();

    asked.renamed = names.renamed();
    asked.ids = ids.all_replaced();
    let beta = passes_over.then_some(BINDING_BETA);
    Ok(Encoded { body, asked, beta })
}

/// The limit of output tokens; a larger one than the model has would be refused.
fn max_output(chat: &Chat, target: &Target<'_>, notes: &mut Notes) -> u64 {
    match chat.sampling.max_output {
        Some(asked) => target.output(asked, "max_tokens", notes),
        None => target.max_output.unwrap_or(MAX_OUTPUT_UNKNOWN),
    }
}

/// The fields without canonical meaning: our own as they stood, others' where they mean the same.
fn extras(chat: &Chat, target: &Target<'_>, members: &mut Members<'_>, notes: &mut Notes) {
    let mut user = !has_own(chat, "metadata");
    for extra in &chat.extras {
        let is_own = extra.dialect == Dialect::AnthropicMessages;
        let name = extra.name.as_str();
        if is_own && name.starts_with(OF_CONTENT) {
            notes.drop(&name[OF_CONTENT.len()..]);
        } else if is_own && (name.starts_with(OF_OUTPUT) || name.starts_with(OF_THINKING)) {
            // Written where they stood.
        } else if is_own && (name == "metadata" || !target.quirks.has(Quirk::ClosedBody)) {
            members.raw(name, extra.value.get());
        } else if user && names_the_user(extra) {
            user = false;
            members.key("metadata").extend_from_slice(b"{\"user_id\":");
            members.append(extra.value.get());
            members.append("}");
        } else {
            notes.drop(name);
        }
    }
}

/// Whether the client sent an extra of this dialect under `name`.
fn has_own(chat: &Chat, name: &str) -> bool {
    let mut extras = chat.extras.iter();
    extras.any(|extra| extra.dialect == Dialect::AnthropicMessages && extra.name == name)
}

/// OpenAI's stable name of an end user, which is Anthropic's `metadata.user_id` where it is taken.
fn names_the_user(extra: &Extra) -> bool {
    matches!(extra.name.as_str(), "safety_identifier" | "user")
        && serde_json::from_str(extra.value.get()).is_ok_and(|Str(name)| is_taken(&name))
}

/// Anthropic refuses a user whose name tells who that is: an e-mail address, a telephone number.
fn is_taken(user: &str) -> bool {
    let digits = user.chars().filter(char::is_ascii_digit).count();
    let is_of_a_number = |letter: char| letter.is_ascii_digit() || "+-.() ".contains(letter);
    let is_number = DIGITS_OF_A_NUMBER.contains(&digits) && user.chars().all(is_of_a_number);
    let is_short = user.chars().nth(USER_LETTERS_MAX).is_none();
    !user.is_empty() && is_short && !is_number && !user.contains('@')
}

/// Writes the extras whose names begin with `prefix` as members of the object they came from.
fn inner_extras(chat: &Chat, prefix: &str, members: &mut Members<'_>) {
    for extra in &chat.extras {
        if extra.dialect == Dialect::AnthropicMessages
            && let Some(name) = extra.name.strip_prefix(prefix)
        {
            json::value(members.key(name), &extra.value);
        }
    }
}
