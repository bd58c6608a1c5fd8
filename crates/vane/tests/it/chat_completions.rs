//! `POST /v1/chat/completions` and its strict twin under `/mistral`.

use serde_json::{Value, json};
use vane_dialect::quirk::Quirk;
use vane_testkit::{Answer, Fault, Lines, Script, Shape, Split, Usage, UsageAt, When};

use crate::client::Ask;
use crate::door::Door;
use crate::said::events;
use crate::world::{World, cost_in, named};

const PATH: &str = "/v1/chat/completions";

/// Without `include_usage`.
fn hi(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
}

#[tokio::test]
async fn t12_the_clients_bytes_go_up_but_for_the_model() {
    let world = World::start().await;
    let body = r#"{ "temperature":0.70, "messages" : [ {"role":"user","content":"d\u00e9j\u00e0 \ud83d\ude00"} ],
        "tools":[{"type":"function","function":{"name":"f","parameters":{"z":1.0e2,"a":{}, "type":"object"}}}], "mod\u0065l":"lab/lab-m" , "provider":{"only":["lab"]}, "n":1 }"#;
    world.post(PATH, body).await.ok();
    let expected = body
        .replace(r#""lab/lab-m""#, r#""lab-m""#)
        .replace(r#" "provider":{"only":["lab"]},"#, "");
    let sent = world.only_call();
    assert_eq!(sent.body_text().replace(' ', ""), expected.replace(' ', ""));
    // Schemas keep every byte: providers' caches hash them.
    assert!(
        sent.body_text()
            .contains(r#"{"z":1.0e2,"a":{}, "type":"object"}"#)
    );
    assert!(
        sent.body_text()
            .contains(r#"{"role":"user","content":"d\u00e9j\u00e0 \ud83d\ude00"}"#)
    );
}

#[tokio::test]
async fn t12_a_chat_that_is_legal_at_mistral_goes_there_as_it_came() {
    let body = r#"{ "messages" : [ {"role":"user","content":"d\u00e9j\u00e0"}, {"role":"assistant","content":"","tool_calls":[{"id":"aB3dE6gH1","type":"function","function":{"name":"f","arguments":"{ \"q\":1.0}"}}]},
        {"tool_call_id":"aB3dE6gH1","role":"tool","content":"r"} ], "temperature":0.70,
        "tools":[{"type":"function","function":{"name":"f","parameters":{"z":1.0e2,"a":{}, "type":"object"}}}], "model":"mistral/mistral-m" , "provider":{"only":["mistral"]},"stream":STREAM }"#;
    for path in [PATH, "/mistral/v1/chat/completions"] {
        for stream in ["true", "false"] {
            let world = World::start().await;
            let body = body.replace("STREAM", stream);
            let reply = world.post(path, &body).await.ok();
            let expected = body
                .replace(r#""mistral/mistral-m""#, r#""mistral-m""#)
                .replace(r#" "provider":{"only":["mistral"]},"#, "");
            let sent = world.only_call();
            assert_eq!(sent.body_text().replace(' ', ""), expected.replace(' ', ""));
            assert!(
                sent.body_text()
                    .contains(r#"{"z":1.0e2,"a":{}, "type":"object"}"#)
            );
            assert_eq!(reply.header("vane-dropped"), None);
            // One word that Mistral does not know, and it is written anew.
            world.fake.reset();
            let foreign = body.replace(r#""temperature":0.70"#, r#""seed":7"#);
            world.post(path, &foreign).await.ok();
            assert!(world.only_call().body_text().starts_with(r#"{"model""#));
        }
    }
}

#[tokio::test]
async fn t12_the_answers_bytes_come_back_but_for_the_cost() {
    let world = World::start().await;
    let reply = world.post(PATH, hi("lab-m", false)).await.ok();
    let sent = world.only_call().sent;
    let cost = format!(",\"cost\":{}", cost_in(reply.text()));
    assert_eq!(
        reply.text().replace(&cost, ""),
        String::from_utf8(sent).unwrap()
    );
}

#[tokio::test]
async fn t12_a_streams_bytes_come_back_but_for_the_cost_and_the_hidden_chunk() {
    let world = World::start().await;
    for split in [Split::Frames, Split::EveryByte, Split::Random(7)] {
        world.fake.reset();
        let lines = Lines {
            crlf: true,
            ..Lines::default()
        };
        world.fake.always(
            Answer::text("d\u{e9}j\u{e0} vu \u{1f600}")
                .lines(lines)
                .split(split),
        );
        let mut body = hi("lab-m", true);
        body["stream_options"] = json!({"include_usage": true});
        let reply = world.post(PATH, &body).await.ok();
        let sent = String::from_utf8(world.only_call().sent).unwrap();
        let cost = format!(",\"cost\":{}", cost_in(reply.text()));
        assert_eq!(reply.text().replace(&cost, ""), sent);
    }
}

#[tokio::test]
async fn t15_the_usage_chunk_is_for_those_who_asked() {
    let world = World::start().await;
    for model in ["lab-m", "claude-m", "mistral-m", "resp-m"] {
        let reply = world.post(PATH, hi(model, true)).await.ok();
        for (_, data) in events(reply.text()) {
            assert!(!data.contains(r#""choices":[]"#), "{model}: {data}");
        }
        cost_in(&reply.text().replace(": vane-cost=", "\"cost\":"));
        let mut body = hi(model, true);
        body["stream_options"] = json!({"include_usage": true});
        let reply = world.post(PATH, body).await.ok();
        let chunks: Vec<_> = events(reply.text());
        let usage_only = chunks
            .iter()
            .filter(|(_, data)| data.contains(r#""choices":[]"#));
        assert_eq!(usage_only.count(), 1, "{model}: {}", reply.text());
    }
    let asked = world.fake.calls();
    assert_eq!(
        asked[0].json()["stream_options"],
        json!({"include_usage": true})
    );
}

#[tokio::test]
async fn t15_a_stream_without_usage_says_its_cost_in_a_comment() {
    let world = World::start().await;
    let shape = Shape {
        usage: UsageAt::Never,
        ..Shape::default()
    };
    world
        .fake
        .always(Answer::text("Four bytes a token.").shape(shape));
    let reply = world.post(PATH, hi("lab-m", true)).await.ok();
    let comments = reply
        .text()
        .lines()
        .filter(|line| line.starts_with(": vane-cost=0.0000"));
    assert_eq!(comments.count(), 1, "{}", reply.text());
    // A blank line between them would be an event without data to OpenAI's SDK for Go.
    let (_, end) = reply.text().split_once(": vane-cost=").unwrap();
    let (_, end) = end.split_once('\n').unwrap();
    assert_eq!(end, "data: [DONE]\n\n");
    assert_eq!(world.log.lines(1).await[0]["counted"], "bytes/4");
}

#[tokio::test]
async fn t15_usage_on_the_finish_chunk_is_priced_there() {
    let world = World::start().await;
    let shape = Shape {
        usage: UsageAt::OnFinish,
        ..Shape::default()
    };
    let counts = Usage {
        prompt: 10,
        completion: 10,
        ..Usage::default()
    };
    world
        .fake
        .always(Answer::text("Hi.").shape(shape).usage(counts));
    let reply = world.post(PATH, hi("lab-m", true)).await.ok();
    assert_eq!(cost_in(reply.text()), "0.00003");
}

#[tokio::test]
async fn t18_what_is_no_answer_falls_back_before_the_first_byte() {
    for stream in [false, true] {
        for fault in [
            Fault::OkErrorObject,
            Fault::OkHtml,
            Fault::ErrorFirst,
            Fault::Close,
            Fault::HalfHead,
        ] {
            let world = World::start().await;
            world.fake.always(Answer::fault(fault.clone()));
            world.second.always(Answer::text("From the spare."));
            let reply = world.post(PATH, hi("two-m", stream)).await.ok();
            let said = Door::Chat.read(&reply);
            assert_eq!(said.text, "From the spare.", "{fault:?}, stream {stream}");
            assert_eq!(reply.header("vane-provider"), Some("spare"));
            let line = &world.log.lines(1).await[0];
            assert!(line["attempts"].as_u64() >= Some(2), "{line}");
            assert_eq!(
                (&line["status"], &line["outcome"]),
                (&json!(200), &json!("done"))
            );
        }
    }
}

#[tokio::test]
async fn t21_an_upstreams_429_stays_one() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let busy = Answer::fault(Fault::status(429)).header("retry-after", "7");
    for (door, model) in [
        (Door::Chat, "lab-m"),
        (Door::Messages, "lab-m"),
        (Door::Responses, "claude-m"),
        (Door::MistralChat, "mistral-m"),
    ] {
        world.fake.always(busy.clone());
        let reply = world
            .post(door.path(), door.request(model, "Hi", true))
            .await;
        assert_eq!(reply.status, 429, "{door:?}: {}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("7"));
        door.error_type(&reply.json());
    }
}

#[tokio::test]
async fn t21_a_missing_max_tokens_is_filled_in_towards_anthropic() {
    let world = World::start().await;
    world.post(PATH, hi("claude-m", false)).await.ok();
    assert_eq!(world.only_call().json()["max_tokens"], 4000);
}

#[tokio::test]
async fn the_answer_says_who_gave_it() {
    let world = World::start().await;
    for stream in [false, true] {
        let mut body = hi("lab/lab-m", stream);
        body["logit_bias"] = json!({"5": 1});
        body["model"] = json!("claude-m");
        let reply = world.post(PATH, body).await.ok();
        assert_eq!(reply.header("vane-model"), Some("claude-m"));
        assert_eq!(reply.header("vane-provider"), Some("anthropic"));
        assert_eq!(reply.header("vane-dropped"), Some("logit_bias"));
        let id = reply.header("vane-request-id").unwrap();
        assert!(id.starts_with("req_"), "{id}");
        assert_eq!(reply.header("x-request-id"), Some(id));
        assert_eq!(reply.header("request-id"), Some(id));
    }
}

#[tokio::test]
async fn vane_strict_refuses_what_would_be_dropped_before_anyone_is_asked() {
    let world = World::start().await;
    let mut body = hi("claude-m", false);
    body["logit_bias"] = json!({"5": 1});
    for (strict, said) in [
        ("true", "logit_bias"),
        ("TRUE", "logit_bias"),
        // Who asks in another word would take what comes for whole.
        ("1", "`vane-strict` must be true or false"),
        ("yes", "`vane-strict` must be true or false"),
    ] {
        let ask = Ask::post(PATH, &body).key(&world.key);
        let reply = world.ask(&ask.header("vane-strict", strict)).await;
        assert_eq!(reply.status, 400, "{strict}");
        assert!(reply.text().contains(said), "{strict}: {}", reply.text());
    }
    assert!(world.fake.calls().is_empty());
    let ask = Ask::post(PATH, &body).key(&world.key);
    world.ask(&ask.header("vane-strict", "False")).await.ok();
}

#[tokio::test]
async fn only_the_allow_list_goes_up_and_nothing_private_comes_down() {
    let world = World::start().await;
    world.fake.always(Answer::text("Hi.").rude_headers());
    for (path, model, stream) in [
        (PATH, "lab-m", false),
        (PATH, "lab-m", true),
        ("/v1/messages", "claude-m", true),
        ("/v1/messages", "lab-m", false),
    ] {
        let body = json!({"model": model, "max_tokens": 99, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]});
        let ask = Ask::post(path, body)
            .key(&world.key)
            .header("x-api-key", &world.key)
            .header("cookie", "session=client")
            .header("x-forwarded-for", "203.0.113.9")
            .header("openai-organization", "org-client")
            .header(
                "traceparent",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            );
        let reply = world.ask(&ask).await.ok();
        for (name, value) in &reply.headers {
            assert!(
                !value.contains("upstream") && !name.contains("ratelimit"),
                "{name}: {value}"
            );
            assert!(!value.contains("req_fake"), "{name}: {value}");
        }
    }
    for call in world.fake.calls() {
        let sent = format!("{:?}", call.request.headers);
        for private in [
            &world.key,
            "session=client",
            "203.0.113.9",
            "org-client",
            "gateway",
        ] {
            assert!(!sent.contains(private), "{private} in {sent}");
        }
        assert!(call.request.header("traceparent").is_some());
        assert!(
            call.request.header("authorization").is_some()
                != call.request.header("x-api-key").is_some()
        );
    }
}

#[tokio::test]
async fn a_call_may_name_models_to_fall_back_to_and_providers_to_choose_from() {
    let world = World::with(|config| config.retries.per_offer_max = 1).await;
    let down = Answer::fault(Fault::status(500));
    world
        .fake
        .script(Script::new().on(When::model("lab-m"), down));
    let mut body = hi("lab-m", false);
    body["models"] = json!(["claude-m"]);
    let reply = world.post(PATH, body).await.ok();
    assert_eq!(reply.header("vane-provider"), Some("anthropic"));
    let mut body = hi("two-m", false);
    body["provider"] = json!({"order": ["spare"]});
    let reply = world.post(PATH, body).await.ok();
    assert_eq!(reply.header("vane-provider"), Some("spare"));
    let mut body = hi("two-m", false);
    body["provider"] = json!({"ignore": ["spare"]});
    let reply = world.post(PATH, body).await.ok();
    assert_eq!(reply.header("vane-provider"), Some("lab"));
}

#[tokio::test]
async fn a_key_may_use_the_models_it_names_and_no_other() {
    let world = World::start().await;
    let mut new = named("narrow");
    new.limits.models = Some(vec!["lab-m".to_owned()]);
    let key = world.new_key(&new);
    for (model, status) in [("lab-m", 200), ("claude-m", 403), ("gpt-m", 403)] {
        let ask = Ask::post(PATH, hi(model, false)).key(key.expose());
        assert_eq!(world.ask(&ask).await.status, status, "{model}");
        let mut body = hi("lab-m", false);
        body["models"] = json!([model]);
        world
            .ask(&Ask::post(PATH, body).key(key.expose()))
            .await
            .ok();
    }
    assert!(
        world
            .fake
            .calls()
            .iter()
            .all(|call| call.json()["model"] == "lab-m")
    );
}

#[tokio::test]
async fn an_unknown_model_names_near_ones() {
    let world = World::start().await;
    let reply = world.post(PATH, hi("codestrall-m", false)).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["error"]["code"], "model_not_found");
    assert!(reply.text().contains("`codestral-m`"), "{}", reply.text());
}

#[tokio::test]
async fn mistrals_sdk_gets_mistrals_dialect_on_the_shared_door() {
    let world = World::start().await;
    let think = Answer::reasoning("Hm.").and_text("Hi.");
    world.fake.always(think);
    let ask = Ask::post(PATH, hi("mistral-m", false)).key(&world.key);
    let shared = world.ask(&ask).await.ok();
    assert!(shared.json()["choices"][0]["message"]["content"].is_string());
    let reply = world
        .ask(&ask.header("user-agent", "mistral-client-python/1.9.11"))
        .await
        .ok();
    assert!(
        reply.json()["choices"][0]["message"]["content"].is_array(),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn t8_a_closed_body_is_respected_whatever_the_client_sends() {
    let world = World::start().await;
    let body = json!({
        "model": "mistral-m", "user": "u", "store": false, "seed": 3, "stream": true,
        "stream_options": {"include_usage": true}, "max_completion_tokens": 50, "logit_bias": {},
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi", "name": "ada"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_0123456789", "type": "function",
                "function": {"name": "look", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "call_0123456789", "content": [{"type": "text", "text": "ok"}]},
            {"role": "user", "content": "Go on"}],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]});
    let reply = world.post(PATH, body).await.ok();
    Door::Chat.read(&reply);
}

#[tokio::test]
async fn a_providers_own_cost_is_logged_beside_ours_and_never_billed() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::CostReported);
        }
    })
    .await;
    let said = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":1,"total_tokens":11,"cost":1.5e-05}}"#;
    let chunk = said.replace("\"message\"", "\"delta\"");
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let answers = [("application/json", said), ("text/event-stream", &stream)];
    for (stream, (kind, said)) in [false, true].into_iter().zip(answers) {
        world.fake.always(Answer::recorded(kind, said));
        for door in [Door::Chat, Door::Messages] {
            let reply = world
                .post(door.path(), door.request("lab-m", "Hi", stream))
                .await
                .ok();
            assert_eq!(cost_in(reply.text()), "0.000012", "{door:?}");
        }
    }
    for line in world.log.lines(4).await {
        assert_eq!(line["cost"].to_string(), "0.000012", "{line}");
        assert_eq!(line["reported_cost"].to_string(), "0.000015", "{line}");
    }
}

#[tokio::test]
async fn an_answer_that_names_a_tool_as_it_was_sent_is_not_forwarded() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::NoStop);
        }
    })
    .await;
    let name = "mcp__plugin_engineering-tools_issue-tracker__list_all_open_issues_of_a_project";
    let ask = |stream: bool| {
        let mut body = hi("lab-m", stream);
        body["stop"] = json!(["x"]);
        body["tools"] = json!([{"type": "function", "function": {"name": name}}]);
        body
    };
    world.post(PATH, ask(false)).await.ok();
    let sent: Value = serde_json::from_str(world.only_call().body_text()).unwrap();
    let short = sent["tools"][0]["function"]["name"].as_str().unwrap();
    assert_eq!(short.len(), 64);
    world.fake.always(Answer::tool("call_1", short, "{}"));
    for stream in [false, true] {
        let reply = world.post(PATH, ask(stream)).await.ok();
        let told = reply.text();
        assert!(told.contains(name) && !told.contains(short), "{told}");
    }
}

#[tokio::test]
async fn an_effort_that_the_model_does_not_take_is_fitted_where_the_bytes_would_go_as_they_are() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::NoXhighEffort);
        }
    })
    .await;
    let mut chat = hi("lab-m", false);
    chat["reasoning_effort"] = json!("xhigh");
    let response = json!({"model": "resp-m", "input": "Hi", "reasoning": {"effort": "xhigh"}});
    for (path, body, place, note) in [
        (PATH, chat, "/reasoning_effort", "reasoning_effort"),
        (
            "/v1/responses",
            response,
            "/reasoning/effort",
            "reasoning.effort",
        ),
    ] {
        world.fake.reset();
        let reply = world.post(path, body).await.ok();
        assert_eq!(reply.header("vane-dropped"), Some(note));
        let sent: Value = serde_json::from_str(world.only_call().body_text()).unwrap();
        assert_eq!(sent.pointer(place), Some(&json!("high")));
    }
}

#[tokio::test]
async fn a_system_message_stands_first_and_alone_where_no_other_is_taken() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider.quirks.push(Quirk::SystemFirst);
        }
    })
    .await;
    let said = |role: &str| json!({"role": role, "content": "Hi"});
    for (roles, sent) in [
        (&["system", "user"][..], &["system", "user"][..]),
        (&["system", "system", "user"], &["system", "user"]),
        (
            &["system", "user", "assistant", "system"],
            &["system", "user", "assistant", "user"],
        ),
        (&["user", "system"], &["user", "user"]),
    ] {
        let list: Vec<Value> = roles.iter().map(|role| said(role)).collect();
        let chat = json!({"model": "lab-m", "messages": list});
        let response = json!({"model": "resp-m", "input": list});
        for (path, body, place) in [
            (PATH, chat, "messages"),
            ("/v1/responses", response, "input"),
        ] {
            world.fake.reset();
            world.post(path, body).await.ok();
            let asked = world.only_call().json();
            let items = asked[place].as_array().unwrap();
            let first = asked.get("instructions").map(|_| "system");
            let roles = items.iter().map(|item| item["role"].as_str().unwrap());
            let roles: Vec<&str> = first.into_iter().chain(roles).collect();
            assert_eq!(roles, sent, "{path}: {asked}");
        }
    }
    let body =
        json!({"model": "resp-m", "instructions": "i", "input": [said("system"), said("user")]});
    world.fake.reset();
    world.post("/v1/responses", body).await.ok();
    let asked = world.only_call().json();
    assert!(asked.get("instructions").is_none(), "{asked}");
    assert_eq!(asked["input"][0]["content"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn t15_a_translated_call_to_a_provider_with_usage_unasked_hides_the_chunk() {
    let world = World::with(|config| {
        for provider in &mut config.providers {
            provider
                .quirks
                .extend([Quirk::UsageUnasked, Quirk::NoDeveloper]);
        }
    })
    .await;
    let mut body = hi("lab-m", true);
    let developer = json!({"role": "developer", "content": "Be brief."});
    body["messages"]
        .as_array_mut()
        .unwrap()
        .insert(0, developer);
    let reply = world.post(PATH, body.clone()).await.ok();
    let asked = &world.fake.calls()[0].json();
    assert_eq!(asked["messages"][0]["role"], "system", "was translated");
    assert!(
        !reply.text().contains(r#""choices":[]"#),
        "{}",
        reply.text()
    );
    assert!(reply.text().contains(": vane-cost="), "{}", reply.text());
    body["stream_options"] = json!({"include_usage": true});
    let reply = world.post(PATH, body).await.ok();
    assert_eq!(reply.text().matches(r#""choices":[]"#).count(), 1);
}
