//! Bodies of clients: what is read, and what goes back to Anthropic.

use super::*;
use crate::block::{Block, CacheMark, Reasoning, Source, State};
use crate::call::{Effort, ReasoningMode, Role, Show, Tool, ToolChoice};
use crate::dialect::Dialect;

const CLAUDE_CODE: &str = r#"{"model":"claude","max_tokens":32000,"stream":true,
"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2; cch=1;"},
 {"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},
 {"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}],
"messages":[{"role":"user","content":[{"type":"text","text":"list files"}]},
 {"role":"system","content":"The date is known."},
 {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"EqQB"},
  {"type":"tool_use","id":"toolu_1","name":"Bash","input":{ "b" : 1.0, "a":{} }}]},
 {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"a.rs","is_error":false,"cache_control":{"type":"ephemeral"}},
  {"type":"text","text":"<system-reminder>x</system-reminder>"}]}],
"tools":[{"name":"Bash","description":"Runs","input_schema":{"$schema":"s", "type":"object"},"eager_input_streaming":true},
 {"type":"web_search_20260318","name":"web_search"}],
"metadata":{"user_id":"u"},"thinking":{"type":"adaptive","display":"omitted"},
"context_management":{"edits":[]},"output_config":{"effort":"high","task_budget":{"x":1}},"tomorrow":[1]}"#;

#[test]
fn claude_code_is_read() {
    let chat = decode(CLAUDE_CODE);
    assert_eq!(chat.turns.len(), 5);
    assert_eq!(chat.turns[0].role, Role::System);
    assert!(
        matches!(&chat.turns[0].blocks[0], Block::Opaque(o) if o.kind == "x-anthropic-billing-header")
    );
    assert!(
        matches!(&chat.turns[0].blocks[2], Block::Text(t) if t.cache == Some(CacheMark::OneHour))
    );
    assert_eq!(chat.turns[2].role, Role::System);
    assert_eq!(chat.reasoning.mode, ReasoningMode::Adaptive);
    assert_eq!(chat.reasoning.effort, Some(Effort::High));
    assert_eq!(chat.reasoning.show, Some(Show::Omitted));
    assert!(matches!(&chat.tools[1], Tool::Hosted { kind, .. } if kind == "web_search_20260318"));
    let extras: Vec<&str> = chat.extras.iter().map(|e| e.name.as_str()).collect();
    let expected = [
        "output_config.task_budget",
        "metadata",
        "context_management",
        "tomorrow",
    ];
    assert_eq!(extras, expected);
}

#[test]
fn t11_t12_blocks_marks_and_raw_text_go_back_to_anthropic_as_they_were() {
    let (body, dropped) = encode(&decode(CLAUDE_CODE));
    for kept in [
        r#""system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2; cch=1;"},{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
        r#""input":{ "b" : 1.0, "a":{} }"#,
        r#""input_schema":{"$schema":"s", "type":"object"},"eager_input_streaming":true"#,
        r#"{"type":"web_search_20260318","name":"web_search"}"#,
        r#"{"type":"thinking","thinking":"hm","signature":"EqQB"}"#,
        r#""thinking":{"type":"adaptive","display":"omitted"}"#,
        r#""output_config":{"effort":"high","task_budget":{"x":1}}"#,
        r#""context_management":{"edits":[]}"#,
        r#""tomorrow":[1]"#,
        r#""max_tokens":8000,"stream":true"#,
    ] {
        assert!(body.contains(kept), "{kept} in {body}");
    }
    assert_eq!(dropped, ["max_tokens"]);
}

#[test]
fn vanes_own_fields_go_up_with_no_message() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],
        "provider":{"only":["a"]},"models":["b"],"vane":{"c":1},"speed":"fast"}"#;
    let names = decode(body).extras.into_iter().map(|extra| extra.name);
    assert_eq!(names.collect::<Vec<_>>(), ["speed"]);
}

#[test]
fn the_billing_line_reaches_nobody_but_anthropic() {
    let other = Target {
        provider: "minimax",
        ..target(&[])
    };
    let (_, body, dropped) = encode_for(&decode(CLAUDE_CODE), &other);
    assert!(!body.contains("billing"));
    assert!(dropped.contains(&"x-anthropic-billing-header".to_owned()));
}

#[test]
fn t20_results_stand_in_one_message_and_first() {
    let chat = decode(
        r#"{"model":"m","max_tokens":9,"messages":[
        {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
        {"role":"system","content":"mind"},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]},
        {"role":"user","content":[{"type":"text","text":"go"},{"type":"tool_result","tool_use_id":"b","content":""}]}]}"#,
    );
    let (body, dropped) = encode(&chat);
    let last = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b"},{"type":"text","text":"<system-instruction>\nmind\n</system-instruction>"},{"type":"text","text":"go"}]}]"#;
    assert!(body.contains(last), "{body}");
    // The conversation has to begin with the user.
    assert!(body.contains(r#""messages":[{"role":"user","content":[{"type":"text""#));
    // T10
    assert!(body.contains(r#""input":{}"#));
    assert!(dropped.is_empty(), "{dropped:?}");
}

#[test]
fn t21_the_limit_is_filled_in() {
    let chat = decode(r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#);
    assert!(encode(&chat).0.contains(r#""max_tokens":8000"#));
    let unknown = Target {
        max_output: None,
        ..target(&[])
    };
    assert!(
        encode_for(&chat, &unknown)
            .1
            .contains(r#""max_tokens":4096"#)
    );
}

#[test]
fn a_system_message_may_set_an_effort_and_say_nothing() {
    for said in ["", r#""content":[],"#] {
        let chat = decode(&format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"a"}},{{"role":"system",{said}"output_config":{{"effort":"low"}}}},{{"role":"user","content":"b"}}]}}"#
        ));
        let roles: Vec<Role> = chat.turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, [Role::User, Role::User]);
        assert_eq!(encode(&chat).1, ["output_config"]);
    }
    for role in ["user", "system"] {
        let bare = format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"{role}","output_config":{{}}}}]}}"#
        );
        let read = request::decode(bare.as_bytes(), &Plain);
        assert_eq!(read.is_err(), role == "user", "{role}");
    }
}

#[test]
fn the_summary_of_a_compaction_is_told_to_other_dialects() {
    let opaque = |raw: &str| crate::block::Opaque {
        dialect: Dialect::AnthropicMessages,
        kind: "compaction".into(),
        raw: crate::json::Raw::parse(raw).unwrap(),
    };
    let said = opaque(r#"{"type":"compaction","content":"We chose Rust."}"#);
    assert_eq!(said.words().as_deref(), Some("We chose Rust."));
    let chat = decode(
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"compaction","content":"We chose Rust."}]},{"role":"user","content":"b"}]}"#,
    );
    let mut notes = Notes::default();
    let sent = crate::openai_responses::request::encode(&chat, &target(&[]), &mut notes).unwrap();
    let sent = String::from_utf8(sent.body).unwrap();
    let words = r#"{"type":"output_text","text":"We chose Rust."}"#;
    assert!(sent.contains(words), "{sent}");
    assert!(!notes.dropped().iter().any(|name| name == "compaction"));
    for none in [
        r#"{"type":"compaction","content":null}"#,
        r#"{"type":"compaction","content":""}"#,
        r#"{"type":"compaction","encrypted_content":"e"}"#,
    ] {
        assert_eq!(opaque(none).words(), None, "{none}");
    }
}

#[test]
fn t9_images_and_documents_in_results_stay() {
    let result = r#"{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}},{"type":"document","source":{"type":"url","url":"https://x/y.pdf"},"title":"T","citations":{"enabled":true}},{"type":"search_result","source":"s","title":"t","content":[]}],"is_error":true}"#;
    let chat = decode(&format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":[{result}]}}]}}"#
    ));
    let (body, dropped) = encode(&chat);
    assert!(body.contains(result), "{body}");
    assert!(dropped.is_empty());
    let (_, body, dropped) = encode_for(&chat, &target(&[Quirk::NoImages]));
    assert!(body.contains("an image stood here"), "{body}");
    assert_eq!(dropped, ["image"]);
}

#[test]
fn t9_a_picture_goes_to_anthropic_as_what_its_bytes_are() {
    let sent = |said: &str, data: &str| {
        let chat = decode(&format!(
            r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","media_type":"{said}","data":"{data}"}}}}]}}]}}"#
        ));
        let (body, dropped) = encode(&chat);
        let (_, kind) = body.split_once(r#""media_type":""#).unzip();
        let kind = kind.and_then(|kind| kind.split('"').next());
        assert_eq!(kind.is_none(), body.contains("an image stood here"));
        assert_eq!(kind.is_none(), dropped == ["image"]);
        kind.map(str::to_owned)
    };
    for (said, data, kind) in [
        ("image/jpg", "QUJD", "image/jpeg"),
        ("IMAGE/JPEG; x=1", "QUJD", "image/jpeg"),
        ("image/webp", "QUJD", "image/webp"),
        ("image/png", "/9j/4AAQ", "image/jpeg"),
        ("image/jpeg", "iVBORw0KGgoAAAAN", "image/png"),
        ("image/svg+xml", "R0lGODlhAQAB", "image/gif"),
        ("", "UklGRiQAAABXRUJQVlA4", "image/webp"),
    ] {
        assert_eq!(sent(said, data).as_deref(), Some(kind), "{said} {data}");
    }
    for (said, data) in [
        ("image/svg+xml", "PHN2Zz4="),
        ("image/heic", "AAAAGGZ0"),
        ("", "QUJD"),
        ("image/x", "UklGRiQAAABXQVZFZm10"),
    ] {
        assert_eq!(sent(said, data), None, "{said}");
    }
}

#[test]
fn document_sources_are_read() {
    for (source, expected) in [
        (
            r#"{"type":"text","media_type":"text/plain","data":"d"}"#,
            Some(Source::Text("d".to_owned())),
        ),
        (
            r#"{"type":"content","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
            Some(Source::Text("a\nb".to_owned())),
        ),
        (
            r#"{"type":"file","file_id":"f"}"#,
            Some(Source::File {
                dialect: Dialect::AnthropicMessages,
                id: "f".to_owned(),
            }),
        ),
        (r#"{"type":"hologram"}"#, None),
    ] {
        let chat = decode(&format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":[{{"type":"document","source":{source}}}]}}]}}"#
        ));
        match &chat.turns[0].blocks[0] {
            Block::Document(document) => assert_eq!(Some(&document.source), expected.as_ref()),
            Block::Opaque(opaque) => {
                assert_eq!((opaque.kind.as_str(), expected), ("document", None))
            }
            other => panic!("{other:?}"),
        }
    }
}

fn loop_with(signature: &str, thinking: &str) -> Chat {
    decode(&format!(
        r#"{{"model":"m","max_tokens":5000,"thinking":{thinking},"messages":[{{"role":"user","content":"x"}},
        {{"role":"assistant","content":[{{"type":"thinking","thinking":"hm","signature":{}}},{{"type":"tool_use","id":"a","name":"f","input":{{}}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":"1"}}]}}]}}"#,
        serde_json::to_string(signature).unwrap()
    ))
}

fn sealed(provider: &str) -> String {
    use crate::seal::Seal;
    let state = State {
        dialect: Dialect::AnthropicMessages,
        provider: Some(provider.to_owned()),
        id: None,
        redacted: false,
        data: "EqQB+/=".to_owned(),
    };
    Plain.seal(&state, "hm")
}

#[test]
fn t4_a_signature_goes_back_to_its_provider_and_to_nobody_else() {
    let manual = r#"{"type":"enabled","budget_tokens":2000}"#;
    for native in ["EqQB+/=".to_owned(), sealed("anthropic")] {
        let (body, dropped) = encode(&loop_with(&native, manual));
        let thinking = r#"{"type":"thinking","thinking":"hm","signature":"EqQB+/="}"#;
        assert!(body.contains(thinking), "{body}");
        assert!(body.contains(r#""thinking":{"type":"enabled","budget_tokens":2000}"#));
        assert!(dropped.is_empty());
    }
    let (body, dropped) = encode(&loop_with(&sealed("minimax"), manual));
    assert!(!body.contains("EqQB"), "{body}");
    assert!(body.contains(r#""thinking":{"type":"disabled"}"#), "{body}");
    assert_eq!(dropped, ["reasoning_state", "reasoning"]);
    // A model that decides for itself may go on from a turn without thinking.
    let (body, _) = encode(&loop_with(&sealed("minimax"), r#"{"type":"adaptive"}"#));
    assert!(body.contains(r#""thinking":{"type":"adaptive"}"#), "{body}");
}

#[test]
fn a_seal_that_does_not_open_is_not_sent_as_a_signature() {
    let (body, dropped) = encode(&loop_with("vane1.broken", r#"{"type":"adaptive"}"#));
    assert!(!body.contains("vane1."), "{body}");
    assert_eq!(dropped, ["reasoning_state", "reasoning"]);
}

#[test]
fn t4_reasoning_without_state_keeps_its_text() {
    use crate::seal::Seal;
    let state = State {
        dialect: Dialect::AnthropicMessages,
        provider: Some("lab".to_owned()),
        id: None,
        redacted: false,
        data: String::new(),
    };
    let chat = loop_with(&Plain.seal(&state, "hm"), r#"{"type":"adaptive"}"#);
    let expected = Block::Reasoning(Reasoning {
        text: "hm".to_owned(),
        state: None,
    });
    assert_eq!(chat.turns[1].blocks[0], expected);
}

#[test]
fn thinking_gives_way_to_what_excludes_it() {
    let (body, dropped) = encode(&decode(
        r#"{"model":"m","max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2000},"temperature":0.2,"top_k":5,
        "tools":[{"name":"f"}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"x"}]}"#,
    ));
    assert!(body.contains(r#""thinking":{"type":"disabled"},"temperature":0.2,"top_k":5"#));
    let tools = r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}"#;
    assert!(body.contains(tools), "{body}");
    assert_eq!(dropped, ["reasoning"]);
}

/// A call of another door that says only an effort.
fn of_effort(effort: Effort, max_output: Option<u64>) -> Chat {
    let mut chat =
        decode(r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}"#);
    chat.sampling.max_output = max_output;
    chat.reasoning.effort = Some(effort);
    chat
}

#[test]
fn an_effort_is_a_budget_for_a_model_that_does_not_decide_how_much_to_think() {
    let haiku = [Quirk::NoAdaptiveThinking, Quirk::NoReasoningEffort];
    for (effort, max_output, sent, dropped) in [
        (
            Effort::Low,
            None,
            r#""thinking":{"type":"enabled","budget_tokens":2048}"#,
            &[][..],
        ),
        // Half of the limit is left for the answer, and a budget has a least.
        (
            Effort::High,
            None,
            r#""thinking":{"type":"enabled","budget_tokens":4000}"#,
            &[],
        ),
        (
            Effort::High,
            Some(1500),
            r#""thinking":{"type":"enabled","budget_tokens":1024}"#,
            &[],
        ),
        (
            Effort::High,
            Some(1024),
            r#""thinking":{"type":"disabled"}"#,
            &["reasoning", "output_config.effort"],
        ),
        (Effort::None, None, r#""thinking":{"type":"disabled"}"#, &[]),
    ] {
        let chat = of_effort(effort, max_output);
        let (_, body, notes) = encode_for(&chat, &target(&haiku));
        assert!(body.contains(sent), "{body}");
        assert!(!body.contains("output_config"), "{body}");
        assert_eq!(notes, dropped, "{effort:?}");
    }
    let opus = [
        Quirk::NoAdaptiveThinking,
        Quirk::NoXhighEffort,
        Quirk::NoMaxEffort,
    ];
    let (_, body, notes) = encode_for(&of_effort(Effort::Max, None), &target(&opus));
    let thinks =
        r#""thinking":{"type":"enabled","budget_tokens":4000},"output_config":{"effort":"high"}"#;
    assert!(body.contains(thinks), "{body}");
    assert_eq!(notes, ["output_config.effort"]);
    let adaptive = decode(
        r#"{"model":"m","max_tokens":8000,"thinking":{"type":"adaptive"},"messages":[{"role":"user","content":"x"}]}"#,
    );
    let (_, body, _) = encode_for(&adaptive, &target(&haiku));
    assert!(
        body.contains(r#""thinking":{"type":"enabled","budget_tokens":4000}"#),
        "{body}"
    );
}

#[test]
fn a_model_that_always_thinks_is_not_told_not_to() {
    let always = target(&[Quirk::AlwaysThinks, Quirk::NoThinkingBudget]);
    let off = decode(
        r#"{"model":"m","max_tokens":8000,"thinking":{"type":"disabled"},"messages":[{"role":"user","content":"x"}]}"#,
    );
    let (_, body, notes) = encode_for(&off, &always);
    assert!(!body.contains("thinking"), "{body}");
    assert_eq!(notes, ["thinking"]);
    let (_, body, notes) = encode_for(&of_effort(Effort::None, None), &always);
    assert!(!body.contains("thinking"), "{body}");
    assert!(
        body.contains(r#""output_config":{"effort":"low"}"#),
        "{body}"
    );
    assert_eq!(notes, ["thinking"]);
}

#[test]
fn a_model_that_cannot_be_forced_to_a_tool_thinks_on_and_may_choose() {
    let free = target(&[Quirk::NoForcedTool, Quirk::AlwaysThinks]);
    for choice in [
        r#"{"type":"any"}"#,
        r#"{"type":"tool","name":"f"}"#,
        r#"{"type":"auto"}"#,
    ] {
        let call = decode(&format!(
            r#"{{"model":"m","max_tokens":8000,"thinking":{{"type":"adaptive"}},"tool_choice":{choice},
                "tools":[{{"name":"f","input_schema":{{"type":"object"}}}}],"messages":[{{"role":"user","content":"x"}}]}}"#
        ));
        let (_, body, notes) = encode_for(&call, &free);
        assert!(body.contains(r#""tool_choice":{"type":"auto"}"#), "{body}");
        assert!(body.contains(r#""thinking":{"type":"adaptive"}"#), "{body}");
        let told = !choice.contains("auto");
        assert_eq!(notes.contains(&"tool_choice".to_owned()), told, "{choice}");
    }
}

#[test]
fn t4_thoughts_are_passed_over_only_where_they_are_bound_and_given_back() {
    let call = |thinking: &str, block: &str| {
        decode(&format!(
            r#"{{"model":"m","max_tokens":8000,{thinking}"messages":[{{"role":"user","content":"x"}},
                {{"role":"assistant","content":[{block}{{"type":"text","text":"y"}}]}},{{"role":"user","content":"z"}}]}}"#
        ))
    };
    let thought = r#"{"type":"thinking","thinking":"t","signature":"s"},"#;
    let binds = target(&[Quirk::BindsThoughts]);
    let own =
        r#""thinking":{"type":"adaptive","block_binding":{"prefix_mismatch_behavior":"error"}},"#;
    for (thinking, block, target, over) in [
        ("", thought, &binds, true),
        (r#""thinking":{"type":"adaptive"},"#, thought, &binds, true),
        ("", "", &binds, false),
        ("", thought, &target(&[]), false),
        (r#""thinking":{"type":"disabled"},"#, thought, &binds, false),
        (own, thought, &binds, false),
    ] {
        let (encoded, body, _) = encode_for(&call(thinking, block), target);
        let beta = over.then_some("thinking-binding-controls-2026-08-01");
        assert_eq!(encoded.beta, beta, "{body}");
        let said = r#""thinking":{"type":"adaptive","block_binding":{"prefix_mismatch_behavior":"drop_block"}}"#;
        assert_eq!(body.contains(said), over, "{body}");
    }
}

#[test]
fn wrong_types_name_their_place() {
    for (body, param) in [
        (r#"{"messages":[]}"#, "model"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":7}]}]}"#,
            "messages[0].content[0].text",
        ),
        (
            r#"{"model":"m","messages":[{"role":"tool","content":""}]}"#,
            "messages[0].role",
        ),
        (
            r#"{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":"{}"}]}]}"#,
            "messages[0].content[0].input",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":"many"}}"#,
            "thinking.budget_tokens",
        ),
    ] {
        let fault = request::decode(body.as_bytes(), &Plain).unwrap_err();
        assert_eq!(fault.param.as_deref(), Some(param), "{fault}");
    }
}

#[test]
fn t13_rubbish_is_the_callers_fault() {
    for body in [
        &b"{"[..],
        b"[]",
        b"",
        br#"{"model":"m","model":"n","messages":[]}"#,
        br#"{"model":"m","messages":[]} x"#,
        b"{\"model\":\"\xff\"}",
        br#"{"model":"\ud800","messages":[]}"#,
    ] {
        let fault = request::decode(body, &Plain).unwrap_err();
        assert_eq!(fault.blame, crate::fault::Blame::Caller);
    }
}

#[test]
fn what_blocks_say_beyond_their_form_is_noted() {
    let (_, dropped) = encode(&decode(
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"text","text":"x","citations":[{"a":1}]}]},
        {"role":"user","content":[{"type":"text","text":"y","citations":[]}]}]}"#,
    ));
    assert_eq!(dropped, ["citations"]);
}

#[test]
fn a_way_of_thinking_of_tomorrow_stays_raw() {
    let raw = r#"{"type":"deep","depth":3}"#;
    let chat = decode(&format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"x"}}],"thinking":{raw},"output_config":{{"effort":"huge"}}}}"#
    ));
    let (body, dropped) = encode(&chat);
    assert_eq!(body.matches(r#""thinking""#).count(), 1, "{body}");
    assert!(body.contains(&format!(r#""thinking":{raw}"#)), "{body}");
    assert!(
        body.contains(r#""output_config":{"effort":"huge"}"#),
        "{body}"
    );
    assert!(dropped.is_empty());
}

#[test]
fn an_unknown_choice_stays_raw() {
    let raw = r#"{"type":"some","of":["f"]}"#;
    let chat = decode(&format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"tools":[{{"name":"f"}}],"tool_choice":{raw}}}"#
    ));
    assert!(matches!(chat.tool_choice, Some(ToolChoice::Hosted { .. })));
    assert!(encode(&chat).0.contains(raw));
}
