//! The fidelity matrix: every feature of a call, from every door to every upstream.
//!
//! A cell is run, never asserted by hand: the door's body is decoded, encoded for the upstream
//! and decoded again. Either the canonical call is equal, or the notes say what was dropped, or
//! the difference is a rewording that `REWORDED` explains. Anything else is a silent loss.

mod answers;
mod features;
mod fields;
mod fills;
mod page;
mod reworded;

use crate::offers::{
    ANTHROPIC, COMPLETIONS, DEEPSEEK, EMBEDDINGS, FIM, MISTRAL, MISTRAL_EMBEDDINGS, OPENAI, Offer,
    RESPONSES,
};
use features::{CHATS, Feature};
use fields::FIELDS;
use fills::{EMBEDS, FILLS};
use reworded::REWORDED;
use serde_json::Value;
use vane_dialect::call::{Chat, Extra, Stream, Tool, ToolChoice};
use vane_dialect::dialect::Task;
use vane_dialect::embed::Encoding;
use vane_dialect::seal::Plain;
use vane_dialect::{Call, Dialect, Notes, codec};
use vane_testkit::golden;

pub(crate) const DOORS: [Dialect; 4] = [
    Dialect::OpenaiChat,
    Dialect::OpenaiResponses,
    Dialect::AnthropicMessages,
    Dialect::MistralChat,
];

/// The doors, upstreams and features of one task.
pub(crate) struct Matrix {
    pub(crate) doors: &'static [Dialect],
    pub(crate) upstreams: &'static [Offer],
    features: &'static [&'static [Feature]],
}

pub(crate) const MATRICES: [Matrix; 3] = [
    Matrix {
        doors: &DOORS,
        upstreams: &[OPENAI, DEEPSEEK, RESPONSES, ANTHROPIC, MISTRAL],
        features: &[CHATS, FIELDS],
    },
    Matrix {
        doors: &[Dialect::OpenaiCompletions, Dialect::MistralFim],
        upstreams: &[COMPLETIONS, FIM],
        features: &[FILLS],
    },
    Matrix {
        doors: &[Dialect::OpenaiEmbeddings, Dialect::MistralEmbeddings],
        upstreams: &[EMBEDDINGS, MISTRAL_EMBEDDINGS],
        features: &[EMBEDS],
    },
];

/// How a feature fares on one way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// The dialect of the door has no words for it.
    Unsaid,
    Same,
    /// Dropped, and said so.
    Noted(Vec<String>),
    /// Said in other words that mean the same.
    Reworded(&'static str),
    Refused(String),
    Lost(String),
}

#[test]
fn nothing_is_lost_in_silence() {
    let mut lost = Vec::new();
    let mut used = vec![false; REWORDED.len()];
    let tables: Vec<Table> = MATRICES
        .iter()
        .map(|matrix| table(matrix, &mut used))
        .collect();
    for (feature, cells) in tables.iter().flatten() {
        for (door, offer, cell) in cells {
            if let Cell::Lost(how) = cell {
                let (door, offer) = (door.name(), offer.name);
                lost.push(format!("{feature}: {door} to {offer}: {how}"));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "{} cells lose in silence:\n{}",
        lost.len(),
        lost.join("\n")
    );
    let stale: Vec<_> = REWORDED
        .iter()
        .zip(&used)
        .filter(|(_, used)| !**used)
        .collect();
    assert!(
        stale.is_empty(),
        "explained, but it does not happen: {stale:?}"
    );
    let page = page::render(&tables, &answers::table());
    golden::check("../../docs/fidelity.md", &page);
}

pub(crate) type Row = Vec<(Dialect, Offer, Cell)>;

pub(crate) type Table = Vec<(&'static str, Row)>;

fn table(matrix: &Matrix, used: &mut [bool]) -> Table {
    let rows = matrix.features.iter().copied().flatten();
    rows.map(|feature| (feature.name, row(feature, matrix, used)))
        .collect()
}

fn row(feature: &Feature, matrix: &Matrix, used: &mut [bool]) -> Row {
    let mut cells = Row::new();
    for (door, said) in matrix.doors.iter().copied().zip(feature.said) {
        for offer in matrix.upstreams {
            let cell = match said {
                "" => Cell::Unsaid,
                said => run(feature.name, door, said, offer, used),
            };
            cells.push((door, *offer, cell));
        }
    }
    cells
}

fn run(feature: &str, door: Dialect, said: &str, offer: &Offer, used: &mut [bool]) -> Cell {
    let body = body(door, said);
    let call = match codec::decode_call(door, body.as_bytes(), &Plain) {
        Ok(call) => call,
        Err(fault) => return Cell::Refused(fault.to_string()),
    };
    let mut notes = Notes::default();
    let sent = match codec::encode_call(offer.dialect, &call, &offer.target(), &mut notes) {
        Ok(encoded) => String::from_utf8(encoded.body).unwrap(),
        Err(fault) => return Cell::Refused(fault.to_string()),
    };
    if !notes.is_empty() {
        return Cell::Noted(notes.dropped().to_vec());
    }
    let read = codec::decode_call(offer.dialect, sent.as_bytes(), &Plain)
        .unwrap_or_else(|fault| panic!("{feature}: cannot read {sent}: {fault}"));
    let difference = if offer.dialect == door {
        missing_leaf(&body, &sent)
    } else {
        unread(&body, door, &call)
    };
    let (call, read) = (comparable(call, &read), comparable(read.clone(), &read));
    if call == read && difference.is_none() {
        return Cell::Same;
    }
    let explained = REWORDED.iter().position(|entry| {
        entry.feature == feature
            && (entry.doors.is_empty() || entry.doors.contains(&door))
            && entry.upstreams.contains(&offer.name)
    });
    match explained {
        Some(at) => {
            used[at] = true;
            Cell::Reworded(REWORDED[at].how)
        }
        None => Cell::Lost(difference.unwrap_or_else(|| changes(&call, &read, &sent))),
    }
}

/// The feature in a body that has all a body needs.
fn body(door: Dialect, said: &str) -> String {
    let mut body = String::from(r#"{"model":"m""#);
    let mut need = |key: &str, json: &str| {
        if !said.contains(key) {
            body += &format!(",{key}:{json}");
        }
    };
    match door.task() {
        Task::Embed => need(r#""input""#, r#""Hi""#),
        Task::Fill => need(r#""prompt""#, r#""Hi""#),
        Task::Chat if door == Dialect::OpenaiResponses => need(r#""input""#, r#""Hi""#),
        Task::Chat => need(r#""messages""#, r#"[{"role":"user","content":"Hi"}]"#),
    }
    if door == Dialect::AnthropicMessages {
        need(r#""max_tokens""#, "100");
    }
    format!("{body},{said}}}")
}

/// A call without what differs for good reason: the model's name, whose field an extra is, and
/// the output limit that Anthropic's dialect demands.
fn comparable(mut call: Call, sent: &Call) -> Call {
    match &mut call {
        Call::Chat(chat) => {
            chat.model.clear();
            chat.stream = Stream::default();
            even(&mut chat.extras);
            // What is not said is what every dialect does anyway.
            chat.tools.iter_mut().for_each(forget_default);
            chat.tool_choice
                .take_if(|choice| *choice == ToolChoice::Auto);
            chat.parallel_tools.take_if(|parallel| *parallel);
            if let (None, Call::Chat(sent)) = (chat.sampling.max_output, sent) {
                chat.sampling.max_output = sent.sampling.max_output;
            }
        }
        Call::Fill(fill) => {
            fill.model.clear();
            fill.stream = Stream::default();
            // Absent is empty at Mistral.
            fill.suffix.take_if(|suffix| suffix.is_empty());
            even(&mut fill.extras);
        }
        Call::Embed(embed) => {
            embed.model.clear();
            even(&mut embed.extras);
            // Floats are what every dialect answers with.
            embed.encoding.take_if(|asked| *asked == Encoding::Float);
        }
    }
    call
}

fn even(extras: &mut [Extra]) {
    for extra in extras.iter_mut() {
        extra.dialect = Dialect::OpenaiChat;
    }
    extras.sort_by(|one, other| one.name.cmp(&other.name));
}

fn forget_default(tool: &mut Tool) {
    match tool {
        Tool::Function(function) => function.strict = function.strict.filter(|strict| *strict),
        Tool::Namespace { tools, .. } => tools.iter_mut().for_each(forget_default),
        Tool::Custom(_) | Tool::Hosted { .. } => {}
    }
}

/// The parts of a call that differ.
fn changes(call: &Call, read: &Call, sent: &str) -> String {
    let (Call::Chat(call), Call::Chat(read)) = (call, read) else {
        return format!("\n  from {call:?}\n  to   {read:?}\n  by   {sent}");
    };
    let parts = |chat: &Chat| {
        [
            format!("turns: {:?}", chat.turns),
            format!("tools: {:?}", chat.tools),
            format!("tool_choice: {:?}", chat.tool_choice),
            format!("parallel_tools: {:?}", chat.parallel_tools),
            format!("format: {:?}", chat.format),
            format!("reasoning: {:?}", chat.reasoning),
            format!("sampling: {:?}", chat.sampling),
            format!("cache: {:?} {:?}", chat.cache, chat.cache_key),
            format!("extras: {:?}", chat.extras),
        ]
    };
    let pairs = parts(call).into_iter().zip(parts(read));
    let differing = pairs.filter(|(from, to)| from != to);
    let lines: Vec<String> = differing
        .map(|(from, to)| format!("\n  from {from}\n  to   {to}"))
        .collect();
    format!("{}\n  by   {sent}", lines.concat())
}

/// What the door itself did not take in: a leaf that does not come back in its own dialect,
/// though the call does and no note tells.
fn unread(body: &str, door: Dialect, call: &Call) -> Option<String> {
    let mut offers = MATRICES.iter().flat_map(|matrix| matrix.upstreams);
    let offer = offers.find(|offer| offer.dialect == door)?;
    let mut notes = Notes::default();
    let sent = codec::encode_call(door, call, &offer.target(), &mut notes).ok()?;
    let read = codec::decode_call(door, &sent.body, &Plain).ok()?;
    let same = comparable(call.clone(), &read) == comparable(read.clone(), &read);
    let sent = String::from_utf8(sent.body).unwrap();
    (same && notes.is_empty()).then(|| missing_leaf(body, &sent))?
}

/// A text or number of the body that a body of the same dialect does not have any more.
fn missing_leaf(body: &str, sent: &str) -> Option<String> {
    let mut kept = leaves(&serde_json::from_str(sent).unwrap());
    leaves(&serde_json::from_str(body).unwrap())
        .into_iter()
        .filter(|leaf| leaf.as_str() != Some("m"))
        .find(|leaf| match kept.iter().position(|other| other == leaf) {
            Some(at) => {
                kept.swap_remove(at);
                false
            }
            None => true,
        })
        .map(|leaf| format!("{leaf} is not in {sent}"))
}

fn leaves(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        Value::Object(map) => map.values().flat_map(leaves).collect(),
        Value::String(_) | Value::Number(_) => vec![value.clone()],
        Value::Null | Value::Bool(_) => Vec::new(),
    }
}
