//! The matrix of answers: what a client of each door can be told.
//!
//! A cell is run: the answer is encoded for the client, streamed and whole, and read back by that
//! dialect's own decoder. What does not come back must stand in `TOLD_LESS` with its reason.

use super::DOORS;
use crate::told::{collect, read_stream, read_whole, tell_stream, tell_whole};
use std::iter;
use std::ops::Range;
use vane_dialect::block::{Block, Opaque, Reasoning, State, Text, ToolForm, ToolUse};
use vane_dialect::cite::Citation;
use vane_dialect::json::Raw;
use vane_dialect::seal::{Plain, Seal};
use vane_dialect::usage::{Region, SearchContext, Served, Tier, Unit, Units, Usage};
use vane_dialect::{Answer, Dialect, Event, Stop};

pub(crate) struct Told {
    pub(crate) feature: &'static str,
    /// In the order of `DOORS`; `None` where all comes back.
    pub(crate) cells: [Option<&'static str>; 4],
}

use Dialect::{AnthropicMessages, MistralChat, OpenaiChat, OpenaiResponses};

/// What a dialect cannot say to its client, and what it says instead.
const TOLD_LESS: &[(&str, &[Dialect], &str)] = &[
    (
        "two texts around a tool call",
        &[OpenaiChat, MistralChat],
        "~ streamed in order; whole, the texts are joined before the call",
    ),
    (
        "refusal",
        &[OpenaiChat],
        "~ the words as `refusal`, the reason as `stop`",
    ),
    (
        "refusal",
        &[AnthropicMessages],
        "~ the words as text, the reason as `refusal`",
    ),
    ("refusal", &[MistralChat], "~ the words as text"),
    (
        "custom tool call",
        &[AnthropicMessages],
        "~ as a call of a function with one string",
    ),
    (
        "custom tool call",
        &[MistralChat],
        "~ as a function whose arguments are the text",
    ),
    (
        "namespaced tool call",
        &[OpenaiChat, AnthropicMessages, MistralChat],
        "~ by its own name",
    ),
    (
        "hosted tool of Anthropic",
        &[OpenaiChat, OpenaiResponses, MistralChat],
        "- left out",
    ),
    (
        "hosted tool of OpenAI",
        &[OpenaiChat, AnthropicMessages, MistralChat],
        "- left out",
    ),
    (
        "citation of a page",
        &[AnthropicMessages],
        "- left out: given back, Anthropic refuses what it did not write",
    ),
    ("citation of a page", &[MistralChat], "- left out"),
    (
        "stop: stop string",
        &[OpenaiChat, OpenaiResponses, AnthropicMessages, MistralChat],
        "~ as the end",
    ),
    (
        "stop: which stop string",
        &[OpenaiChat, OpenaiResponses, MistralChat],
        "~ as the end",
    ),
    (
        "stop: context full",
        &[OpenaiChat, OpenaiResponses],
        "~ as the output limit",
    ),
    ("stop: refused", &[MistralChat], "~ as the end"),
    (
        "stop: refused",
        &[OpenaiResponses],
        "~ with a refusal in our words: incomplete, Codex would ask for it again",
    ),
    (
        "stop: paused",
        &[OpenaiChat, OpenaiResponses, MistralChat],
        "~ as the end",
    ),
    (
        "stop: another reason",
        &[OpenaiChat, OpenaiResponses, AnthropicMessages, MistralChat],
        "~ as the end",
    ),
    (
        "input written to the cache",
        &[MistralChat],
        "~ as plain input; the receipt has it",
    ),
    (
        "input written for an hour",
        &[OpenaiChat, OpenaiResponses],
        "~ as input written; the receipt has it",
    ),
    (
        "input written for an hour",
        &[MistralChat],
        "~ as plain input; the receipt has it",
    ),
    (
        "web searches",
        &[OpenaiChat, OpenaiResponses, MistralChat],
        "- in the receipt only",
    ),
    (
        "tier: flex",
        &[AnthropicMessages, MistralChat],
        "- in the receipt only",
    ),
    ("tier: priority", &[MistralChat], "- in the receipt only"),
    ("tier: batch", &[MistralChat], "- in the receipt only"),
    (
        "region",
        &[OpenaiChat, OpenaiResponses, MistralChat],
        "- in the receipt only",
    ),
    ("fast", &[MistralChat], "- in the receipt only"),
];

pub(crate) fn table() -> Vec<Told> {
    let mut faults = Vec::new();
    let rows = features().into_iter().map(|(feature, answer)| {
        let cells = DOORS.map(|door| cell(feature, &answer, door, &mut faults));
        Told { feature, cells }
    });
    let rows: Vec<Told> = rows.collect();
    assert!(
        faults.is_empty(),
        "{} answers:\n{}",
        faults.len(),
        faults.join("\n")
    );
    rows
}

fn cell(
    feature: &str,
    answer: &Answer,
    door: Dialect,
    faults: &mut Vec<String>,
) -> Option<&'static str> {
    let mut events = Vec::<Event<'static>>::new();
    answer.replay(&mut events);
    let stream = tell_stream(door, &events, None);
    let (streamed, fault) = read_stream(door, iter::once(stream.as_bytes()));
    assert_eq!(fault, None, "{feature}, {}: {stream}", door.name());
    let streamed = comparable(collect(&streamed));
    let whole = tell_whole(door, answer);
    let whole = comparable(collect(&read_whole(door, whole.as_bytes()).unwrap()));
    let less = TOLD_LESS
        .iter()
        .find(|(of, doors, _)| *of == feature && doors.contains(&door))
        .map(|(_, _, how)| *how);
    let wanted = comparable(answer.clone());
    let place = format!("{feature}, {}", door.name());
    match (whole == wanted && streamed == wanted, less) {
        (true, Some(how)) => faults.push(format!("{place}: it is told after all: {how}")),
        (false, None) => faults.push(format!(
            "{place}: lost{}",
            changes(&wanted, &whole, &streamed)
        )),
        (true, None) | (false, Some(_)) => {}
    }
    less
}

/// The parts that differ.
fn changes(wanted: &Answer, whole: &Answer, streamed: &Answer) -> String {
    let parts = |answer: &Answer| {
        [
            format!("{:?}", answer.blocks),
            format!("{:?}", answer.usage),
            format!("{:?}", answer.stop),
        ]
    };
    let told = parts(whole).into_iter().zip(parts(streamed));
    let lines = parts(wanted).into_iter().zip(told);
    lines
        .filter(|(wanted, (whole, streamed))| wanted != whole || wanted != streamed)
        .map(|(wanted, (whole, streamed))| {
            format!("\n  from     {wanted}\n  whole    {whole}\n  streamed {streamed}")
        })
        .collect()
}

/// An answer without what differs for good reason: ids that dialects decorate, and state that is
/// sealed for the client.
fn comparable(mut answer: Answer) -> Answer {
    answer.id.clear();
    answer.created = 0;
    for block in &mut answer.blocks {
        let Block::Reasoning(reasoning) = block else {
            continue;
        };
        reasoning.state = reasoning.state.take().and_then(unsealed);
    }
    answer
}

/// The state inside a seal. A seal that carries only the text is no state.
fn unsealed(state: State) -> Option<State> {
    // The chat door puts its seals into a list of `reasoning_details`.
    let details: Vec<serde_json::Value> = serde_json::from_str(&state.data).unwrap_or_default();
    let detail = details.first().and_then(|detail| detail["data"].as_str());
    let sealed = detail.unwrap_or(&state.data);
    let state = Plain.open(sealed).map_or(state, |(state, _)| state);
    let state = State {
        provider: None,
        ..state
    };
    (!state.data.is_empty()).then_some(state)
}

fn features() -> Vec<(&'static str, Answer)> {
    let mut rows = vec![
        ("text", blocks(vec![text("Hi")])),
        ("no content", blocks(Vec::new())),
        (
            "two texts around a tool call",
            blocks(vec![text("A"), tool("f", "{}"), text("B")]),
        ),
        (
            "refusal",
            Answer {
                stop: Stop::Refusal,
                ..blocks(vec![Block::Refusal("No.".to_owned())])
            },
        ),
        (
            "reasoning text",
            blocks(vec![reasoning("Hm.", None), text("Hi")]),
        ),
        (
            "reasoning state",
            blocks(vec![reasoning("Hm.", Some(state("s1", false))), text("Hi")]),
        ),
        (
            "reasoning state alone",
            blocks(vec![reasoning("", Some(state("s1", false))), text("Hi")]),
        ),
        (
            "redacted reasoning",
            blocks(vec![reasoning("", Some(state("s1", true))), text("Hi")]),
        ),
        (
            "tool call",
            blocks(vec![tool("f", "{\"b\": 1.0, \"a\":[]}")]),
        ),
        (
            "parallel tool calls",
            blocks(vec![
                text("Ok"),
                tool("f", "{}"),
                tool("g", "{\"x\":\"\u{e9}\"}"),
            ]),
        ),
        ("custom tool call", blocks(vec![custom("p", "a\"b\n")])),
        ("namespaced tool call", blocks(vec![namespaced("f", "{}")])),
        (
            "hosted tool of Anthropic",
            blocks(vec![
                opaque(
                    AnthropicMessages,
                    r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}"#,
                ),
                text("Hi"),
            ]),
        ),
        (
            "hosted tool of OpenAI",
            blocks(vec![
                opaque(
                    OpenaiResponses,
                    r#"{"type":"mcp_call","id":"mcp_1","status":"completed"}"#,
                ),
                text("Hi"),
            ]),
        ),
    ];
    rows.push(("citation of a page", blocks(vec![cited(Some(1..2))])));
    rows.extend(stops());
    rows.extend(usages());
    rows
}

fn stops() -> Vec<(&'static str, Answer)> {
    [
        ("stop: end", Stop::End),
        ("stop: stop string", Stop::Sequence(None)),
        (
            "stop: which stop string",
            Stop::Sequence(Some("END".to_owned())),
        ),
        ("stop: output limit", Stop::MaxOutput),
        ("stop: context full", Stop::Context),
        ("stop: refused", Stop::Refusal),
        ("stop: paused", Stop::Pause),
        ("stop: another reason", Stop::Other("sleepy".to_owned())),
    ]
    .map(|(name, stop)| {
        (
            name,
            Answer {
                stop,
                ..blocks(vec![text("Hi")])
            },
        )
    })
    .into()
}

const COUNTS: Usage = Usage {
    input_uncached: 10,
    cache_read: 0,
    cache_write: 0,
    cache_write_1h: 0,
    output: 5,
    reasoning: 0,
    units: Units::of(Unit::WebSearch, 0),
    served: Served {
        tier: Tier::Standard,
        region: Region::Global,
        fast: false,
        search_context: SearchContext::Low,
    },
};

fn usages() -> Vec<(&'static str, Answer)> {
    let mut usages = counts();
    usages.extend(served().map(|(name, served)| (name, Usage { served, ..COUNTS })));
    let told = usages.into_iter().map(|(name, usage)| {
        let answer = Answer {
            usage,
            ..blocks(vec![text("Hi")])
        };
        (name, answer)
    });
    told.collect()
}

fn counts() -> Vec<(&'static str, Usage)> {
    let all = COUNTS;
    let units = Units::of(Unit::WebSearch, 2);
    vec![
        ("counts", all),
        (
            "cached input",
            Usage {
                cache_read: 64,
                ..all
            },
        ),
        (
            "input written to the cache",
            Usage {
                cache_write: 30,
                ..all
            },
        ),
        (
            "input written for an hour",
            Usage {
                cache_write_1h: 30,
                ..all
            },
        ),
        (
            "reasoning tokens",
            Usage {
                reasoning: 3,
                ..all
            },
        ),
        ("web searches", Usage { units, ..all }),
    ]
}

fn served() -> [(&'static str, Served); 5] {
    let tier = |tier| Served {
        tier,
        ..Served::default()
    };
    let (region, fast) = (Region::Us, true);
    [
        ("tier: flex", tier(Tier::Flex)),
        ("tier: priority", tier(Tier::Priority)),
        ("tier: batch", tier(Tier::Batch)),
        (
            "region",
            Served {
                region,
                ..Served::default()
            },
        ),
        (
            "fast",
            Served {
                fast,
                ..Served::default()
            },
        ),
    ]
}

fn blocks(blocks: Vec<Block>) -> Answer {
    let stop = if blocks
        .iter()
        .any(|block| matches!(block, Block::ToolUse(_)))
    {
        Stop::ToolUse
    } else {
        Stop::End
    };
    let usage = Usage {
        input_uncached: 3,
        output: 2,
        ..Usage::default()
    };
    Answer {
        id: "a1".to_owned(),
        model: "m".to_owned(),
        created: 1_790_000_000,
        blocks,
        usage,
        stop,
    }
}

fn text(text: &str) -> Block {
    Block::Text(Text::plain(text))
}

fn cited(span: Option<Range<u64>>) -> Block {
    Block::Text(Text {
        text: "Hi".to_owned(),
        citations: vec![Citation {
            url: "https://a.example".to_owned(),
            title: Some("A".to_owned()),
            span,
        }],
        ..Text::default()
    })
}

fn reasoning(text: &str, state: Option<State>) -> Block {
    Block::Reasoning(Reasoning {
        text: text.to_owned(),
        state,
    })
}

fn state(data: &str, redacted: bool) -> State {
    State {
        dialect: AnthropicMessages,
        provider: None,
        id: None,
        redacted,
        data: data.to_owned(),
    }
}

fn tool(name: &str, arguments: &str) -> Block {
    Block::ToolUse(ToolUse {
        id: format!("call_{name}"),
        name: name.to_owned(),
        namespace: None,
        form: ToolForm::Function,
        arguments: arguments.to_owned(),
        cache: None,
    })
}

fn custom(name: &str, input: &str) -> Block {
    match tool(name, input) {
        Block::ToolUse(tool) => Block::ToolUse(ToolUse {
            form: ToolForm::Custom,
            ..tool
        }),
        other => other,
    }
}

fn namespaced(name: &str, arguments: &str) -> Block {
    match tool(name, arguments) {
        Block::ToolUse(tool) => Block::ToolUse(ToolUse {
            namespace: Some("ns".to_owned()),
            ..tool
        }),
        other => other,
    }
}

fn opaque(dialect: Dialect, json: &str) -> Block {
    let raw = Raw::parse(json).unwrap();
    let kind = serde_json::from_str::<serde_json::Value>(json).unwrap()["type"]
        .as_str()
        .unwrap()
        .to_owned();
    Block::Opaque(Opaque { dialect, kind, raw })
}
