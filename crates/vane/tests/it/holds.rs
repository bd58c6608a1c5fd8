//! How much is held for a call before anyone is asked: never less than it may cost.

use serde_json::json;
use vane_catalog::Money;
use vane_testkit::Answer;

use crate::client::Ask;
use crate::till::Till;
use crate::world::World;

/// A world whose models have a context of 100,000 tokens, for which ten cents are held; those of
/// embeddings have one of 8,192.
pub(crate) async fn windowed() -> World {
    World::with(|config| {
        let providers = config.providers.iter_mut();
        for model in providers.flat_map(|provider| &mut provider.models) {
            let window = if model.embeddings { 8_192 } else { 100_000 };
            model.context_window = Some(window);
        }
    })
    .await
}

/// What a caller is told that the call may cost who has next to nothing.
async fn may_cost(world: &World, key: &str, path: &str, body: &str) -> Money {
    let reply = world.ask(&Ask::post(path, body).key(key)).await;
    let said = reply.text();
    let (_, amount) = said.split_once("may cost up to $").expect(said);
    let is_digit = |c: char| c.is_ascii_digit() || c == '.';
    let (amount, _) = amount.split_once(|c| !is_digit(c)).expect(said);
    Money::parse(amount).unwrap()
}

/// Asks of each row whether its hold lies within its bounds, in dollars.
async fn check(rows: &[(&str, &str, &str, &str)]) {
    let world = windowed().await;
    world.fake.always(Answer::text("Hello"));
    let payer = world.key_with("0.000001");
    for (path, body, least, most) in rows {
        let held = may_cost(&world, payer.expose(), path, body).await;
        let within = Money::parse(least).unwrap()..Money::parse(most).unwrap();
        assert!(within.contains(&held), "{path} {body}: {held}");
    }
    assert!(world.fake.calls().is_empty());
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";
const MISTRAL: &str = "/mistral/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";
const EMBEDDINGS: &str = "/v1/embeddings";

/// Where, with which limits, and between which amounts the hold is. 256 tokens are the least without a
/// limit: $0.000512.
const LIMITS: [(&str, &str, [&str; 2]); 14] = [
    (CHAT, r#""max_output_tokens":1"#, FOREIGN),
    (MISTRAL, r#""max_output_tokens":1"#, FOREIGN),
    (MISTRAL, r#""max_completion_tokens":1"#, FOREIGN),
    (RESPONSES, r#""max_tokens":1"#, FOREIGN),
    (RESPONSES, r#""max_completion_tokens":1"#, FOREIGN),
    (COMPLETIONS, r#""max_completion_tokens":1"#, FOREIGN),
    (COMPLETIONS, r#""max_output_tokens":1"#, FOREIGN),
    (
        MESSAGES,
        r#""max_output_tokens":1,"max_tokens":3000"#,
        LARGEST,
    ),
    (
        CHAT,
        r#""max_completion_tokens":1,"max_tokens":3000"#,
        LARGEST,
    ),
    (
        CHAT,
        r#""max_completion_tokens":3000,"max_tokens":1"#,
        LARGEST,
    ),
    (CHAT, r#""max_tokens":1"#, OWN),
    (RESPONSES, r#""max_output_tokens":1"#, OWN),
    (COMPLETIONS, r#""max_tokens":1"#, OWN),
    (
        COMPLETIONS,
        r#""max_tokens":1,"max_completion_tokens":3000"#,
        OWN,
    ),
];
const FOREIGN: [&str; 2] = ["0.0005", "0.001"];
const LARGEST: [&str; 2] = ["0.006", "0.0065"];
const OWN: [&str; 2] = ["0", "0.0002"];

#[tokio::test]
async fn a_limit_of_another_door_makes_no_hold_smaller() {
    let bodies = LIMITS.map(|(path, limits, _)| match path {
        COMPLETIONS => format!(r#"{{"model":"lab-m",{limits},"prompt":"Hi"}}"#),
        _ => asked(path, limits, r#""Hi""#),
    });
    let rows = LIMITS.iter().zip(&bodies);
    let rows = rows.map(|((path, _, [least, most]), body)| (*path, body.as_str(), *least, *most));
    check(&rows.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn m5_a_completion_is_never_sent_a_larger_limit_than_it_holds_for() {
    let world = World::start().await;
    world.fake.always(Answer::text("Hello"));
    let limits = json!({"prompt": "Hi", "max_tokens": 1, "max_completion_tokens": 3000});
    for (path, model) in [
        (COMPLETIONS, "codestral-m"),
        (COMPLETIONS, "lab-m"),
        ("/v1/fim/completions", "lab-m"),
        ("/v1/fim/completions", "codestral-m"),
    ] {
        let mut body = limits.clone();
        body["model"] = json!(model);
        world.post(path, body).await.ok();
        let sent = world.fake.calls().pop().unwrap().json();
        assert_eq!(sent["max_tokens"], 1, "{path} {model}: {sent}");
    }
}

#[tokio::test]
async fn m5_no_synonym_of_a_limit_reaches_an_upstream() {
    let world = World::start().await;
    world.fake.always(Answer::text("Hello"));
    let synonyms = [
        "max_output_tokens",
        "max_new_tokens",
        "max_length",
        "n_predict",
        "num_predict",
        "n_cmpl",
    ];
    for (path, model) in [
        (CHAT, "lab-m"),
        (CHAT, "mistral-m"),
        (MISTRAL, "lab-m"),
        (MESSAGES, "claude-m"),
        (COMPLETIONS, "lab-m"),
        (COMPLETIONS, "codestral-m"),
    ] {
        let mut body = json!({"model": model, "max_tokens": 8});
        match path {
            COMPLETIONS => body["prompt"] = json!("Hi"),
            _ => body["messages"] = json!([{"role": "user", "content": "Hi"}]),
        }
        for name in synonyms {
            body[name] = json!(3000);
        }
        let reply = world.post(path, body.clone()).await.ok();
        let sent = world.fake.calls().pop().unwrap().json();
        let dropped = reply.header("vane-dropped").unwrap_or_default();
        for name in synonyms {
            assert_eq!(sent.get(name), None, "{path} {model}: {sent}");
            assert!(dropped.contains(name), "{path} {model}: {dropped}");
        }
        let ask = Ask::post(path, &body).key(&world.key);
        let strict = world.ask(&ask.header("vane-strict", "true")).await;
        assert_eq!(strict.status, 400, "{path} {model}: {}", strict.text());
    }
}

/// A call with this content, as it stands in its only turn.
fn asked(path: &str, limits: &str, content: &str) -> String {
    let (model, turns) = match path {
        MESSAGES => ("claude-m", "messages"),
        MISTRAL => ("mistral-m", "messages"),
        RESPONSES => ("resp-m", "input"),
        _ => ("lab-m", "messages"),
    };
    format!(r#"{{"model":"{model}",{limits},"{turns}":[{{"role":"user","content":{content}}}]}}"#)
}

const DOCUMENTS: [(&str, &str); 14] = [
    (
        MESSAGES,
        r#"{"type":"document","source":{"type":"url","url":"https://a.b/c"}}"#,
    ),
    (
        MESSAGES,
        r#"{"type":"document","source":{"type":"file","file_id":"f"}}"#,
    ),
    (
        MESSAGES,
        r#"{"type":"document","source":{"type":"base64","media_type":"application\/pdf","data":"JQ=="}}"#,
    ),
    (
        MESSAGES,
        r#"{"type":"d\u006fcument","source":{"type":"url","\u0075rl":"https://a.b/c"}}"#,
    ),
    (CHAT, r#"{"type":"file","file":{"file_id":"f"}}"#),
    (
        CHAT,
        r#"{"type":"file","file":{"filename":"a.pdf","file_data":"JVBERi0="}}"#,
    ),
    (
        CHAT,
        r#"{"type":"video_url","video_url":{"url":"https://a.b/c"}}"#,
    ),
    (
        MISTRAL,
        r#"{"type":"document_url","document_url":"https://a.b/c"}"#,
    ),
    (
        MISTRAL,
        r#"{"type":"input_audio","input_audio":"https://a.b/c"}"#,
    ),
    (
        RESPONSES,
        r#"{"type":"input_file","file_url":"https://a.b/c"}"#,
    ),
    (RESPONSES, r#"{"type":"input_file","file_id":"f"}"#),
    (RESPONSES, r#"{"type":"input_file","fi\u006ce_id":"f"}"#),
    (RESPONSES, r#"{"type":"item_reference","id":"i"}"#),
    // Beside the turns.
    (
        RESPONSES,
        r#"{"type":"input_text","text":"Hi"}]}],"prompt":{"id":"p"},"metadata":[{"a":["#,
    ),
];

const PICTURES: [(&str, &str); 5] = [
    (
        MESSAGES,
        r#"{"type":"image","source":{"type":"url","url":"https://a.b/c"}}"#,
    ),
    (
        MESSAGES,
        r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#,
    ),
    (
        CHAT,
        r#"{"type":"image\u005furl","image\u005furl":{"url":"https://a.b/c"}}"#,
    ),
    (RESPONSES, r#"{"type":"input_image","file_id":"f"}"#),
    (
        RESPONSES,
        r#"{"type":"input_image","image_url":"https://a.b/c"}"#,
    ),
];

const TEXTS: [(&str, &str); 4] = [
    (
        MESSAGES,
        r#"{"type":"document","source":{"type":"text","data":"document"}}"#,
    ),
    (
        MESSAGES,
        r#"{"type":"tool_use","id":"t","name":"fetch","input":{"url":"https://a.b/c"}}"#,
    ),
    (
        CHAT,
        r#"{"type":"text","text":"What is a file_url, a file and a document?\n"}"#,
    ),
    // What a client calls its tools, and what they take.
    (
        CHAT,
        r#"{"type":"text","text":"Hi"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object",
            "properties":{"file_url":{"type":"string"},"image":{"type":"string"}},"required":["file_url"]}}}],"metadata":[{"a":["#,
    ),
];

#[tokio::test]
async fn what_a_body_refers_to_is_held_as_the_context() {
    let documents = DOCUMENTS.map(|row| (row, ["0.1", "0.101"]));
    let pictures = PICTURES.map(|row| (row, ["0.016", "0.05"]));
    let texts = TEXTS.map(|row| (row, ["0", "0.001"]));
    let rows: Vec<_> = documents.into_iter().chain(pictures).chain(texts).collect();
    let bodies = rows.iter().map(|((path, part), _)| {
        let limit = match *path {
            RESPONSES => r#""max_output_tokens":16"#,
            _ => r#""max_tokens":16"#,
        };
        asked(path, limit, &format!("[{part}]"))
    });
    let bodies: Vec<String> = bodies.collect();
    let rows = rows.iter().zip(&bodies);
    let rows = rows.map(|(((path, _), [least, most]), body)| (*path, body.as_str(), *least, *most));
    check(&rows.collect::<Vec<_>>()).await;
}

/// What a provider's own tools read is billed as input, and stands in no body.
const READING: [(&str, &str, [&str; 2]); 12] = [
    (
        MESSAGES,
        r#""tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]"#,
        CONTEXT,
    ),
    (
        MESSAGES,
        r#""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":1}]"#,
        SEARCHED,
    ),
    (
        MESSAGES,
        r#""tools":[{"type":"mcp_toolset","mcp_server_name":"a"}]"#,
        CONTEXT,
    ),
    (
        MESSAGES,
        r#""mcp_servers":[{"type":"url","url":"https://a.b","name":"a"}]"#,
        CONTEXT,
    ),
    (
        MESSAGES,
        r#""thread":{"type":"continue","previous_message_id":"m"}"#,
        CONTEXT,
    ),
    (MESSAGES, r#""container":"c""#, CONTEXT),
    (
        RESPONSES,
        r#""tools":[{"type":"mcp","server_label":"a","server_url":"https://a.b"}]"#,
        CONTEXT,
    ),
    (
        RESPONSES,
        r#""tools":[{"type":"web_search"}],"max_tool_calls":1"#,
        SEARCHED,
    ),
    (
        MESSAGES,
        r#""tools":[{"type":"tool_search_tool_regex_20251119","name":"t"},{"type":"bash_20250124","name":"bash"}]"#,
        LITTLE,
    ),
    (
        RESPONSES,
        r#""tools":[{"type":"local_shell"},{"type":"tool_search"},{"type":"custom","name":"c"}]"#,
        LITTLE,
    ),
    // No other dialect takes such a tool along.
    (
        CHAT,
        r#""tools":[{"type":"mcp","server_label":"a"}]"#,
        LITTLE,
    ),
    (CHAT, r#""container":"c","thread":"t""#, LITTLE),
];
const CONTEXT: [&str; 2] = ["0.1", "0.101"];
const SEARCHED: [&str; 2] = ["0.11", "0.111"];
const LITTLE: [&str; 2] = ["0", "0.001"];

#[tokio::test]
async fn what_a_providers_tools_read_is_held_as_the_context() {
    let bodies = READING.map(|(path, members, _)| match path {
        CHAT => asked(path, &format!(r#""max_tokens":16,{members}"#), r#""Hi""#)
            .replace("lab-m", "claude-m"),
        RESPONSES => asked(
            path,
            &format!(r#""max_output_tokens":16,{members}"#),
            r#""Hi""#,
        ),
        _ => asked(path, &format!(r#""max_tokens":16,{members}"#), r#""Hi""#),
    });
    let rows = READING.iter().zip(&bodies);
    let rows = rows.map(|((path, _, [least, most]), body)| (*path, body.as_str(), *least, *most));
    check(&rows.collect::<Vec<_>>()).await;
}

/// Each use has the conversation read again: the sum may be more than a context.
#[tokio::test]
async fn m5_what_was_read_beyond_a_context_is_paid_by_who_has_the_money() {
    let world = windowed().await;
    let payer = world.prepaid_key();
    let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-m",
        "content": [{"type": "text", "text": "Read."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 300_000, "output_tokens": 10}});
    let json = "application/json";
    world
        .fake
        .always(Answer::recorded(json, &answer.to_string()));
    let tools = r#""max_tokens":16,"tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]"#;
    let body = asked(MESSAGES, tools, r#""Hi""#);
    let ask = Ask::post(MESSAGES, body).key(payer.expose());
    let reply = world.ask(&ask).await.ok();
    assert_eq!(reply.header("vane-cost"), Some("0.30002"));
    let id = reply.header("vane-request-id").unwrap();
    let receipt = Ask::get(&format!("/v1/receipts/{id}")).key(payer.expose());
    let receipt = world.ask(&receipt).await.ok().json();
    let paid = [&receipt["cost"], &receipt["charged"], &receipt["lost"]];
    assert_eq!(paid, ["0.30002", "0.30002", "0"], "{receipt}");
}

#[tokio::test]
async fn each_text_of_a_list_is_held_for() {
    let prompts = |list: &str| format!(r#"{{"model":"lab-m","max_tokens":1000,"prompt":{list}}}"#);
    let words = vec![format!("\"{}\"", "x".repeat(1_000)); 100].join(",");
    let long = format!(r#"{{"model":"lab-e","input":[{words}]}}"#);
    let rows = [
        (prompts(r#""a""#), "0.002", "0.0021"),
        (prompts(r#"["a","b"]"#), "0.004", "0.0041"),
        (prompts("[[1],[2],[3]]"), "0.006", "0.0061"),
        (prompts("[1,2,3]"), "0.002", "0.0021"),
        (prompts(r#"["a","b"],"n":2"#), "0.008", "0.0081"),
    ];
    let mut rows: Vec<_> = rows
        .iter()
        .map(|(body, least, most)| (COMPLETIONS, body.as_str(), *least, *most))
        .collect();
    rows.push((EMBEDDINGS, &long, "0.1", "0.11"));
    check(&rows).await;
}

#[tokio::test]
async fn who_has_no_money_is_told_of_a_page_where_there_is_one() {
    let body =
        r#"{"model":"lab-m","max_tokens":10000000,"messages":[{"role":"user","content":"Hi"}]}"#;
    let command = "vane credit grant payer USD --reason TEXT";
    let till = Till::open().await;
    for (url, said, unsaid) in [
        (
            Some("https://vane.example"),
            "at https://vane.example/console/credits",
            command,
        ),
        (None, command, "/console/credits"),
    ] {
        let mut config = till.world.gateway.state().config.clone();
        config.site.url = url.map(str::to_owned);
        till.world.gateway.reload(config).unwrap();
        let reply = till
            .world
            .ask(&Ask::post(CHAT, body).key(&till.payer))
            .await;
        assert_eq!(reply.status, 429, "{}", reply.text());
        let text = reply.text();
        assert!(text.contains("top the account up"), "{text}");
        assert!(text.contains(said) && !text.contains(unsaid), "{text}");
    }
    // Where nobody takes payments, there is nothing to find on a page.
    let world =
        World::with(|config| config.site.url = Some("https://vane.example".to_owned())).await;
    let payer = world.prepaid_key();
    let reply = world.ask(&Ask::post(CHAT, body).key(payer.expose())).await;
    let text = reply.text();
    assert!(
        text.contains("ask whoever runs this server") && text.contains(command),
        "{text}"
    );
}
