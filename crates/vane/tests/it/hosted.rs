//! What providers bill by the piece: their own tools, and a fee for each request.

use serde_json::{Value, json};
use vane::config::Config;
use vane_dialect::Dialect;
use vane_testkit::{Answer, Fault};

use crate::door::{DOORS, Door};
use crate::world::{World, cost_in};

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";

/// An answer of the provider that ran two searches: 100 tokens in, 10 out.
const ANTHROPIC: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-m","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"a"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"Found."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":100,"output_tokens":10,"server_tool_use":{"web_search_requests":2}}}"#;
const RESPONSES: &str = r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","model":"resp-m","output":[{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"a"}},{"type":"web_search_call","id":"ws_2","status":"completed","action":{"type":"open_page","url":"https://a"}},{"type":"web_search_call","id":"ws_3","status":"completed","action":{"type":"search","query":"b"}},{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Found.","annotations":[]}]}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":0},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":110}}"#;
/// 100 at $1 and 10 at $2 per million, and two searches at a cent.
const COST: &str = "0.02012";

fn frame(data: Value) -> String {
    let name = data["type"].as_str().unwrap();
    format!("event: {name}\ndata: {data}\n\n")
}

fn streamed(answer: &str, kind: &str) -> String {
    let whole: Value = serde_json::from_str(answer).unwrap();
    if kind == "response" {
        return frame(
            json!({"type": "response.completed", "sequence_number": 0, "response": whole}),
        );
    }
    let mut start = whole.clone();
    start["content"] = json!([]);
    start["usage"] = json!({"input_tokens": 100, "output_tokens": 1});
    let mut frames = frame(json!({"type": "message_start", "message": start}));
    for (index, block) in whole["content"].as_array().unwrap().iter().enumerate() {
        frames += &frame(json!({"type": "content_block_start", "index": index,
            "content_block": block}));
        frames += &frame(json!({"type": "content_block_stop", "index": index}));
    }
    frames += &frame(json!({"type": "message_delta", "usage": whole["usage"],
        "delta": {"stop_reason": "end_turn", "stop_sequence": null}}));
    frames + &frame(json!({"type": "message_stop"}))
}

/// A request of the door's own model that asks for its provider's search.
fn searching(door: Door, model: &str, stream: bool) -> Value {
    let mut body = door.request(model, "Find it", stream);
    body["tools"] = match door {
        Door::Messages => {
            json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}])
        }
        Door::Responses | Door::Chat | Door::MistralChat => json!([{"type": "web_search"}]),
    };
    body
}

#[tokio::test]
async fn m1_a_priced_search_is_billed_streamed_and_not() {
    let world = World::start().await;
    for (door, answer, kind) in [
        (Door::Messages, ANTHROPIC, "message"),
        (Door::Responses, RESPONSES, "response"),
    ] {
        for stream in [false, true] {
            let recorded = match stream {
                true => Answer::recorded(SSE, &streamed(answer, kind)),
                false => Answer::recorded(JSON, answer),
            };
            world.fake.always(recorded);
            let body = searching(door, door.own_model(), stream);
            let reply = world.post(door.path(), body).await;
            assert_eq!(reply.status, 200, "{door:?}: {}", reply.text());
            assert_eq!(cost_in(reply.text()), COST, "{door:?} stream={stream}");
            let line = world
                .log
                .line(reply.header("vane-request-id").unwrap())
                .await;
            assert_eq!(line["uses"], json!({"web_search": 2}), "{line}");
            assert_eq!(
                (&line["cost"].to_string(), &line["unpriced"]),
                (&COST.to_owned(), &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn m8_a_search_that_nobody_priced_is_refused_before_anyone_is_asked() {
    let world = World::start().await;
    for (door, model, tool) in [
        (Door::Chat, "lab-m", "web_search"),
        (Door::MistralChat, "mistral-m", "web_search"),
        (Door::Messages, "claude-m", "code_execution_20250825"),
        (Door::Responses, "resp-m", "image_generation"),
    ] {
        for stream in [false, true] {
            let mut body = searching(door, model, stream);
            body["tools"][0]["type"] = json!(tool);
            let reply = world.post(door.path(), body).await;
            assert_eq!(reply.status, 400, "{door:?}: {}", reply.text());
            let error = reply.json();
            let text = error.to_string();
            assert!(text.contains(tool) && text.contains(model), "{text}");
            door.error_type(&error);
        }
    }
    // The models that do price it are named.
    let mut body = searching(Door::Messages, "two-claude", false);
    body["provider"] = json!({"only": ["anthropic"]});
    let reply = world.post(Door::Messages.path(), body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(
        reply
            .text()
            .contains("models that do: `anthropic/claude-m`"),
        "{}",
        reply.text()
    );
    assert!(world.fake.calls().is_empty() && world.second.calls().is_empty());
}

#[tokio::test]
async fn m8_an_offer_that_prices_the_search_stays_in_the_plan_and_the_other_leaves_it() {
    let world = World::start().await;
    world.second.always(Answer::recorded(JSON, ANTHROPIC));
    let body = searching(Door::Messages, "two-claude", false);
    let reply = world.post(Door::Messages.path(), body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("vane-provider"), Some("spare-claude"));
    assert!(
        world.fake.calls().is_empty(),
        "the cheaper one has no price"
    );
}

#[tokio::test]
async fn a_search_that_another_dialect_cannot_carry_is_a_note_and_not_refused() {
    let world = World::start().await;
    for door in DOORS {
        let model = if door == Door::Messages {
            "lab-m"
        } else {
            "claude-m"
        };
        let reply = world.post(door.path(), searching(door, model, false)).await;
        assert_eq!(reply.status, 200, "{door:?}: {}", reply.text());
        let dropped = reply.header("vane-dropped").unwrap();
        assert!(dropped.contains("tools.web_search"), "{door:?}: {dropped}");
    }
}

/// Codex names its provider's search in every request.
#[tokio::test]
async fn codex_is_not_refused_by_a_model_that_has_no_search() {
    let world = World::with(|config| {
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        let path = "/responses".to_owned();
        lab.unwrap().speaks.push((Dialect::OpenaiResponses, path));
    })
    .await;
    for stream in [false, true] {
        let body = searching(Door::Responses, "lab-m", stream);
        let reply = world.post(Door::Responses.path(), body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let dropped = reply.header("vane-dropped").unwrap();
        assert!(dropped.contains("tools.web_search"), "{dropped}");
    }
    // What no client names by default is still refused.
    let mut body = searching(Door::Responses, "lab-m", false);
    body["tools"] = json!([{"type": "web_search"}, {"type": "image_generation"}]);
    let reply = world.post(Door::Responses.path(), body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(world.fake.calls().len(), 2);
    for call in world.fake.calls() {
        assert!(
            !call.body_text().contains("web_search"),
            "{}",
            call.body_text()
        );
    }
}

#[tokio::test]
async fn m8_uses_that_nobody_priced_are_told_loudly_and_the_rest_is_billed() {
    let world = World::start().await;
    // `two-claude` has no price for a search, and nobody asked for one.
    world.fake.always(Answer::recorded(JSON, ANTHROPIC));
    let body = Door::Messages.request("two-claude", "Hi", false);
    let reply = world.post(Door::Messages.path(), body).await;
    assert_eq!(cost_in(reply.text()), "0.00012", "the tokens are billed");
    let line = world
        .log
        .line(reply.header("vane-request-id").unwrap())
        .await;
    assert_eq!(line["unpriced"], json!({"web_search": 2}), "{line}");
    let metrics = world.get("/metrics").await;
    let counted =
        r#"vane_unpriced_uses_total{offer="anthropic/two-claude",provider="anthropic"} 2"#;
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

/// A call with a recording in it.
fn heard(door: Door, model: &str) -> Value {
    let audio = match door {
        Door::MistralChat => json!("UklG"),
        Door::Chat | Door::Responses | Door::Messages => json!({"data": "UklG", "format": "wav"}),
    };
    let mut body = door.request(model, "Hi", false);
    body["messages"][0]["content"] = json!([{"type": "input_audio", "input_audio": audio}]);
    body
}

#[tokio::test]
async fn m8_recordings_that_nobody_priced_are_refused_before_anyone_is_asked() {
    let world = World::start().await;
    for door in [Door::Chat, Door::MistralChat] {
        let reply = world.post(door.path(), heard(door, "lab-m")).await;
        assert_eq!(reply.status, 400, "{door:?}: {}", reply.text());
        for said in ["input_audio", "models that do:", "audio = "] {
            assert!(reply.text().contains(said), "{door:?}: {}", reply.text());
        }
    }
    assert!(world.fake.calls().is_empty());
    let mut spoken_of = Door::Chat.request("lab-m", "input_audio", false);
    spoken_of["metadata"] = json!({"about": "audio"});
    world.post(Door::Chat.path(), spoken_of).await.ok();
    for door in [Door::Chat, Door::MistralChat] {
        world.fake.reset();
        world.post(door.path(), heard(door, "mistral-m")).await.ok();
        assert!(world.only_call().body_text().contains("UklG"), "{door:?}");
    }
}

#[tokio::test]
async fn m1_seconds_that_were_heard_are_billed_beside_the_tokens() {
    let world = World::with(|config| {
        let mistral = config.providers.iter_mut().find(|row| row.id == "mistral");
        let model = &mut mistral.unwrap().models[0];
        model.per_use = serde_json::from_value(json!({"audio": "0.00005"})).unwrap();
    })
    .await;
    let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "voxtral",
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Heard."}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 860,
            "prompt_audio_seconds": 60}});
    world
        .fake
        .always(Answer::recorded(JSON, &answer.to_string()));
    for door in [Door::Chat, Door::MistralChat] {
        let reply = world.post(door.path(), heard(door, "mistral-m")).await.ok();
        assert_eq!(reply.header("vane-cost"), Some("0.00312"), "{door:?}");
        let id = reply.header("vane-request-id").unwrap();
        assert_eq!(world.log.line(id).await["uses"], json!({"audio": 60}));
    }
}

#[tokio::test]
async fn m3_a_cut_answer_is_billed_for_the_searches_that_were_seen() {
    let world = World::start().await;
    let whole = streamed(ANTHROPIC, "message");
    let cut = whole.split("event: message_delta").next().unwrap();
    world.fake.always(Answer::recorded(SSE, cut));
    let body = searching(Door::Messages, "claude-m", true);
    let reply = world.post(Door::Messages.path(), body).await;
    let line = world
        .log
        .line(reply.header("vane-request-id").unwrap())
        .await;
    assert_eq!(line["uses"], json!({"web_search": 1}), "{line}");
    assert_eq!(line["outcome"], "broken");
}

/// A provider that takes a fee for every request, played by the fake.
fn perplexity(config: &mut Config) {
    let lab = config.providers.iter().find(|row| row.id == "lab").unwrap();
    let mut row = lab.clone();
    row.id = "perplexity".to_owned();
    row.speaks = Vec::new();
    row.models = Vec::new();
    config.providers.push(row);
}

#[tokio::test]
async fn a_fee_for_each_request_is_billed_by_the_context_that_the_answer_names() {
    let world = World::with(perplexity).await;
    for (size, cost) in [("low", "0.00511"), ("high", "0.01211")] {
        let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "sonar",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Found."}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
                "search_context_size": size, "num_search_queries": 3,
                "cost": {"request_cost": 0.005, "total_cost": 0.00511}}});
        world
            .fake
            .always(Answer::recorded(JSON, &answer.to_string()));
        let mut body = Door::Chat.request("sonar", "Find it", false);
        body["web_search_options"] = json!({"search_context_size": size});
        let reply = world.post(Door::Chat.path(), body).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("vane-cost"), Some(cost));
    }
    // Its dearer kind of search has no price here.
    let mut body = Door::Chat.request("sonar", "Find it", false);
    body["web_search_options"] = json!({"search_type": "pro"});
    let reply = world.post(Door::Chat.path(), body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.json()["error"]["param"], "web_search_options");
    assert_eq!(world.fake.calls().len(), 2);
    // An answer that never came costs no fee.
    world.fake.always(Answer::fault(Fault::status(400)));
    let reply = world
        .post(Door::Chat.path(), Door::Chat.request("sonar", "Hi", false))
        .await;
    let line = world
        .log
        .line(reply.header("vane-request-id").unwrap())
        .await;
    assert_eq!(line["cost"], Value::Null, "{line}");
}

#[tokio::test]
async fn tokens_are_counted_without_a_price_for_what_would_be_run() {
    let world = World::start().await;
    let body = searching(Door::Messages, "two-claude", false);
    let reply = world.post("/v1/messages/count_tokens", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn m8_a_tier_without_a_rate_is_never_free_however_it_is_spelled() {
    let world = World::start().await;
    for (door, model, tier) in [
        (Door::Messages, "claude-m", r#""speed":"fast""#),
        (Door::Messages, "claude-m", r#""speed":"\u0066ast""#),
        (Door::Chat, "lab-m", r#""service_tier":"p\u0072iority""#),
        (Door::Chat, "lab-m", r#""service\u005ftier":"priority""#),
        (Door::Responses, "resp-m", r#""service_tier":"\u0066ast""#),
    ] {
        let body = door.request(model, "Hi", false).to_string();
        let body = body.replacen('{', &format!("{{{tier},"), 1);
        let reply = world.post(door.path(), body).await;
        assert_eq!(reply.status, 400, "{tier}: {}", reply.text());
        assert!(reply.text().contains("no stated price"), "{}", reply.text());
    }
    assert!(world.fake.calls().is_empty());
    // What nobody asked for: a commitment of the operator's at the provider.
    let answer = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "lab-m",
        "service_tier": "priority", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Found."}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}});
    world
        .fake
        .always(Answer::recorded(JSON, &answer.to_string()));
    let body = Door::Chat.request("lab-m", "Hi", false);
    let reply = world.post(Door::Chat.path(), body).await.ok();
    assert_eq!(cost_in(reply.text()), "0.00012");
    let id = reply.header("vane-request-id").unwrap();
    let line = world.log.line(id).await;
    assert_eq!(line["cost"].to_string(), "0.00012", "{line}");
}

/// A stream shows a search before the provider says how many it bills.
#[tokio::test]
async fn m3_a_stream_tells_the_cost_of_its_receipt_where_fewer_searches_are_billed_than_shown() {
    let world = World::start().await;
    let answer = ANTHROPIC.replace(r#""web_search_requests":2"#, r#""web_search_requests":0"#);
    let frames = streamed(&answer, "message");
    let unstopped = frames.split("event: message_stop").next().unwrap();
    for (frames, outcome) in [(frames.as_str(), "done"), (unstopped, "broken")] {
        world.fake.always(Answer::recorded(SSE, frames));
        let body = searching(Door::Messages, "claude-m", true);
        let reply = world.post(Door::Messages.path(), body).await;
        assert_eq!(cost_in(reply.text()), "0.00012", "{outcome}");
        let id = reply.header("vane-request-id").unwrap();
        let line = world.log.line(id).await;
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line["cost"].to_string(), "0.00012", "{line}");
        assert_eq!(line["uses"], Value::Null, "{line}");
    }
}

#[tokio::test]
async fn m3_a_stream_at_a_tier_nobody_asked_for_tells_its_cost() {
    let world = World::start().await;
    let chunk = |members: Value| {
        let mut chunk = json!({"id": "1", "object": "chat.completion.chunk", "created": 1,
            "model": "lab-m", "service_tier": "priority", "choices": []});
        for (name, value) in members.as_object().unwrap() {
            chunk[name] = value.clone();
        }
        format!("data: {chunk}\n\n")
    };
    let text = json!([{"index": 0, "delta": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110});
    let frames = chunk(json!({"choices": text})) + &chunk(json!({"usage": usage}));
    let frames = frames + "data: [DONE]\n\n";
    world.fake.always(Answer::recorded(SSE, &frames));
    for counts in [true, false] {
        let mut body = Door::Chat.request("lab-m", "Hi", true);
        body["stream_options"] = json!({"include_usage": counts});
        let reply = world.post(Door::Chat.path(), body).await.ok();
        let told = match counts {
            true => r#""cost":0.00012}"#,
            false => ": vane-cost=0.00012\n",
        };
        assert!(reply.text().contains(told), "{}", reply.text());
        let id = reply.header("vane-request-id").unwrap();
        let line = world.log.line(id).await;
        assert_eq!(line["cost"].to_string(), "0.00012", "{line}");
    }
}

/// A tool that is defined in the middle of the conversation is a tool.
#[tokio::test]
async fn m8_a_tool_of_the_conversation_that_nobody_priced_is_refused() {
    let world = World::start().await;
    let code = json!({"type": "code_execution_20250825", "name": "code_execution"});
    let added = json!({"type": "tool_addition",
        "tool": {"type": "tool_definition", "definition": code}});
    let mut body = Door::Messages.request("claude-m", "Hi", false);
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "system", "content": [added]}));
    let reply = world.post(Door::Messages.path(), body).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.text().contains("code_execution_20250825"));
    let image = json!([{"type": "image_generation"}]);
    for item in [
        json!({"type": "additional_tools", "role": "developer", "tools": image}),
        json!({"type": "tool_search_output", "call_id": "x", "tools": image}),
    ] {
        let mut body = Door::Responses.request("resp-m", "Hi", false);
        body["input"] = json!([item, {"role": "user", "content": "Hi"}]);
        let reply = world.post(Door::Responses.path(), body).await;
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(reply.text().contains("image_generation"));
    }
    assert!(world.fake.calls().is_empty());
}

/// Anthropic's table of 2026-09-24: most refusals before any output are not billed.
#[tokio::test]
async fn m1_a_refusal_that_its_provider_does_not_bill_costs_nothing() {
    let world = World::start().await;
    let refused = |category: Value| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-m",
            "content": [], "stop_reason": "refusal", "stop_sequence": null,
            "stop_details": {"type": "refusal", "category": category, "explanation": null},
            "usage": {"input_tokens": 100, "output_tokens": 10}})
    };
    let framed = |answer: &Value| {
        let mut start = answer.clone();
        start["stop_reason"] = Value::Null;
        let delta = json!({"stop_reason": "refusal", "stop_details": answer["stop_details"]});
        let frames = [
            json!({"type": "message_start", "message": start}),
            json!({"type": "message_delta", "delta": delta, "usage": answer["usage"]}),
            json!({"type": "message_stop"}),
        ];
        frames.map(frame).concat()
    };
    for (category, cost) in [
        (json!("cyber"), "0"),
        (Value::Null, "0"),
        (json!("of tomorrow"), "0"),
        (json!("bio"), "0.00012"),
        (json!("reasoning_extraction"), "0.00012"),
    ] {
        let answer = refused(category.clone());
        for (door, stream) in [
            (Door::Messages, false),
            (Door::Messages, true),
            (Door::Chat, false),
            (Door::Chat, true),
        ] {
            world.fake.always(match stream {
                true => Answer::recorded(SSE, &framed(&answer)),
                false => Answer::recorded(JSON, &answer.to_string()),
            });
            let body = door.request("claude-m", "Hi", stream);
            let reply = world.post(door.path(), body).await.ok();
            assert_eq!(cost_in(reply.text()), cost, "{category} {door:?} {stream}");
            assert!(reply.text().contains("100"), "the counts are shown");
            let id = reply.header("vane-request-id").unwrap();
            let line = world.log.line(id).await;
            assert_eq!(line["cost"].to_string(), cost, "{line}");
            let receipt = world.get(&format!("/v1/receipts/{id}")).await.ok().json();
            assert_eq!(receipt["cost"], cost, "{receipt}");
        }
    }
}

/// Code that runs at the provider calls the client's tool: no model was asked, nothing was counted.
#[tokio::test]
async fn m1_a_call_that_code_made_costs_nothing_streamed_and_not() {
    let world = World::start().await;
    let answer = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-m",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"id": "c1"},
            "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}}],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 0, "output_tokens": 0}});
    let begun = frame(json!({"type": "message_start", "message": answer}));
    let frames = begun + &frame(json!({"type": "message_stop"}));
    for door in [Door::Messages, Door::Chat] {
        for stream in [false, true] {
            world.fake.always(match stream {
                true => Answer::recorded(SSE, &frames),
                false => Answer::recorded(JSON, &answer.to_string()),
            });
            let body = door.request("claude-m", "Hi", stream);
            let reply = world.post(door.path(), body).await.ok();
            let id = reply.header("vane-request-id").unwrap();
            let line = world.log.line(id).await;
            assert_eq!(line["cost"].to_string(), "0", "{line}");
            assert_eq!(line["counted"], "reported", "{line}");
            assert!(reply.text().contains("look_up"), "{}", reply.text());
        }
    }
}

#[tokio::test]
async fn the_models_that_a_refusal_names_state_the_price() {
    let world = World::with(|config| {
        let mistral = config.providers.iter_mut().find(|row| row.id == "mistral");
        let codestral = &mut mistral.unwrap().models[1];
        codestral.free = true;
        (codestral.input, codestral.output, codestral.cache_read) = (None, None, None);
    })
    .await;
    let reply = world
        .post(Door::Chat.path(), heard(Door::Chat, "lab-m"))
        .await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    let text = reply.text();
    assert!(text.contains("`mistral/mistral-m`"), "{text}");
    assert!(!text.contains("codestral"), "{text}");
}

/// Its answer would be another model's, at the rates of the one that was asked for.
#[tokio::test]
async fn m10_a_server_side_fallback_is_refused_by_its_name() {
    let world = World::start().await;
    for (door, model) in [
        (Door::Messages, "claude-m"),
        (Door::Messages, "lab-m"),
        (Door::Chat, "claude-m"),
    ] {
        for fallbacks in [json!("default"), json!([{"model": "two-claude"}])] {
            let mut body = door.request(model, "Hi", false);
            body["fallbacks"] = fallbacks;
            let reply = world.post(door.path(), body).await;
            assert_eq!(reply.status, 400, "{door:?}: {}", reply.text());
            door.error_type(&reply.json());
            let text = reply.text();
            assert!(
                text.contains("`fallbacks`") && text.contains("`models`"),
                "{text}"
            );
        }
    }
    assert!(world.fake.calls().is_empty());
}
