//! What a call can say, in the words of each door: one row for each feature.
//!
//! A cell holds members of the body; what every body needs is added to it. An empty cell says
//! that the dialect has no words for the feature.

pub(crate) struct Feature {
    pub(crate) name: &'static str,
    /// In the order of the matrix's doors.
    pub(crate) said: [&'static str; 4],
}

pub(super) const fn feature(
    name: &'static str,
    chat: &'static str,
    responses: &'static str,
    messages: &'static str,
    mistral: &'static str,
) -> Feature {
    Feature {
        name,
        said: [chat, responses, messages, mistral],
    }
}

/// Said alike at both chat completions doors.
pub(super) const fn chats(name: &'static str, both: &'static str) -> Feature {
    feature(name, both, "", "", both)
}

/// Of chats, in the order of [`super::DOORS`].
pub(crate) const CHATS: &[Feature] = &[
    feature(
        "text",
        r#""x":null"#,
        r#""x":null"#,
        r#""x":null"#,
        r#""x":null"#,
    ),
    feature(
        "several text blocks",
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_text","text":"A"},{"type":"input_text","text":"B"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]"#,
    ),
    feature(
        "system first",
        r#""messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]"#,
        r#""instructions":"Be brief.","input":"Hi""#,
        r#""system":"Be brief.""#,
        r#""messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]"#,
    ),
    feature(
        "developer role",
        r#""messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"}]"#,
        r#""input":[{"role":"developer","content":"Be brief."},{"role":"user","content":"Hi"}]"#,
        "",
        "",
    ),
    feature(
        "system later",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"},{"role":"system","content":"In French."},{"role":"user","content":"Bye"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"},{"role":"system","content":"In French."},{"role":"user","content":"Bye"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"},{"role":"system","content":"In French."},{"role":"user","content":"Bye"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yo"},{"role":"system","content":"In French."},{"role":"user","content":"Bye"}]"#,
    ),
    feature(
        "message name",
        r#""messages":[{"role":"user","name":"ada","content":"Hi"}]"#,
        "",
        "",
        "",
    ),
    feature(
        "prefill",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"He","prefix":true}]"#,
        "",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"He"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"He","prefix":true}]"#,
    ),
    feature(
        "function tool",
        r#""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object", "properties":{"z":{"type":"number"},"a":{}}}}}]"#,
        r#""tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object", "properties":{"z":{"type":"number"},"a":{}}},"strict":false}]"#,
        r#""tools":[{"name":"f","description":"d","input_schema":{"type":"object", "properties":{"z":{"type":"number"},"a":{}}}}]"#,
        r#""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object", "properties":{"z":{"type":"number"},"a":{}}}}}]"#,
    ),
    feature(
        "strict tool",
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":true}}]"#,
        r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":true}]"#,
        r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{},"additionalProperties":false},"strict":true}]"#,
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":true}}]"#,
    ),
    feature(
        "tool without properties",
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#,
        r#""tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":false}]"#,
        r#""tools":[{"name":"f","input_schema":{"type":"object"}}]"#,
        r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]"#,
    ),
    feature(
        "custom tool",
        r#""tools":[{"type":"custom","custom":{"name":"p","description":"d"}}]"#,
        r#""tools":[{"type":"custom","name":"p","description":"d"}]"#,
        "",
        "",
    ),
    feature(
        "custom tool grammar",
        r#""tools":[{"type":"custom","custom":{"name":"p","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: /a/"}}}}]"#,
        r#""tools":[{"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark","definition":"start: /a/"}}]"#,
        "",
        "",
    ),
    feature(
        "tool namespace",
        "",
        r#""tools":[{"type":"namespace","name":"ns","description":"d","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]}]"#,
        "",
        "",
    ),
    feature(
        "hosted tool",
        "",
        r#""tools":[{"type":"web_search","external_web_access":false}]"#,
        r#""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":2}]"#,
        "",
    ),
    feature(
        "tool choice: none",
        concat!(
            r#""tool_choice":"none","#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
        concat!(
            r#""tool_choice":"none","#,
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"none"},"#,
            r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]"#
        ),
        concat!(
            r#""tool_choice":"none","#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
    ),
    feature(
        "tool choice: any",
        concat!(
            r#""tool_choice":"required","#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
        concat!(
            r#""tool_choice":"required","#,
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"any"},"#,
            r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]"#
        ),
        concat!(
            r#""tool_choice":"any","#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
    ),
    feature(
        "tool choice: named",
        concat!(
            r#""tool_choice":{"type":"function","function":{"name":"f"}},"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"function","name":"f"},"#,
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"tool","name":"f"},"#,
            r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"function","function":{"name":"f"}},"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
    ),
    feature(
        "tool choice: allowed tools",
        concat!(
            r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]},"#,
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false},{"type":"function","name":"g","parameters":{"type":"object","properties":{}},"strict":false}]"#
        ),
        "",
        "",
    ),
    feature(
        "one tool at a time",
        concat!(
            r#""parallel_tool_calls":false,"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
        concat!(
            r#""parallel_tool_calls":false,"#,
            r#""tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":false}]"#
        ),
        concat!(
            r#""tool_choice":{"type":"auto","disable_parallel_tool_use":true},"#,
            r#""tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]"#
        ),
        concat!(
            r#""parallel_tool_calls":false,"#,
            r#""tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#
        ),
    ),
    feature(
        "parallel calls and results",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ok","tool_calls":[{"id":"aaaaaaaa1","type":"function","function":{"name":"f","arguments":"{\"b\": 1.0}"}},{"id":"aaaaaaaa2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"aaaaaaaa1","content":"1"},{"role":"tool","tool_call_id":"aaaaaaaa2","content":"2"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ok"},{"type":"function_call","call_id":"aaaaaaaa1","name":"f","arguments":"{\"b\": 1.0}"},{"type":"function_call","call_id":"aaaaaaaa2","name":"g","arguments":"{}"},{"type":"function_call_output","call_id":"aaaaaaaa1","output":"1"},{"type":"function_call_output","call_id":"aaaaaaaa2","output":"2"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Ok"},{"type":"tool_use","id":"aaaaaaaa1","name":"f","input":{"b": 1.0}},{"type":"tool_use","id":"aaaaaaaa2","name":"g","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"aaaaaaaa1","content":"1"},{"type":"tool_result","tool_use_id":"aaaaaaaa2","content":"2"}]}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ok","tool_calls":[{"id":"aaaaaaaa1","type":"function","function":{"name":"f","arguments":"{\"b\": 1.0}"}},{"id":"aaaaaaaa2","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"aaaaaaaa1","content":"1"},{"role":"tool","tool_call_id":"aaaaaaaa2","content":"2"}]"#,
    ),
    feature(
        "long call ids",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_0123456789abcdef","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0123456789abcdef","content":"1"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"call_0123456789abcdef","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_0123456789abcdef","output":"1"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_0123456789abcdef","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_0123456789abcdef","content":"1"}]}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":[{"id":"call_0123456789abcdef","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_0123456789abcdef","content":"1"}]"#,
    ),
    feature(
        "user text after results",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"aaaaaaaa1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"aaaaaaaa1","content":"1"},{"role":"user","content":"Go on"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"aaaaaaaa1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"aaaaaaaa1","output":"1"},{"role":"user","content":"Go on"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"aaaaaaaa1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"aaaaaaaa1","content":"1"},{"type":"text","text":"Go on"}]}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"","tool_calls":[{"id":"aaaaaaaa1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"aaaaaaaa1","content":"1"},{"role":"user","content":"Go on"}]"#,
    ),
    feature(
        "failed tool",
        "",
        "",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"aaaaaaaa1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"aaaaaaaa1","content":"1","is_error":true}]}]"#,
        "",
    ),
    feature(
        "image in a tool result",
        "",
        r#""input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"aaaaaaaa1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"aaaaaaaa1","output":[{"type":"input_image","image_url":"data:image/png;base64,iVBO"}]}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"aaaaaaaa1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"aaaaaaaa1","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}]}]"#,
        "",
    ),
    feature(
        "custom tool call",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"aaaaaaaa1","type":"custom","custom":{"name":"p","input":"a\"b"}}]},{"role":"tool","tool_call_id":"aaaaaaaa1","content":"1"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"type":"custom_tool_call","call_id":"aaaaaaaa1","name":"p","input":"a\"b"},{"type":"custom_tool_call_output","call_id":"aaaaaaaa1","output":"1"}]"#,
        "",
        "",
    ),
    feature(
        "namespaced call",
        "",
        r#""input":[{"role":"user","content":"Hi"},{"type":"function_call","call_id":"aaaaaaaa1","namespace":"ns","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"aaaaaaaa1","output":"1"}]"#,
        "",
        "",
    ),
    feature(
        "hosted tool call",
        "",
        r#""input":[{"role":"user","content":"Hi"},{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"x"}},{"role":"assistant","content":"Ok"},{"role":"user","content":"Go on"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"Ok"}]},{"role":"user","content":"Go on"}]"#,
        "",
    ),
    feature(
        "reasoning text",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","reasoning_content":"Hm.","content":"Yo"},{"role":"user","content":"Bye"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}]},{"role":"assistant","content":"Yo"},{"role":"user","content":"Bye"}]"#,
        "",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"Yo"}]},{"role":"user","content":"Bye"}]"#,
    ),
    feature(
        "reasoning state",
        "",
        r#""input":[{"role":"user","content":"Hi"},{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"gAAA"},{"role":"assistant","content":"Yo"},{"role":"user","content":"Bye"}]"#,
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"EqQB"},{"type":"text","text":"Yo"}]},{"role":"user","content":"Bye"}]"#,
        "",
    ),
    feature(
        "thought signature of a call",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"extra_content":{"google":{"thought_signature":"CsEB"}},"id":"aB3dE6gH1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"aB3dE6gH1","content":"r"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#,
        "",
        "",
        "",
    ),
    feature(
        "redacted reasoning",
        "",
        "",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"redacted_thinking","data":"EmwK"},{"type":"text","text":"Yo"}]},{"role":"user","content":"Bye"}]"#,
        "",
    ),
    feature(
        "image by URL",
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://example.com/a.png"}]}]"#,
    ),
    feature(
        "image in base64",
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,iVBO"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,iVBO"}]}]"#,
    ),
    feature(
        "image detail",
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png","detail":"low"}]}]"#,
        "",
        r#""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}}]}]"#,
    ),
    feature(
        "document by URL",
        "",
        r#""input":[{"role":"user","content":[{"type":"input_file","file_url":"https://example.com/a.pdf"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"document_url","document_url":"https://example.com/a.pdf"}]}]"#,
    ),
    feature(
        "document in base64",
        r#""messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"a.pdf"}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"document_url","document_url":"data:application/pdf;base64,JVBE","document_name":"a.pdf"}]}]"#,
    ),
    feature(
        "document as text",
        "",
        "",
        r#""messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"Words."}}]}]"#,
        "",
    ),
    feature(
        "audio",
        r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#,
        "",
        "",
        r#""messages":[{"role":"user","content":[{"type":"input_audio","input_audio":"UklG"}]}]"#,
    ),
    feature(
        "part of an unknown type",
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"hologram","x":1}]}]"#,
        r#""input":[{"role":"user","content":[{"type":"input_text","text":"A"},{"type":"hologram","x":1}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"hologram","x":1}]}]"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"hologram","x":1}]}]"#,
    ),
    feature(
        "refusal in the history",
        r#""messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"refusal":"No."},{"role":"user","content":"Bye"}]"#,
        r#""input":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"refusal","refusal":"No."}]},{"role":"user","content":"Bye"}]"#,
        "",
        "",
    ),
    feature(
        "cache mark",
        "",
        "",
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A","cache_control":{"type":"ephemeral"}}]}]"#,
        "",
    ),
    feature(
        "cache mark for an hour",
        "",
        "",
        r#""messages":[{"role":"user","content":[{"type":"text","text":"A","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]"#,
        "",
    ),
    feature(
        "cache mark on the whole",
        "",
        "",
        r#""cache_control":{"type":"ephemeral"}"#,
        "",
    ),
    feature(
        "cache key",
        r#""prompt_cache_key":"k""#,
        r#""prompt_cache_key":"k""#,
        "",
        r#""prompt_cache_key":"k""#,
    ),
    feature(
        "JSON object",
        r#""response_format":{"type":"json_object"}"#,
        r#""text":{"format":{"type":"json_object"}}"#,
        "",
        r#""response_format":{"type":"json_object"}"#,
    ),
    feature(
        "JSON schema",
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object", "properties":{"z":{},"a":{}}},"strict":true}}"#,
        r#""text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object", "properties":{"z":{},"a":{}}},"strict":true}}"#,
        r#""output_config":{"format":{"type":"json_schema","schema":{"type":"object", "properties":{"z":{},"a":{}}}}}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object", "properties":{"z":{},"a":{}}},"strict":true}}"#,
    ),
    feature(
        "JSON schema with bounds",
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"additionalProperties":false}}}"#,
        r#""text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"additionalProperties":false}}}"#,
        r#""output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"additionalProperties":false}}}"#,
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"integer","minimum":0}},"additionalProperties":false}}}"#,
    ),
    feature(
        "effort",
        r#""reasoning_effort":"high""#,
        r#""reasoning":{"effort":"high"}"#,
        r#""output_config":{"effort":"high"}"#,
        r#""reasoning_effort":"high""#,
    ),
    feature(
        "no reasoning",
        r#""reasoning_effort":"none""#,
        r#""reasoning":{"effort":"none"}"#,
        r#""thinking":{"type":"disabled"}"#,
        r#""reasoning_effort":"none""#,
    ),
    feature(
        "adaptive reasoning",
        "",
        "",
        r#""thinking":{"type":"adaptive"}"#,
        "",
    ),
    feature(
        "reasoning budget",
        "",
        "",
        r#""max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000}"#,
        "",
    ),
    feature(
        "reasoning shown",
        "",
        r#""reasoning":{"summary":"detailed"}"#,
        r#""thinking":{"type":"adaptive","display":"omitted"}"#,
        "",
    ),
];
