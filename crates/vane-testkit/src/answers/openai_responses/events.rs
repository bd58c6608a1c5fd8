//! The events of a streamed response.
//!
//! Invariant: each item is added once and done once, and its `done` carries it whole.

use super::{UNKNOWN_ITEM, item, response, status, summary_part, text_part, unary};
use crate::answers::{Frame, Piece, Said, pieces, quoted};
use crate::script::Part;
use crate::shape::Tools;

/// Writes events with their running number.
#[derive(Debug, Default)]
struct Events {
    frames: Vec<Frame>,
}

impl Events {
    /// `fields` is the JSON text of the fields after `sequence_number`.
    fn push(&mut self, kind: &'static str, fields: &str) {
        let number = self.frames.len();
        let data = format!(r#"{{"type":"{kind}","sequence_number":{number},{fields}}}"#);
        self.frames.push(Frame::named(kind, data));
    }
}

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let mut events = Events::default();
    let opening = response(said, "in_progress", "", "null");
    events.push("response.created", &format!(r#""response":{opening}"#));
    events.push("response.in_progress", &format!(r#""response":{opening}"#));
    let mut output = 0;
    if said.answer.shape.unknown_block {
        let fields = format!(r#""output_index":{output},"item":{UNKNOWN_ITEM}"#);
        events.push("response.output_item.added", &fields);
        events.push(
            "response.hologram_call.in_progress",
            r#""item_id":"holo_fake""#,
        );
        events.push("response.output_item.done", &fields);
        output += 1;
    }
    if said.answer.shape.tools == Some(Tools::Interleaved) {
        interleaved(&mut events, said, output);
    } else {
        for (at, part) in said.parts.iter().enumerate() {
            opened(&mut events, part, at, output + at);
            for piece in pieces(std::slice::from_ref(part), tools(said)) {
                increment(&mut events, piece, at, output + at, tools(said));
            }
            closed(&mut events, part, at, output + at);
        }
    }
    let last = match status(said) {
        "incomplete" => "response.incomplete",
        "failed" => "response.failed",
        _ => "response.completed",
    };
    if !said.answer.shape.no_finish {
        events.push(last, &format!(r#""response":{}"#, unary(said)));
    }
    events.frames
}

fn tools(said: &Said<'_>) -> Tools {
    said.answer.shape.tools.unwrap_or(Tools::Pieces)
}

/// All items open, then their increments take turns, then all close.
fn interleaved(events: &mut Events, said: &Said<'_>, output: usize) {
    let parts = || said.parts.iter().enumerate();
    parts().for_each(|(at, part)| opened(events, part, at, output + at));
    let runs: Vec<Vec<Piece<'_>>> = said
        .parts
        .iter()
        .map(|part| pieces(std::slice::from_ref(part), Tools::Pieces))
        .collect();
    for round in 0..runs.iter().map(Vec::len).max().unwrap_or(0) {
        for (at, run) in runs.iter().enumerate() {
            if let Some(piece) = run.get(round) {
                increment(events, *piece, at, output + at, Tools::Pieces);
            }
        }
    }
    parts().for_each(|(at, part)| closed(events, part, at, output + at));
}

fn opened(events: &mut Events, part: &Part, at: usize, output: usize) {
    let item = item(part, at, "in_progress", false);
    events.push(
        "response.output_item.added",
        &format!(r#""output_index":{output},"item":{item}"#),
    );
    match part {
        Part::Text(_) => events.push(
            "response.content_part.added",
            &format!(
                r#""item_id":"msg_fake{at:04}","output_index":{output},"content_index":0,"part":{}"#,
                text_part("")
            ),
        ),
        Part::Reasoning(_) => events.push(
            "response.reasoning_summary_part.added",
            &format!(
                r#""item_id":"rs_fake{at:04}","output_index":{output},"summary_index":0,"part":{}"#,
                summary_part("")
            ),
        ),
        Part::Redacted(_) | Part::Tool { .. } => {}
    }
}

fn increment(events: &mut Events, piece: Piece<'_>, at: usize, output: usize, tools: Tools) {
    match piece {
        Piece::Text(text) => events.push(
            "response.output_text.delta",
            &format!(
                r#""item_id":"msg_fake{at:04}","output_index":{output},"content_index":0,"delta":{},"logprobs":[]"#,
                quoted(text)
            ),
        ),
        Piece::Reasoning(text) => events.push(
            "response.reasoning_summary_text.delta",
            &format!(
                r#""item_id":"rs_fake{at:04}","output_index":{output},"summary_index":0,"delta":{}"#,
                quoted(text)
            ),
        ),
        Piece::Call { arguments: "", .. } => {}
        Piece::Call { .. } if tools == Tools::FinalOnly => {}
        Piece::Call { arguments: text, .. } | Piece::Arguments { text, .. } => events.push(
            "response.function_call_arguments.delta",
            &format!(
                r#""item_id":"fc_fake{at:04}","output_index":{output},"delta":{}"#,
                quoted(text)
            ),
        ),
        Piece::ReasoningEnd(_) | Piece::Redacted(_) | Piece::CallEnd { .. } => {}
    }
}

fn closed(events: &mut Events, part: &Part, at: usize, output: usize) {
    match part {
        Part::Text(text) => {
            let place =
                format!(r#""item_id":"msg_fake{at:04}","output_index":{output},"content_index":0"#);
            let fields = format!(r#"{place},"text":{},"logprobs":[]"#, quoted(text));
            events.push("response.output_text.done", &fields);
            let fields = format!(r#"{place},"part":{}"#, text_part(text));
            events.push("response.content_part.done", &fields);
        }
        Part::Reasoning(text) => {
            let place =
                format!(r#""item_id":"rs_fake{at:04}","output_index":{output},"summary_index":0"#);
            let fields = format!(r#"{place},"text":{}"#, quoted(text));
            events.push("response.reasoning_summary_text.done", &fields);
            let fields = format!(r#"{place},"part":{}"#, summary_part(text));
            events.push("response.reasoning_summary_part.done", &fields);
        }
        Part::Tool {
            name, arguments, ..
        } => {
            let (name, arguments) = (quoted(name), quoted(arguments));
            let fields = format!(
                r#""item_id":"fc_fake{at:04}","output_index":{output},"name":{name},"arguments":{arguments}"#
            );
            events.push("response.function_call_arguments.done", &fields);
        }
        Part::Redacted(_) => {}
    }
    let item = item(part, at, "completed", true);
    events.push(
        "response.output_item.done",
        &format!(r#""output_index":{output},"item":{item}"#),
    );
}
