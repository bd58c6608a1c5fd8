use super::*;
use crate::block::{Image, Reasoning, Source, State, ToolForm, ToolResult, ToolUse};
use crate::call::{
    Effort, Extra, Format, Function, ReasoningMode, Sampling, Show, Tool, ToolChoice,
};
use crate::dialect::Dialect;
use crate::fault::Kind;
use crate::json::Raw;
use crate::seal::Seal;

/// The shape that Codex sends on its second turn.
const CODEX: &str = r#"{"model":"codestral-latest","stream":true,"input":[
 {"type":"message","role":"developer","id":"i0","content":[{"type":"input_text","text":"Be careful."}]},
 {"type":"message","role":"user","content":[{"type":"input_text","text":"List files"}]},
 {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Thinking"}],"encrypted_content":"gAAA"},
 {"type":"message","role":"assistant","content":[{"type":"output_text","text":"I will look."}]},
 {"type":"function_call","id":"fc_1","call_id":"c1","name":"shell","namespace":"tools","arguments":"{ \"cmd\":\"ls\" }"},
 {"type":"custom_tool_call","call_id":"c2","name":"patch","input":"*** Begin"},
 {"type":"function_call_output","call_id":"c1","output":"a.rs"},
 {"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"ok"},{"type":"input_image","image_url":"data:image/png;base64,AAA","detail":"high"}]},
 {"role":"user","content":"And now?"}],
 "tools":[{"type":"function","name":"shell","strict":false,"parameters":{"type":"object","properties":{},"b":1,"a":2}},
  {"type":"namespace","name":"mcp","description":"d","tools":[{"type":"function","name":"read","strict":false,"parameters":{}}]},
  {"type":"web_search","external_web_access":true}],
 "tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"summary":"auto"},"store":false,
 "include":["reasoning.encrypted_content"],"prompt_cache_key":"k","client_metadata":{"x":"y"}}"#;

#[test]
fn t20_one_answer_is_one_turn_and_its_outputs_another() {
    let chat = decoded(CODEX);
    let roles: Vec<Role> = chat.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(
        roles,
        [Role::Developer, Role::User, Role::Assistant, Role::User]
    );
    let said = &chat.turns[2].blocks;
    assert!(
        matches!(&said[0], Block::Reasoning(r) if r.text == "Thinking"
        && r.state.as_ref().unwrap().data == "gAAA"
        && r.state.as_ref().unwrap().id.as_deref() == Some("rs_1"))
    );
    assert!(matches!(&said[1], Block::Text(t) if t.text == "I will look."));
    assert!(
        matches!(&said[2], Block::ToolUse(t) if t.arguments == "{ \"cmd\":\"ls\" }"
        && t.namespace.as_deref() == Some("tools"))
    );
    assert!(matches!(&said[3], Block::ToolUse(t) if t.form == ToolForm::Custom));
    let told = &chat.turns[3].blocks;
    assert!(matches!(&told[0], Block::ToolResult(r) if r.id == "c1"));
    assert!(matches!(&told[1], Block::ToolResult(r) if r.id == "c2" && r.content.len() == 2));
    assert!(matches!(&told[2], Block::Text(t) if t.text == "And now?"));
}

#[test]
fn codex_asks_for_nothing_that_would_have_to_be_noted_but_its_metadata() {
    let chat = decoded(CODEX);
    let names: Vec<&str> = chat.extras.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["client_metadata"]);
    assert_eq!(chat.cache_key.as_deref(), Some("k"));
    assert_eq!(chat.reasoning.show, Some(Show::Auto));
    assert!(chat.stream.on);
}

#[test]
fn t12_schemas_and_arguments_keep_their_bytes() {
    let (body, notes) = encoded(&decoded(CODEX), &[]);
    assert!(
        body.contains(r#""parameters":{"type":"object","properties":{},"b":1,"a":2}"#),
        "{body}"
    );
    assert!(
        body.contains(r#""arguments":"{ \"cmd\":\"ls\" }""#),
        "{body}"
    );
    assert!(body.contains(r#"{"type":"web_search","external_web_access":true}"#));
    assert!(body.contains(r#""namespace":"tools""#));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn a_call_reads_back_as_it_was() {
    let chat = decoded(CODEX);
    let (body, _) = encoded(&chat, &[]);
    let mut again = decoded(&body);
    again.model.clone_from(&chat.model);
    assert_eq!(again, chat);
}

#[test]
fn a_string_is_a_user_turn_and_instructions_come_first() {
    let chat = decoded(r#"{"model":"m","instructions":"Be brief.","input":"Hi"}"#);
    assert_eq!(chat.turns.len(), 2);
    assert_eq!(chat.turns[0].role, Role::System);
    assert_eq!(chat.turns[1], user("Hi"));
    let (body, _) = encoded(&chat, &[]);
    assert_eq!(
        body,
        r#"{"model":"gpt-5","instructions":"Be brief.","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}],"store":false,"include":["reasoning.encrypted_content"],"stream":false}"#
    );
}

#[test]
fn what_needs_a_memory_is_refused_by_name() {
    for (field, value) in [
        ("previous_response_id", "\"resp_1\""),
        ("conversation", "\"conv_1\""),
        ("background", "true"),
        ("prompt", r#"{"id":"p"}"#),
    ] {
        let fault = refused(&format!(r#"{{"model":"m","input":"x","{field}":{value}}}"#));
        assert_eq!(fault.param.as_deref(), Some(field));
        assert!(fault.message.contains("keeps no state"), "{fault}");
    }
    // Clients that know OpenAI's code send the whole conversation again.
    let fault = refused(r#"{"model":"m","input":"x","previous_response_id":"resp_1"}"#);
    assert_eq!(fault.code.as_deref(), Some("previous_response_not_found"));
    assert!(
        fault
            .message
            .starts_with("Previous response with id 'resp_1' not found")
    );
    let fault = refused(r#"{"model":"m","input":[{"type":"item_reference","id":"x"}]}"#);
    assert_eq!(fault.param.as_deref(), Some("input[0]"));
    assert_eq!(fault.kind, Kind::Unsupported);
    assert!(fault.message.contains("store: false"), "{fault}");
    let silent = r#"{"model":"m","input":"x","background":false,"store":true,"previous_response_id":null,"truncation":"disabled"}"#;
    assert_eq!(decoded(silent).extras, []);
}

#[test]
fn t21_a_wrong_type_is_the_callers_fault_with_its_path() {
    for (body, param) in [
        (r#"{"model":"m","input":7}"#, "input"),
        (r#"{"model":"m"}"#, "input"),
        (
            r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":7}]}]}"#,
            "input[0].content[0].text",
        ),
        (
            r#"{"model":"m","input":[{"role":"owner","content":"x"}]}"#,
            "input[0].role",
        ),
        (
            r#"{"model":"m","input":[{"type":"function_call","name":"f"}]}"#,
            "input[0].call_id",
        ),
        (
            r#"{"model":"m","input":"x","tool_choice":"maybe"}"#,
            "tool_choice",
        ),
        (
            r#"{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace"}]}]}"#,
            "tools[0].tools[0]",
        ),
    ] {
        assert_eq!(refused(body).param.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn hosted_items_and_unknown_parts_go_back_byte_for_byte() {
    let item = r#"{"type":"web_search_call", "id":"ws_1","status":"completed"}"#;
    let part = r#"{"type":"computer_screenshot", "file_id":"f"}"#;
    let body = format!(
        r#"{{"model":"m","input":[{item},{{"role":"user","content":[{part}]}},{{"type":"local_shell_call_output","id":"l","output":"o"}}]}}"#
    );
    let chat = decoded(&body);
    let roles: Vec<Role> = chat.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::User, Role::User]);
    let (again, notes) = encoded(&chat, &[]);
    assert!(again.contains(item) && again.contains(part), "{again}");
    assert!(notes.is_empty());
}

#[test]
fn t4_our_seal_opens_and_a_foreign_state_stays_away() {
    let state = State {
        dialect: Dialect::AnthropicMessages,
        provider: Some("anthropic".into()),
        id: None,
        redacted: false,
        data: "sig".into(),
    };
    let sealed = Plain.seal(&state, "deep");
    let body = format!(
        r#"{{"model":"m","input":[{{"type":"reasoning","id":"rs_x","summary":[],"encrypted_content":{}}}]}}"#,
        serde_json::to_string(&sealed).unwrap()
    );
    let chat = decoded(&body);
    let expected = Reasoning {
        text: "deep".into(),
        state: Some(state),
    };
    assert_eq!(chat.turns[0].blocks, [Block::Reasoning(expected)]);
    let (body, notes) = encoded(&chat, &[]);
    assert_eq!(notes, ["reasoning_state", "reasoning"]);
    assert!(!body.contains("sig"), "{body}");
}

#[test]
fn t4_state_returns_only_to_its_own_provider() {
    let state = |provider: &str| State {
        dialect: Dialect::OpenaiResponses,
        provider: Some(provider.into()),
        id: Some("rs_1".into()),
        redacted: false,
        data: "enc".into(),
    };
    let chat = |provider| Chat {
        turns: vec![Turn::new(
            Role::Assistant,
            vec![Block::Reasoning(Reasoning {
                text: "t".into(),
                state: Some(state(provider)),
            })],
        )],
        ..Chat::default()
    };
    let (body, notes) = encoded(&chat("openai"), &[]);
    assert!(body.contains(
        r#"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"enc"}"#
    ));
    assert!(notes.is_empty());
    let (body, notes) = encoded(&chat("xai"), &[]);
    assert!(!body.contains("enc\""), "{body}");
    assert_eq!(notes, ["reasoning_state", "reasoning"]);
}

#[test]
fn t9_an_image_in_a_tool_result_reaches_the_model() {
    let image = Block::Image(Image {
        source: Source::Base64 {
            media_type: "image/png".into(),
            data: "AAA".into(),
        },
        detail: None,
        cache: None,
    });
    let result = Block::ToolResult(ToolResult {
        id: "toolu_01".into(),
        content: vec![image],
        is_error: true,
        form: ToolForm::Function,
        cache: None,
    });
    let chat = Chat {
        turns: vec![Turn::new(Role::User, vec![result])],
        ..Chat::default()
    };
    let (body, notes) = encoded(&chat, &[]);
    assert!(body.contains(r#"{"type":"function_call_output","call_id":"toolu_01","output":[{"type":"input_text","text":"Error:"},{"type":"input_image","image_url":"data:image/png;base64,AAA"}]}"#), "{body}");
    assert!(notes.is_empty(), "{notes:?}");
    let (body, notes) = encoded(&chat, &[Quirk::NoImages]);
    assert!(body.contains("[image left out"), "{body}");
    assert_eq!(notes, ["image"]);
}

#[test]
fn t10_empty_arguments_are_an_empty_object() {
    let chat = decoded(
        r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":""}]}"#,
    );
    let expected = ToolUse {
        id: "c".into(),
        name: "f".into(),
        namespace: None,
        form: ToolForm::Function,
        arguments: "{}".into(),
        cache: None,
    };
    assert_eq!(chat.turns[0].blocks, [Block::ToolUse(expected)]);
}

#[test]
fn nothing_is_dropped_without_a_note() {
    let chat = Chat {
        turns: vec![Turn {
            prefill: true,
            ..Turn::new(Role::Assistant, vec![Block::Text(Text::plain("{"))])
        }],
        tool_choice: Some(ToolChoice::Required),
        tools: vec![Tool::Hosted {
            dialect: Dialect::AnthropicMessages,
            kind: "web_search".into(),
            raw: Raw::parse("{}").unwrap(),
        }],
        sampling: Sampling {
            temperature: serde_json::Number::from_f64(1.0),
            top_k: Some(4),
            seed: Some(1),
            stop: vec!["x".into()],
            max_output: Some(3),
            n: Some(2),
            ..Sampling::default()
        },
        extras: vec![Extra {
            dialect: Dialect::OpenaiChat,
            name: "logit_bias".into(),
            value: Raw::parse("{}").unwrap(),
        }],
        ..Chat::default()
    };
    let (body, notes) = encoded(&chat, &[Quirk::NoSampling]);
    let expected = [
        "prefill",
        "tools.web_search",
        "tool_choice",
        "logit_bias",
        "max_output_tokens",
        "temperature",
        "top_k",
        "seed",
        "stop",
        "n",
    ];
    assert_eq!(notes, expected);
    assert!(body.contains(r#""max_output_tokens":16"#), "{body}");
    assert!(!body.contains("tools"), "{body}");
}

#[test]
fn settings_are_objects_on_the_wire() {
    let mut chat = Chat {
        turns: vec![user("x")],
        format: Format::JsonSchema {
            name: Some("n".into()),
            description: None,
            schema: Raw::parse(r#"{"z":1, "a":2}"#).unwrap(),
            strict: Some(true),
        },
        ..Chat::default()
    };
    chat.reasoning.mode = ReasoningMode::On;
    chat.reasoning.budget_tokens = Some(8000);
    chat.tools = vec![Tool::Function(Function {
        name: "f".into(),
        ..Function::default()
    })];
    chat.tool_choice = Some(ToolChoice::Allowed {
        required: true,
        names: vec!["f".into()],
    });
    let (body, notes) = encoded(&chat, &[]);
    for piece in [
        r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]"#,
        r#""tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]}"#,
        r#""reasoning":{"effort":"medium","summary":"auto"}"#,
        r#""text":{"format":{"type":"json_schema","name":"n","schema":{"z":1, "a":2},"strict":true}}"#,
    ] {
        assert!(body.contains(piece), "{piece} is not in {body}");
    }
    assert!(notes.is_empty());
}

#[test]
fn settings_of_tomorrow_go_through_to_the_same_dialect() {
    let chat = decoded(
        r#"{"model":"m","input":"x","text":{"verbosity":"low","hue":1},"reasoning":{"effort":"ultra","context":"all"},"include":["file_search_call.results","reasoning.encrypted_content"],"moderation":{}}"#,
    );
    assert_eq!(chat.reasoning.effort, None::<Effort>);
    let (body, notes) = encoded(&chat, &[]);
    for piece in [
        r#""text":{"verbosity":"low","hue":1}"#,
        r#""reasoning":{"effort":"ultra","context":"all"}"#,
        r#""include":["reasoning.encrypted_content","file_search_call.results"]"#,
        r#""moderation":{}"#,
    ] {
        assert!(body.contains(piece), "{piece} is not in {body}");
    }
    assert!(notes.is_empty());
    let (body, notes) = encoded(&chat, &[Quirk::ClosedBody]);
    assert_eq!(notes, ["text.hue", "reasoning.effort", "moderation"]);
    assert!(!body.contains("moderation"));
}

#[test]
fn instructions_take_the_role_that_the_provider_knows() {
    let chat = decoded(
        r#"{"model":"m","input":[{"role":"developer","content":"a"},{"role":"user","content":"b"},{"role":"developer","content":"c"}]}"#,
    );
    for (quirks, roles) in [
        (&[][..], ["developer", "user", "developer"]),
        (&[Quirk::NoDeveloper], ["system", "user", "system"]),
        (&[Quirk::SystemFirst], ["developer", "user", "user"]),
    ] {
        let (body, _) = encoded(&chat, quirks);
        let body: Value = serde_json::from_str(&body).unwrap();
        let input = body["input"].as_array().unwrap();
        let said: Vec<&str> = input
            .iter()
            .map(|item| item["role"].as_str().unwrap())
            .collect();
        assert_eq!(said, roles);
    }
}

#[test]
fn sampling_stays_at_home_while_reasoning() {
    let ask = |reasoning: &str| {
        let body = format!(
            r#"{{"model":"m","input":"x","temperature":0.5,"top_p":0.9,"reasoning":{reasoning}}}"#
        );
        decoded(&body)
    };
    for (quirk, reasoning, goes) in [
        (
            Quirk::SamplingUnlessReasoning,
            r#"{"effort":"high"}"#,
            false,
        ),
        (Quirk::SamplingUnlessReasoning, r#"{"effort":"none"}"#, true),
        (Quirk::SamplingUnlessReasoning, "{}", true),
        (Quirk::NoSampling, r#"{"effort":"none"}"#, false),
        (Quirk::NoStop, r#"{"effort":"high"}"#, true),
    ] {
        let (body, notes) = encoded(&ask(reasoning), &[quirk]);
        assert_eq!(
            body.contains(r#""temperature":0.5"#),
            goes,
            "{quirk:?} {body}"
        );
        assert_eq!(body.contains(r#""top_p":0.9"#), goes, "{quirk:?} {body}");
        assert_eq!(notes.len(), if goes { 0 } else { 2 }, "{notes:?}");
    }
    let mut chat = ask("{}");
    chat.reasoning.budget_tokens = Some(2048);
    let (_, notes) = encoded(&chat, &[Quirk::SamplingUnlessReasoning]);
    assert_eq!(notes, ["temperature", "top_p"]);
}

#[test]
fn a_model_that_does_not_reason_is_not_asked_for_its_reasoning() {
    let plain = decoded(r#"{"model":"m","input":"x","include":["reasoning.encrypted_content"]}"#);
    let (body, notes) = encoded(&plain, &[Quirk::NoReasoning]);
    assert!(!body.contains("include") && notes.is_empty(), "{body}");
    let more = decoded(r#"{"model":"m","input":"x","include":["file_search_call.results"]}"#);
    let (body, _) = encoded(&more, &[Quirk::NoReasoning]);
    assert!(
        body.contains(r#""include":["file_search_call.results"]"#),
        "{body}"
    );
    let (body, _) = encoded(&plain, &[]);
    assert!(
        body.contains(r#""include":["reasoning.encrypted_content"]"#),
        "{body}"
    );
}
