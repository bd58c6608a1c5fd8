use super::*;
use crate::block::{Block, CacheMark, Reasoning, Source, State, ToolForm, ToolResult};
use crate::call::{Effort, Extra, Function, ReasoningMode, Role, Tool, ToolChoice, Turn};
use crate::dialect::Dialect;
use crate::fault::Kind;
use crate::json::Raw;
use crate::seal::Seal;
use serde_json::json;

fn messages(list: &str) -> Chat {
    chat(&format!(r#"{{"model":"m","messages":[{list}]}}"#))
}

fn refused(body: &str) -> (Kind, String) {
    let fault = request::decode(body.as_bytes(), &Plain).unwrap_err();
    (fault.kind, fault.param.unwrap_or_default())
}

#[test]
fn t13_wrong_types_name_their_path() {
    for (body, param) in [
        ("{", ""),
        (r#"{"model":"m","model":"n","messages":[]}"#, ""),
        (r#"{"messages":[]}"#, "model"),
        (r#"{"model":"m","messages":[]}"#, "messages"),
        (
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":1}]}]}"#,
            "messages[0].content[0].text",
        ),
        (
            r#"{"model":"m","messages":[{"role":"wizard"}]}"#,
            "messages[0].role",
        ),
        (
            r#"{"model":"m","messages":[{"role":"tool","content":"x"}]}"#,
            "messages[0].tool_call_id",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":-1}"#,
            "max_tokens",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{}}]}"#,
            "tools[0].function.name",
        ),
    ] {
        assert_eq!(refused(body), (Kind::Invalid, param.into()), "{body}");
    }
}

#[test]
fn the_union_door_takes_mistrals_fields() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"document_url","document_url":"https://x/a.pdf","document_name":"A"},{"type":"image_url","image_url":"https://x/i.png"}]},{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"Sure"}],"prefix":true}],"min_tokens":3,"random_seed":7,"safe_prompt":true,"prompt_mode":"reasoning","max_tokens":5,"stop":"END","vane":{"x":1}}"#,
    );
    assert_eq!(chat.sampling.min_output, Some(3));
    assert_eq!(chat.sampling.seed, Some(7));
    assert_eq!(chat.sampling.max_output, Some(5));
    assert_eq!(chat.sampling.stop, ["END"]);
    assert!(chat.turns[1].prefill);
    let Block::Document(document) = &chat.turns[0].blocks[0] else {
        panic!("{:?}", chat.turns)
    };
    assert_eq!(document.source, Source::Url("https://x/a.pdf".into()));
    let extras: Vec<_> = chat
        .extras
        .iter()
        .map(|e| (e.dialect, e.name.as_str()))
        .collect();
    assert_eq!(
        extras,
        [
            (Dialect::MistralChat, "safe_prompt"),
            (Dialect::MistralChat, "prompt_mode")
        ]
    );
}

#[test]
fn t20_results_and_the_user_message_after_them_are_one_turn() {
    let list = r#"{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"2"}]},{"role":"user","content":"so?"},{"role":"user","content":"well?"}"#;
    let chat = messages(list);
    assert_eq!(chat.turns.len(), 4);
    assert_eq!(chat.turns[2].blocks.len(), 3);
    let roles = send(&chat, &[]).json["messages"].clone();
    let roles: Vec<_> = roles
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["role"].clone())
        .collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user", "user"]);
}

#[test]
fn t12_schemas_and_arguments_keep_their_bytes() {
    let schema = r#"{ "type":"object",  "properties":{"b":{"minimum":1.0},"a":{}} }"#;
    let chat = chat(&format!(
        r#"{{"model":"m","messages":[{{"role":"assistant","tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{{ \"z\": 1, \"a\": 2 }}"}}}}]}}],"tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#
    ));
    let sent = send(&chat, &[]);
    assert!(sent.text.contains(schema));
    assert!(
        sent.text
            .contains(r#""arguments":"{ \"z\": 1, \"a\": 2 }""#)
    );
}

#[test]
fn t7_schemas_are_fitted_for_gemini_only() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"$schema":"s","type":"object","properties":{"$id":{"type":"string"}}}}}]}"#,
    );
    let parameters = |sent: &Sent| sent.json["tools"][0]["function"]["parameters"].clone();
    assert!(parameters(&send(&chat, &[])).get("$schema").is_some());
    assert_eq!(
        parameters(&send(&chat, &[Quirk::SchemaGemini])),
        json!({"type":"object","properties":{"$id":{"type":"string"}}})
    );
}

#[test]
fn t8_nine_character_ids_in_calls_and_results() {
    let chat = messages(
        r#"{"role":"assistant","content":"","tool_calls":[{"id":"toolu_01","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"toolu_01","content":"1"}"#,
    );
    let sent = send(&chat, &[Quirk::NineCharToolIds]);
    let id = sent.json["messages"][0]["tool_calls"][0]["id"]
        .as_str()
        .unwrap();
    assert_eq!(id.len(), 9);
    assert_eq!(sent.json["messages"][1]["tool_call_id"], id);
    assert_eq!(sent.asked.ids, [(id.to_owned(), "toolu_01".to_owned())]);
}

#[test]
fn t9_images_in_tool_results_move_to_the_next_user_message() {
    let image = messages(
        r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}}]}"#,
    );
    let result = Block::ToolResult(ToolResult {
        id: "a".into(),
        content: image.turns[0].blocks.clone(),
        is_error: false,
        form: ToolForm::Function,
        cache: None,
    });
    let mut chat =
        messages(r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]}"#);
    chat.turns.push(Turn::new(Role::User, vec![result]));
    let sent = send(&chat, &[]);
    let list = &sent.json["messages"];
    assert_eq!(list[1]["role"], "tool");
    assert!(list[1]["content"].is_string());
    assert_eq!(
        list[2]["content"][1],
        json!({"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"low"}})
    );
    assert!(sent.dropped.is_empty());
    let inline = send(&chat, &[Quirk::ToolImages]).json["messages"].clone();
    assert_eq!(inline[1]["content"][0]["type"], "image_url");
    assert!(inline.get(2).is_none());
    let blind = send(&chat, &[Quirk::NoImages]);
    assert_eq!(blind.dropped, ["image"]);
    assert!(!blind.text.contains("AAAA"));
}

#[test]
fn t4_sealed_state_goes_back_to_its_provider_and_to_no_other() {
    let state = |provider: &str| State {
        dialect: Dialect::OpenaiChat,
        provider: Some(provider.into()),
        id: None,
        redacted: false,
        data: r#"[ {"type":"reasoning.encrypted","data":"x"} ]"#.into(),
    };
    let message = |provider: &str| {
        let data = serde_json::to_string(&Plain.seal(&state(provider), "hm")).unwrap();
        messages(&format!(
            r#"{{"role":"assistant","content":"x","reasoning_details":[{{"type":"reasoning.encrypted","index":0,"data":{data}}}]}}"#
        ))
    };
    let own = message("lab");
    assert_eq!(
        own.turns[0].blocks[0],
        Block::Reasoning(Reasoning {
            text: "hm".into(),
            state: Some(state("lab"))
        })
    );
    let sent = send(&own, &[Quirk::ReasoningContent]);
    assert!(sent.text.contains(r#""reasoning_content":"hm","reasoning_details":[ {"type":"reasoning.encrypted","data":"x"} ]"#));
    assert!(sent.dropped.is_empty());
    let foreign = send(&message("other"), &[]);
    assert!(!foreign.text.contains("reasoning"));
    assert_eq!(foreign.dropped, ["reasoning_state", "reasoning"]);
}

#[test]
fn t4_native_details_come_back_byte_identical() {
    let details = r#"[{"type":"reasoning.text", "text":"hm","signature":"a\/b"}]"#;
    let chat = messages(&format!(
        r#"{{"role":"assistant","content":"x","reasoning":"hm","reasoning_details":{details}}}"#
    ));
    let sent = send(&chat, &[Quirk::ReasoningText]);
    assert!(sent.text.contains(&format!(
        r#""reasoning":"hm","reasoning_details":{details}"#
    )));
}

#[test]
fn t4_a_seal_without_state_brings_the_text_back() {
    let empty = State {
        dialect: Dialect::OpenaiChat,
        provider: Some("lab".into()),
        id: None,
        redacted: false,
        data: String::new(),
    };
    let data = serde_json::to_string(&Plain.seal(&empty, "hm")).unwrap();
    let chat = messages(&format!(
        r#"{{"role":"assistant","content":"x","reasoning_details":[{{"data":{data}}}]}}"#
    ));
    let thought = Reasoning {
        text: "hm".into(),
        state: None,
    };
    assert_eq!(chat.turns[0].blocks[0], Block::Reasoning(thought));
}

#[test]
fn old_functions_become_tools() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}],"functions":[{"name":"f","parameters":{}}],"function_call":{"name":"f"}}"#,
    );
    assert!(chat.old_functions);
    let sent = send(&chat, &[]);
    let id = &sent.json["messages"][0]["tool_calls"][0]["id"];
    assert_eq!(&sent.json["messages"][1]["tool_call_id"], id);
    assert_eq!(sent.json["tools"][0]["function"]["name"], "f");
    assert_eq!(
        sent.json["tool_choice"],
        json!({"type":"function","function":{"name":"f"}})
    );
    assert_eq!(sent.json["parallel_tool_calls"], false);
}

#[test]
fn custom_tools_and_allowed_tools_are_openais_own() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"custom","custom":{"name":"patch"}},{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"custom","custom":{"name":"patch"}}]}}}"#,
    );
    let own = send(&chat, &[Quirk::OpenaiOwn]).json;
    assert_eq!(
        own["tools"][0],
        json!({"type":"custom","custom":{"name":"patch"}})
    );
    assert_eq!(
        own["tool_choice"]["allowed_tools"]["tools"][0]["type"],
        "custom"
    );
    let other = send(&chat, &[]);
    assert_eq!(other.json["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        other.json["tools"][0]["function"]["parameters"]["required"][0],
        "input"
    );
    assert_eq!(other.json["tool_choice"], "required");
    assert_eq!(other.asked.custom, ["patch"]);
    let router = send(&chat, &[Quirk::OpenaiOwn, Quirk::FunctionsOnly]);
    assert_eq!(router.json["tools"], other.json["tools"]);
    assert_eq!(router.asked.custom, ["patch"]);
}

#[test]
fn namespaces_are_flattened() {
    let tool = Tool::Function(Function {
        name: "read".into(),
        ..Function::default()
    });
    let mut chat = messages(r#"{"role":"user","content":"x"}"#);
    chat.tools = vec![Tool::Namespace {
        name: "fs".into(),
        description: None,
        tools: vec![tool],
    }];
    let sent = send(&chat, &[]);
    assert_eq!(sent.json["tools"][0]["function"]["name"], "fs__read");
    assert_eq!(
        sent.asked.renamed,
        [("fs__read".into(), "fs".into(), "read".into())]
    );
}

#[test]
fn every_limit_quirk_is_obeyed_and_noted() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"developer","content":"d"},{"role":"user","content":"x"},{"role":"system","content":"s"}],"stream":true,"max_completion_tokens":5,"temperature":0.5,"top_k":4,"seed":1,"stop":["a"],"n":2,"reasoning_effort":"high","parallel_tool_calls":false,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"function","function":{"name":"g"}},"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},"prompt_cache_key":"k","logit_bias":{"1":2},"store":true}"#,
    );
    let sent = send(
        &chat,
        &[
            Quirk::MaxTokens,
            Quirk::NoDeveloper,
            Quirk::SystemFirst,
            Quirk::NoStreamOptions,
            Quirk::NoParallelToolCalls,
            Quirk::NoForcedTool,
            Quirk::NoJsonSchema,
            Quirk::NoSampling,
            Quirk::NoStop,
            Quirk::NoSeed,
            Quirk::ClosedBody,
            Quirk::NoReasoningEffort,
        ],
    );
    assert_eq!(
        sent.json,
        json!({"model":"up","messages":[{"role":"system","content":"d"},{"role":"user","content":"x"},{"role":"user","content":"s"}],
            "stream":true,"tools":[{"type":"function","function":{"name":"g"}}],"tool_choice":"auto",
            "response_format":{"type":"json_object"},"max_tokens":5,"logit_bias":{"1":2}})
    );
    assert_eq!(
        sent.dropped,
        [
            "tool_choice",
            "parallel_tool_calls",
            "response_format.json_schema",
            "reasoning_effort",
            "temperature",
            "top_k",
            "seed",
            "stop",
            "n",
            "prompt_cache_key",
            "store"
        ]
    );
}

#[test]
fn openai_gets_what_it_documents_and_nothing_else() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"developer","content":[{"type":"text","text":"d","cache_control":{"type":"ephemeral","ttl":"1h"}}]},{"role":"user","content":"x","name":"n"}],"stream":true,"stream_options":{"include_obfuscation":false},"max_tokens":5,"top_k":4,"reasoning_effort":"low","verbosity":"low","safe_prompt":true,"custom_field":1,"store":true}"#,
    );
    let sent = send(&chat, &[Quirk::OpenaiOwn]);
    assert_eq!(
        sent.json,
        json!({"model":"up","messages":[{"role":"developer","content":[{"type":"text","text":"d","prompt_cache_breakpoint":{"mode":"explicit"}}]},{"role":"user","name":"n","content":"x"}],
            "stream":true,"stream_options":{"include_usage":true},"reasoning_effort":"low","max_completion_tokens":5,"verbosity":"low","store":true})
    );
    assert_eq!(
        sent.dropped,
        [
            "cache_control",
            "top_k",
            "stream_options.include_obfuscation",
            "safe_prompt",
            "custom_field"
        ]
    );
}

#[test]
fn t11_cache_marks_survive_where_they_mean_something() {
    let chat = messages(
        r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b"}]}"#,
    );
    let Block::Text(text) = &chat.turns[0].blocks[0] else {
        panic!()
    };
    assert_eq!(text.cache, Some(CacheMark::OneHour));
    let marked = send(&chat, &[Quirk::CacheControl]).json["messages"][0]["content"].clone();
    assert_eq!(marked[0]["cache_control"]["ttl"], "1h");
    assert_eq!(marked[1], json!({"type":"text","text":"b"}));
    let sent = send(&chat, &[]);
    assert_eq!(
        sent.json["messages"][0]["content"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(sent.dropped, ["cache_control"]);
    let joined = send(&chat, &[Quirk::NoTextParts]).json["messages"][0]["content"].clone();
    assert_eq!(joined, "a\n\nb");
}

#[test]
fn order_is_repaired_where_the_template_is_strict() {
    let chat = messages(
        r#"{"role":"assistant","content":"t","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"so?"}"#,
    );
    let sent = send(&chat, &[Quirk::TextOrCalls, Quirk::NoUserAfterTool]);
    let list = sent.json["messages"].as_array().unwrap();
    let roles: Vec<_> = list
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        ["assistant", "assistant", "tool", "assistant", "user"]
    );
    assert!(list[0].get("tool_calls").is_none() && list[1]["content"].is_null());
}

#[test]
fn thinking_is_asked_in_the_providers_way() {
    let chat = chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":9000}}"#,
    );
    assert_eq!(chat.reasoning.mode, ReasoningMode::On);
    assert_eq!(send(&chat, &[]).json["reasoning_effort"], "medium");
    assert_eq!(
        send(&chat, &[Quirk::ThinkingSwitch]).json["thinking"],
        json!({"type":"enabled"})
    );
    assert_eq!(
        send(&chat, &[Quirk::NoReasoningEffort]).dropped,
        ["thinking"]
    );
    let router = super::chat(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning":{"effort":"high"}}"#,
    );
    assert_eq!(router.reasoning.effort, Some(Effort::High));
}

#[test]
fn files_audio_and_unknown_parts() {
    let chat = messages(
        r#"{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}},{"type":"input_audio","input_audio":{"data":"BB","format":"mp3"}},{"type":"hologram","x":[1, 2]}]}"#,
    );
    let sent = send(&chat, &[Quirk::Documents]);
    assert!(sent.text.contains(r#"{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}}"#));
    assert!(sent.text.contains(r#"{"type":"hologram","x":[1, 2]}"#));
    let without = send(&chat, &[]);
    assert_eq!(without.dropped, ["document"]);
    assert!(!without.text.contains("base64"));
}

#[test]
fn echoes_of_answers_are_no_trouble() {
    let chat = messages(
        r#"{"role":"assistant","content":"x","refusal":null,"annotations":[],"audio":null,"tool_calls":[],"phase":"final"}"#,
    );
    assert_eq!(chat.turns[0].blocks.len(), 2);
    assert_eq!(
        send(&chat, &[]).json["messages"][0],
        json!({"role":"assistant","content":"x","phase":"final"})
    );
    assert_eq!(send(&chat, &[Quirk::ClosedBody]).dropped, ["message.phase"]);
}

#[test]
fn extras_of_other_dialects_are_carried_or_noted() {
    let mut chat = messages(r#"{"role":"user","content":"x"}"#);
    let extra = |dialect, name: &str| Extra {
        dialect,
        name: name.into(),
        value: Raw::of(&1),
    };
    chat.extras = vec![
        extra(Dialect::MistralChat, "prediction"),
        extra(Dialect::AnthropicMessages, "metadata"),
        extra(Dialect::OpenaiResponses, "text.verbosity"),
    ];
    chat.tool_choice = Some(ToolChoice::Auto);
    let sent = send(&chat, &[]);
    assert_eq!(sent.json["prediction"], 1);
    assert_eq!(sent.json["verbosity"], 1);
    assert!(sent.json.get("tool_choice").is_none());
    assert_eq!(sent.dropped, ["metadata"]);
}

const CALLED: &str = r#"{"role":"user","content":"Hi"},{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"r"},{"role":"assistant","content":null,"tool_calls":[{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"b","content":"r"},{"role":"assistant","content":"x"},{"role":"user","content":"So?"}"#;

#[test]
fn reasoning_replay_puts_the_field_beside_every_list_of_calls() {
    let quirks = [Quirk::ReasoningContent, Quirk::ReasoningReplay];
    let sent = send(&messages(CALLED), &quirks).json;
    assert_eq!(sent["messages"][1]["reasoning_content"], "hm");
    assert_eq!(sent["messages"][3]["reasoning_content"], "");
    assert!(sent["messages"][5].get("reasoning_content").is_none());
    let sent = send(&messages(CALLED), &[Quirk::ReasoningContent]).json;
    assert!(sent["messages"][3].get("reasoning_content").is_none());
}

#[test]
fn reasoning_split_is_asked_for_and_goes_back_as_details() {
    let sent = send(&messages(CALLED), &[Quirk::ReasoningSplit]);
    assert_eq!(sent.json["reasoning_split"], true);
    assert_eq!(
        sent.json["messages"][1]["reasoning_details"],
        json!([{"type": "reasoning.text", "index": 0, "text": "hm"}])
    );
    assert!(sent.dropped.is_empty(), "{:?}", sent.dropped);
}
