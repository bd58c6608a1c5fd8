//! Which requests ask for what is billed by the piece.

use super::{Hosted, HostedTool, USES_ASSUMED};
use crate::Dialect::{self, AnthropicMessages, MistralChat, OpenaiChat, OpenaiResponses};
use crate::head::Head;
use crate::usage::{SearchContext, Unit, Units};

fn hosted(dialect: Dialect, members: &str) -> Hosted {
    let body = format!("{{\"model\":\"m\",{members}}}");
    Hosted::of(dialect, &Head::scan(&body.into()).unwrap()).unwrap()
}

#[track_caller]
fn check(dialect: Dialect, members: &str, expected: &[(&str, Option<Unit>)]) {
    let found = hosted(dialect, members);
    let found: Vec<_> = found
        .tools
        .iter()
        .map(|t| (t.name.as_str(), t.unit))
        .collect();
    assert_eq!(found, expected, "{members}");
}

#[test]
fn the_clients_own_tools_are_not_hosted() {
    check(OpenaiChat, r#""messages":[]"#, &[]);
    check(OpenaiChat, r#""tools":[{"type":"function"}]"#, &[]);
    check(AnthropicMessages, r#""tools":[{"name":"web_search"}]"#, &[]);
    let own = r#""tools":[{"type":"custom","name":"a"},{"type":"bash_20250124","name":"bash"}]"#;
    check(AnthropicMessages, own, &[]);
    let own = r#""tools":[{"type":"namespace","tools":[]},{"type":"local_shell"},
        {"type":"shell","environment":{"type":"local"}}]"#;
    check(OpenaiResponses, own, &[]);
}

#[test]
fn a_shell_without_a_container_is_the_clients_own() {
    check(OpenaiResponses, r#""tools":[{"type":"shell"}]"#, &[]);
    let nowhere = r#""tools":[{"type":"shell","environment":null}]"#;
    check(OpenaiResponses, nowhere, &[]);
    for place in ["container_auto", "container_reference"] {
        let hosted = format!(r#""tools":[{{"type":"shell","environment":{{"type":"{place}"}}}}]"#);
        check(OpenaiResponses, &hosted, &[("shell", None)]);
    }
}

#[test]
fn hosted_tools_say_what_they_are_billed_by() {
    use Unit::{CodeRun, FileSearch, Image, Source, WebSearch, XSearch};
    let tool = |kind: &str| format!(r#""tools":[{{"type":"function"}},{{"type":"{kind}"}}]"#);
    for (dialect, kind, unit) in [
        (AnthropicMessages, "web_search_20260318", Some(WebSearch)),
        (AnthropicMessages, "code_execution_20250825", None),
        (AnthropicMessages, "advisor_20260301", None),
        (OpenaiResponses, "web_search", Some(WebSearch)),
        (OpenaiResponses, "web_search_2025_08_26", Some(WebSearch)),
        (OpenaiResponses, "web_search_preview", None),
        (OpenaiResponses, "x_search", Some(XSearch)),
        (OpenaiResponses, "file_search", Some(FileSearch)),
        (OpenaiResponses, "code_interpreter", Some(CodeRun)),
        (OpenaiResponses, "image_generation", Some(Image)),
        (OpenaiChat, "browser_search", None),
        (OpenaiChat, "builtin_function", None),
        (MistralChat, "web_search", Some(WebSearch)),
    ] {
        check(dialect, &tool(kind), &[(kind, unit)]);
    }
    let escaped = r#""t\u006fols":[{"typ\u0065":"web\u005fsearch"}]"#;
    check(OpenaiResponses, escaped, &[("web_search", Some(WebSearch))]);
    for (field, name, unit) in [
        (r#""search_parameters":{}"#, "search_parameters", Source),
        (r#""enable_search":true"#, "enable_search", WebSearch),
        (r#""plugins":[{"id":"web"}]"#, "plugins.web", WebSearch),
    ] {
        check(OpenaiChat, field, &[(name, Some(unit))]);
    }
    check(OpenaiChat, r#""search_parameters":{"mode":"off"}"#, &[]);
    check(
        OpenaiChat,
        r#""enable_search":false,"web_search_options":null"#,
        &[],
    );
}

#[test]
fn code_is_free_beside_the_searches_that_run_it() {
    let tools = |search: &str| {
        format!(r#""tools":[{{"type":"{search}"}},{{"type":"code_execution_20260120"}}]"#)
    };
    let search = Some(Unit::WebSearch);
    check(
        AnthropicMessages,
        &tools("web_search_20260209"),
        &[("web_search_20260209", search)],
    );
    check(AnthropicMessages, &tools("web_fetch_20260209"), &[]);
    check(
        AnthropicMessages,
        &tools("web_search_20250305"),
        &[
            ("web_search_20250305", search),
            ("code_execution_20260120", None),
        ],
    );
}

#[test]
fn a_search_of_every_answer_is_a_fee_for_the_request() {
    let options = r#""web_search_options":{"search_context_size":"high","search_type":"pro"}"#;
    let found = hosted(OpenaiChat, options);
    assert_eq!(found.search_context, SearchContext::High);
    let unpriced = |tool: Option<&HostedTool>| tool.map(|tool| tool.name.clone());
    assert_eq!(
        unpriced(found.unpriced(|unit| unit == Unit::Request)).as_deref(),
        Some("web_search_options.search_type")
    );
    let plain = hosted(OpenaiChat, r#""web_search_options":{}"#);
    assert_eq!(unpriced(plain.unpriced(|unit| unit == Unit::Request)), None);
}

#[test]
fn m8_recordings_are_billed_by_what_is_heard() {
    let said = |part: &str| format!(r#""messages":[{{"role":"user","content":[{part}]}}]"#);
    let audio = [(super::RECORDINGS, Some(Unit::Audio))];
    for (dialect, part) in [
        (
            OpenaiChat,
            r#"{"type":"input_audio","input_audio":{"data":"QQ","format":"wav"}}"#,
        ),
        (
            OpenaiChat,
            r#"{"type":"audio_url","audio_url":{"url":"https://a"}}"#,
        ),
        (MistralChat, r#"{"type":"input_audio","input_audio":"QQ"}"#),
        (
            OpenaiResponses,
            r#"{"type":"input_audio","input_audio":{"data":"QQ","format":"wav"}}"#,
        ),
    ] {
        check(dialect, &said(part), &audio);
        let bound = hosted(dialect, &said(part)).uses_max();
        assert_eq!(bound, Units::of(Unit::Audio, super::AUDIO_MAX));
    }
    check(
        OpenaiChat,
        &said(r#"{"type":"text","text":"input_audio"}"#),
        &[],
    );
    let tool = r#""tools":[{"type":"function","function":{"name":"input_audio","parameters":{"properties":{"input_audio":{}}}}}]"#;
    check(OpenaiChat, tool, &[]);
    let (heard, searched) = (
        hosted(
            MistralChat,
            &said(r#"{"type":"input_audio","input_audio":"QQ"}"#),
        ),
        hosted(OpenaiResponses, r#""tools":[{"type":"web_search"}]"#),
    );
    assert!(heard.tools[0].is_carried(OpenaiChat) && !heard.tools[0].is_carried(AnthropicMessages));
    assert!(!searched.tools[0].is_carried(OpenaiChat));
}

#[test]
fn uses_are_bounded_by_the_request_or_by_an_assumption() {
    let max = |dialect, members: &str| hosted(dialect, members).uses_max();
    let limited = r#""tools":[{"type":"web_search_20250305","max_uses":3}]"#;
    assert_eq!(
        max(AnthropicMessages, limited),
        Units::of(Unit::WebSearch, 3)
    );
    let calls = r#""max_tool_calls":2,"tools":[{"type":"file_search"}]"#;
    assert_eq!(max(OpenaiResponses, calls), Units::of(Unit::FileSearch, 2));
    let open = r#""tools":[{"type":"web_search"}]"#;
    assert_eq!(
        max(OpenaiResponses, open),
        Units::of(Unit::WebSearch, USES_ASSUMED)
    );
    // No limit of the door's own limits nothing.
    for dialect in [OpenaiResponses, OpenaiChat, MistralChat] {
        let foreign = r#""tools":[{"type":"web_search","max_uses":0}]"#;
        let assumed = Units::of(Unit::WebSearch, USES_ASSUMED);
        assert_eq!(max(dialect, foreign), assumed, "{dialect:?}");
    }
    let foreign = r#""max_tool_calls":0,"tools":[{"type":"web_search_20250305"}]"#;
    assert_eq!(
        max(AnthropicMessages, foreign),
        Units::of(Unit::WebSearch, USES_ASSUMED)
    );
}

#[test]
fn tools_that_cannot_be_read_are_refused_and_not_waved_through() {
    for members in [
        r#""tools":{"type":"web_search"}"#,
        r#""tools":[{"type":"function","type":"web_search"}]"#,
        r#""tools":[{"type":["web_search"]}]"#,
        r#""plugins":[{}]"#,
    ] {
        let body = format!("{{\"model\":\"m\",{members}}}");
        let head = Head::scan(&body.into()).unwrap();
        let fault = Hosted::of(OpenaiResponses, &head).unwrap_err();
        let field = fault.param.as_deref();
        assert!(matches!(field, Some("tools" | "plugins")), "{fault:?}");
    }
}

#[test]
fn items_of_answers_are_uses_of_what_they_ran() {
    let search = |action| format!(r#"{{"type":"web_search_call","action":{{"type":"{action}"}}}}"#);
    let openai = |kind, raw: &str| super::used(OpenaiResponses, kind, raw);
    assert_eq!(
        openai("web_search_call", &search("search")),
        Some(Unit::WebSearch)
    );
    assert_eq!(openai("web_search_call", &search("open_page")), None);
    assert_eq!(openai("web_search_call", "{}"), Some(Unit::WebSearch));
    assert_eq!(openai("mcp_call", "{}"), None);
    let anthropic = |raw| super::used(AnthropicMessages, "server_tool_use", raw);
    assert_eq!(anthropic(r#"{"name":"web_search"}"#), Some(Unit::WebSearch));
    assert_eq!(anthropic(r#"{"name":"web_fetch"}"#), None);
}

#[test]
fn m8_a_tool_that_the_conversation_defines_is_asked_for() {
    let search = [("web_search_20250305", Some(Unit::WebSearch))];
    let added = |kind: &str| {
        let tool = r#"{"type":"web_search_20250305","name":"web_search"}"#;
        format!(
            r#"{{"type":"tool_addition","tool":{{"definition":{tool},"{kind}":"tool_definition"}}}}"#
        )
    };
    for part in [added("type"), added("typ\\u0065")] {
        let turns = format!(r#""messages":[{{"role":"system","content":[{part}]}}]"#);
        check(AnthropicMessages, &turns, &search);
        check(AnthropicMessages, &format!(r#""system":[{part}]"#), &search);
    }
    let image = [("image_generation", Some(Unit::Image))];
    for kind in [
        "additional_tools",
        "tool_search_output",
        "additional\\u005ftools",
    ] {
        let item = format!(r#"{{"type":"{kind}","tools":[{{"type":"image_generation"}}]}}"#);
        check(OpenaiResponses, &format!(r#""input":[{item}]"#), &image);
    }
    // A word of a text defines nothing, and the client's own tools are its own.
    let told = r#""messages":[{"role":"user","content":"tool_definition"}]"#;
    check(AnthropicMessages, told, &[]);
    let own = r#""input":[{"type":"tool_search_output","tools":[{"type":"function","name":"f"}]},
        {"type":"function_call_output","output":{"tools":[{"type":"image_generation"}],"n":[1,-1,1.5,true,null]}}]"#;
    check(OpenaiResponses, own, &[]);
}

#[test]
fn m8_a_definition_that_cannot_be_read_is_refused() {
    let body = r#"{"model":"m","input":[{"type":"additional_tools","tools":[1]}]}"#;
    let fault = Hosted::of(OpenaiResponses, &Head::scan(&body.into()).unwrap());
    assert_eq!(fault.unwrap_err().param.as_deref(), Some("input"));
}

#[test]
fn m5_what_the_providers_tools_read_is_known() {
    let reads = |dialect, members: &str| hosted(dialect, members).reads;
    for (dialect, members, times) in [
        (
            AnthropicMessages,
            r#""tools":[{"type":"web_fetch_20250910","max_uses":3}]"#,
            3,
        ),
        (
            AnthropicMessages,
            r#""tools":[{"type":"web_search_20250305"},{"type":"mcp_toolset"}]"#,
            40,
        ),
        (
            AnthropicMessages,
            r#""tools":[{"type":"web_fetch_20250910","max_uses":1000000}]"#,
            100,
        ),
        (
            AnthropicMessages,
            r#""thread":{"type":"continue"},"mcp_servers":null"#,
            20,
        ),
        (
            AnthropicMessages,
            r#""tools":[{"type":"bash_20250124"},{"type":"custom"}]"#,
            0,
        ),
        (
            OpenaiResponses,
            r#""tools":[{"type":"mcp"}],"max_tool_calls":2"#,
            2,
        ),
        (
            OpenaiResponses,
            r#""tools":[{"type":"image_generation"},{"type":"tool_search"}]"#,
            0,
        ),
        (OpenaiResponses, r#""tools":[{"type":"file_search"}]"#, 20),
        (OpenaiChat, r#""search_parameters":{}"#, 20),
        (OpenaiChat, r#""web_search_options":{}"#, 0),
        (OpenaiChat, r#""thread":"t","container":"c""#, 0),
    ] {
        assert_eq!(reads(dialect, members), times, "{members}");
    }
}
