//! An answer cut into the increments of a stream.
//!
//! Invariant: joining the pieces of a part gives the part, whatever the cut.

use crate::script::Part;
use crate::shape::Tools;

/// One increment. `call` counts the tool calls of the answer from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    Reasoning(&'a str),
    /// The end of a reasoning part, with its whole text.
    ReasoningEnd(&'a str),
    Redacted(&'a str),
    /// A call opens, with the arguments that come in the same chunk.
    Call {
        call: usize,
        id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    Arguments {
        call: usize,
        text: &'a str,
    },
    /// The end of a call, with its whole arguments.
    CallEnd {
        call: usize,
        id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
}

/// How many bytes of arguments one piece carries, when they come in pieces.
const ARGUMENT_BYTES: usize = 7;

/// The increments of all parts, in the order in which they are sent.
pub(crate) fn pieces(parts: &[Part], tools: Tools) -> Vec<Piece<'_>> {
    let mut call = 0;
    let runs: Vec<Vec<Piece<'_>>> = parts
        .iter()
        .map(|part| {
            let run = run_of(part, call, tools);
            call += usize::from(matches!(part, Part::Tool { .. }));
            run
        })
        .collect();
    if tools == Tools::Interleaved {
        interleaved(&runs)
    } else {
        runs.concat()
    }
}

fn run_of(part: &Part, call: usize, tools: Tools) -> Vec<Piece<'_>> {
    match part {
        Part::Text(text) => words(text).map(Piece::Text).collect(),
        Part::Reasoning(text) => {
            let increments = words(text).map(Piece::Reasoning);
            increments.chain([Piece::ReasoningEnd(text)]).collect()
        }
        Part::Redacted(data) => vec![Piece::Redacted(data)],
        Part::Tool {
            id,
            name,
            arguments,
        } => {
            let end = Piece::CallEnd {
                call,
                id,
                name,
                arguments,
            };
            match tools {
                Tools::Whole | Tools::FinalOnly => {
                    vec![
                        Piece::Call {
                            call,
                            id,
                            name,
                            arguments,
                        },
                        end,
                    ]
                }
                Tools::Pieces | Tools::Interleaved => {
                    let start = Piece::Call {
                        call,
                        id,
                        name,
                        arguments: "",
                    };
                    let cuts = cut(arguments, ARGUMENT_BYTES);
                    let increments = cuts.map(|text| Piece::Arguments { call, text });
                    [start].into_iter().chain(increments).chain([end]).collect()
                }
            }
        }
    }
}

/// Takes one piece of each run in turn, until all are used up.
fn interleaved<'a>(runs: &[Vec<Piece<'a>>]) -> Vec<Piece<'a>> {
    let longest = runs.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|at| runs.iter().filter_map(move |run| run.get(at)));
    rounds.copied().collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Cuts of at least `size` bytes that end at a character.
fn cut(text: &str, size: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let at = (size..rest.len())
            .find(|at| rest.is_char_boundary(*at))
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at(at);
        rest = tail;
        Some(head)
    })
}
