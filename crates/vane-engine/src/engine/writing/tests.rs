use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::*;
use crate::engine::calls::Tools;
use crate::{Message, Prompt, Role, Tool};

#[test]
fn calls_are_told_when_they_are_whole_however_they_come() {
    let text = br#" [{"name": "a", "arguments": {"x": "]}\"[", "y": [{}]}, "id": "abcDEF123"}, {"name": "b", "arguments": {}, "id": "no"}]"#;
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    for many in [1, 2, 7, text.len()] {
        let (mut list, mut ids) = (List::default(), Ids::new(&[1, 2]));
        let told: Vec<ToolCall> = { text.chunks(many) }
            .flat_map(|bytes| list.push(bytes, &mut ids))
            .collect();
        assert_eq!(told[0], call("abcDEF123", "a", r#"{"x":"]}\"[","y":[{}]}"#));
        let [_, second] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert!(is_id(&second.id), "{second:?}");
        assert_eq!(
            (second.name.as_str(), second.arguments.as_str()),
            ("b", "{}")
        );
    }
    let ids = |tokens: &[u32]| {
        let calls = br#"[{"name":"b","arguments":{}},{"name":"b","arguments":{}}]"#;
        List::default().push(calls, &mut Ids::new(tokens))
    };
    let (one, other) = (ids(&[1]), ids(&[2]));
    assert_ne!(one[0].id, one[1].id);
    assert_ne!(one[0].id, other[0].id);
    assert_eq!(one, ids(&[1]));
}

/// Every byte, and some pieces that go on over the end of a name or a value.
fn tokenizer(version: &str) -> Tokenizer {
    const NAMES: [&str; 14] = [
        "<unk>",
        "<s>",
        "</s>",
        "[INST]",
        "[/INST]",
        "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]",
        "[TOOL_CALLS]",
        "[TOOL_RESULTS]",
        "[/TOOL_RESULTS]",
        "[TOOL_CONTENT]",
        "[ARGS]",
        "[CALL_ID]",
        "[THINK]",
    ];
    let pieces = [
        "no", "now", "now{", "{\"", "{}", "\"}", "}]", "[A", "x[", "12",
    ];
    let pieces = (0..=255_u8)
        .map(|byte| vec![byte])
        .chain(pieces.map(|piece| piece.into()));
    let pieces: Vec<Json> = { pieces.enumerate() }
        .map(|(rank, piece)| json!({"rank": rank, "token_bytes": BASE64.encode(piece)}))
        .collect();
    let special: Vec<Json> = { NAMES.iter().enumerate() }
        .map(|(rank, name)| json!({"rank": rank, "token_str": name}))
        .collect();
    Tokenizer::of_tekken(
        json!({"vocab": pieces, "special_tokens": special, "config": {"version": version,
            "default_vocab_size": pieces.len() + NAMES.len(), "default_num_special_tokens": NAMES.len()}}),
    )
}

fn tools() -> Tools {
    let tool = |name: &str, parameters: Json| Tool {
        name: name.to_owned(),
        description: String::new(),
        parameters: parameters.to_string(),
        strict: false,
    };
    let list = vec![
        tool("now", json!({"type": "object", "properties": {}})),
        tool(
            "now_in",
            json!({"type": "object", "required": ["zone"], "additionalProperties": false,
            "properties": {"zone": {"type": "string"}, "days": {"type": "integer", "maximum": 9}}}),
        ),
        tool("count", json!({"type": "integer"})),
    ];
    Tools {
        list,
        ..Tools::default()
    }
}

fn writing(tokenizer: &Tokenizer, tools: &Tools) -> Writing {
    let calling = tools.calling(tokenizer).unwrap().unwrap();
    Writing::new(&calling.held.unwrap(), &[1, 2, 3], tokenizer)
}

/// Writes tokens, each of which may come; gives what is told.
fn write(writing: &mut Writing, tokenizer: &Tokenizer, tokens: &[u32]) -> Vec<ToolCall> {
    let mut told = Vec::new();
    for token in tokens {
        let mask = writing.mask(false, tokenizer);
        assert!(mask.allows(*token), "{token} after {told:?}");
        told.extend(writing.push(*token, tokenizer));
    }
    told
}

/// The only token that may come.
fn only(writing: &mut Writing, tokenizer: &Tokenizer) -> Option<u32> {
    let mask = writing.mask(false, tokenizer);
    let mut tokens = mask.tokens();
    let first = tokens.next();
    first.filter(|_| tokens.next().is_none())
}

#[test]
fn what_is_written_is_what_a_conversation_shows_of_it() {
    let calls = [
        ("now", "{}"),
        (
            "now_in",
            r#"{"zone": "x[ARGS][TOOL_CALLS]now 日", "days": 3}"#,
        ),
        ("now", "{}"),
        ("count", "12"),
    ];
    for (version, has_ids) in [("v11", true), ("v13", false)] {
        let tokenizer = tokenizer(version);
        let marks = tokenizer.call_marks().unwrap();
        let parts = marks.parts.unwrap();
        assert_eq!(parts.id.is_some(), has_ids);
        let mut writing = writing(&tokenizer, &tools());
        let (mut tokens, mut told) = (vec![marks.begin], Vec::new());
        for (at, (name, arguments)) in calls.iter().enumerate() {
            let mut next = tokenizer.encode(name);
            next.extend(parts.id);
            if at > 0 {
                next.insert(0, marks.begin);
            }
            told.extend(write(&mut writing, &tokenizer, &next));
            tokens.extend(&next);
            while has_ids && tokens.last() != Some(&parts.args) {
                let forced = only(&mut writing, &tokenizer).unwrap();
                told.extend(write(&mut writing, &tokenizer, &[forced]));
                tokens.push(forced);
            }
            let mut next = tokenizer.encode(arguments);
            if !has_ids {
                next.insert(0, parts.args);
            }
            told.extend(write(&mut writing, &tokenizer, &next));
            tokens.extend(&next);
            assert!(writing.mask(true, &tokenizer).allows(2), "the end may come");
        }
        assert!(!writing.is_over(&tokenizer));
        // A number is whole when nothing follows.
        assert_eq!(told.len(), 3);
        told.extend(writing.finish());
        let named: Vec<&str> = told.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(named, calls.map(|(name, _)| name));
        let ids: HashSet<&str> = told.iter().map(|call| call.id.as_str()).collect();
        assert!(
            ids.len() == calls.len() && ids.iter().all(|id| is_id(id)),
            "{told:?}"
        );
        let turn = |role| Message::new(role, "");
        let asked = Prompt::Chat(vec![turn(Role::User)]);
        let shown = Prompt::Chat(vec![turn(Role::User), turn(Role::Caller(told))]);
        let expected = [tokenizer.lay_out(&asked).unwrap(), tokens, vec![2]].concat();
        assert_eq!(tokenizer.lay_out(&shown).unwrap(), expected);
    }
}

#[test]
fn names_that_are_no_tool_cannot_be_written() {
    for version in ["v11", "v13"] {
        let tokenizer = tokenizer(version);
        let parts = tokenizer.call_marks().unwrap().parts.unwrap();
        let tools = tools();
        let names: Vec<&str> = tools.list.iter().map(|tool| tool.name.as_str()).collect();
        let mut open = vec![Vec::new()];
        let mut whole = Vec::new();
        while let Some(way) = open.pop() {
            let mut writing = writing(&tokenizer, &tools);
            write(&mut writing, &tokenizer, &way);
            let text: Vec<u8> = way
                .iter()
                .flat_map(|token| tokenizer.text(*token))
                .copied()
                .collect();
            let text = String::from_utf8(text).unwrap();
            assert!(names.iter().any(|name| name.starts_with(&text)), "{text}");
            for token in writing.mask(false, &tokenizer).tokens() {
                if token == parts.args || parts.id == Some(token) {
                    whole.push(text.clone());
                } else {
                    assert!(!tokenizer.text(token).is_empty(), "{text} {token}");
                    open.push([way.as_slice(), &[token]].concat());
                }
            }
        }
        whole.sort_unstable();
        whole.dedup();
        assert_eq!(whole, ["count", "now", "now_in"]);
    }
}

#[test]
fn calls_end_where_one_is_asked_for_or_so_many_are_made() {
    let tokenizer = tokenizer("v13");
    let marks = tokenizer.call_marks().unwrap();
    let args = marks.parts.unwrap().args;
    let call = [tokenizer.encode("now"), vec![args], tokenizer.encode("{}")].concat();
    let single = Tools {
        single: true,
        ..tools()
    };
    let mut one = writing(&tokenizer, &single);
    assert_eq!(write(&mut one, &tokenizer, &call).len(), 1);
    assert!(one.is_over(&tokenizer));
    let mut many = writing(&tokenizer, &tools());
    for made in 1..=CALLS_MAX {
        assert_eq!(write(&mut many, &tokenizer, &call).len(), 1);
        assert_eq!(many.is_over(&tokenizer), made == CALLS_MAX);
        if made < CALLS_MAX {
            write(&mut many, &tokenizer, &[marks.begin]);
        }
    }
    // A number may go on, and another call may not begin.
    let mut number = writing(&tokenizer, &single);
    let begun = [tokenizer.encode("count"), vec![args], tokenizer.encode("1")].concat();
    assert_eq!(write(&mut number, &tokenizer, &begun), []);
    let mask = number.mask(true, &tokenizer);
    assert!(mask.allows(2) && mask.allows(tokenizer.encode("2")[0]) && !mask.allows(marks.begin));
    assert!(number.finish().is_some_and(|call| call.arguments == "1"));
}
