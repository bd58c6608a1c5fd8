//! Models that run on this machine: behind every door, and through the deaths of their processes.

use std::time::Duration;

use serde_json::{Value, json};
use vane::config::Config;
use vane_testkit::Answer;

use crate::alphabet;
use crate::client::{Ask, Reply, Stream};
use crate::door::{DOORS, Door};
use crate::here::{Here, configuration, gap, kill, send};
use crate::said::events;
use crate::world::{Folder, World, cost_in, read};

const FIM: &str = "/v1/fim/completions";
const COMPLETIONS: &str = "/v1/completions";
const CHAT: &str = "/v1/chat/completions";

/// A stream of which something was told.
async fn running(world: &World) -> Stream {
    let mut stream = world.stream(FIM, gap("a", 60_000, true)).await;
    stream.until("content", 1).await;
    stream
}

fn texts(reply: &Reply, pointer: &str) -> String {
    let chunks = events(reply.text()).into_iter().map(|(_, data)| data);
    let values = chunks.filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    let pieces = values.map(|value| value.pointer(pointer).cloned().unwrap_or_default());
    pieces
        .map(|piece| piece.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_gap_is_filled_through_both_doors_at_no_cost() {
    let here = Here::start("").await;
    let world = &here.world;
    let whole = world.post(FIM, gap("abc", 5, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "defgh");
    assert_eq!(whole.json()["choices"][0]["finish_reason"], "length");
    assert_eq!(whole.json()["usage"]["completion_tokens"], 5);
    assert_eq!(cost_in(whole.text()), "0");
    let whole = world.post(COMPLETIONS, gap("wxy", 4, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["text"], "zabc");
    let streamed = world.post(FIM, gap("abc", 9, true)).await.ok();
    assert_eq!(texts(&streamed, "/choices/0/delta/content"), "defghijkl");
    let streamed = world.post(COMPLETIONS, gap("abc", 9, true)).await.ok();
    assert_eq!(texts(&streamed, "/choices/0/text"), "defghijkl");
    assert!(streamed.text().trim_end().ends_with("data: [DONE]"));
    let mut stopped = gap("abc", 100, false);
    stopped["stop"] = json!(["pqr"]);
    let stopped = world.post(COMPLETIONS, stopped).await.ok();
    assert_eq!(stopped.json()["choices"][0]["text"], "defghijklmno");
    assert_eq!(stopped.json()["choices"][0]["finish_reason"], "stop");
    let id = stopped.header("vane-request-id").unwrap();
    let receipt = world.get(&format!("/v1/receipts/{id}")).await.ok();
    assert_eq!(receipt.json()["cost"], "0");
    assert!(receipt.text().contains("local"), "{}", receipt.text());
}

/// At Mistral's own door an absent suffix is an empty one, so the marks of a gap are read either
/// way; at OpenAI's it is a text that goes on.
#[tokio::test]
async fn f1_a_gap_before_nothing_is_read_alike_with_and_without_its_suffix() {
    let here = Here::start("").await;
    let mut read = Vec::new();
    for path in [FIM, COMPLETIONS] {
        for suffix in [r#","suffix":"""#, r#","suffix":null"#, ""] {
            let body = format!(r#"{{"model":"abc","prompt":"abc","max_tokens":2{suffix}}}"#);
            let reply = here.world.post(path, body).await.ok().json();
            read.push(reply["usage"]["prompt_tokens"].as_u64().unwrap());
        }
    }
    let (gap, text) = (read[0], read[5]);
    assert_eq!(read, [gap, gap, gap, gap, text, text]);
    assert_eq!(gap, text + 2, "the two marks");
}

#[tokio::test]
async fn a_prompt_that_stands_alone_in_a_list_is_that_prompt() {
    let here = Here::start("").await;
    let ask = |prompt: Value| json!({"model": "abc", "prompt": prompt, "max_tokens": 5});
    let texts = async |prompt: Value| {
        let reply = here.world.post("/v1/completions", ask(prompt)).await;
        (reply.status, reply.json()["choices"][0]["text"].clone())
    };
    let alone = texts(json!("abc")).await;
    assert_eq!(alone.0, 200);
    assert_eq!(texts(json!(["abc"])).await, alone);
    assert_eq!(texts(json!(["abc", "bcd"])).await.0, 400);
}

#[tokio::test]
async fn a_null_is_as_good_as_nothing_to_the_local_engine() {
    let here = Here::start("").await;
    let nulls = [
        "suffix",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "repetition_penalty",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "stop",
        "max_completion_tokens",
        "min_tokens",
        "logprobs",
        "top_logprobs",
        "n",
        "best_of",
        "echo",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
    ];
    for key in nulls {
        let body = turn("Hi", false, &json!({key: null, "max_tokens": 4}));
        let reply = here.world.post(CHAT, body).await;
        assert_eq!(reply.status, 200, "{key}: {}", reply.text());
    }
    let inner = json!({"max_tokens": 4, "stream_options": {"include_usage": null},
        "tools": [{"type": "function", "function": {"name": "look", "description": null,
            "parameters": null, "strict": null}}],
        "messages": [{"role": "user", "content": "Hi", "tool_calls": null, "tool_call_id": null},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "function": {"name": "look", "arguments": null}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "user", "content": [{"type": "text", "text": "Go on"}]}]});
    let reply = here.world.post(CHAT, turn("", true, &inner)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[tokio::test]
async fn a_conversation_is_answered_through_every_door() {
    let here = Here::start("").await;
    for door in DOORS {
        for stream in [false, true] {
            let mut body = door.request("abc", "Hi", stream);
            let limit = match door {
                Door::Responses => "max_output_tokens",
                _ => "max_tokens",
            };
            body[limit] = json!(26);
            let reply = here.world.post(door.path(), &body).await.ok();
            let said = door.read(&reply);
            assert_eq!(said.text, "abcdefghijklmnopqrstuvwxyz", "{door:?} {stream}");
            assert_eq!(said.tokens.1, 26, "{door:?} {stream}");
        }
    }
}

#[tokio::test]
async fn a_count_is_of_the_tokens_that_the_call_then_reads() {
    let here = Here::start("").await;
    let asked = json!({"model": "abc", "messages": [{"role": "user", "content": "Hi there"}]});
    let counted = here.world.post("/v1/messages/count_tokens", &asked).await;
    let counted = counted.ok();
    assert_eq!(counted.header("vane-estimate"), None);
    let mut call = asked;
    call["max_tokens"] = json!(3);
    let answer = here.world.post(Door::Messages.path(), &call).await.ok();
    let read = &answer.json()["usage"]["input_tokens"];
    assert_eq!(counted.json()["input_tokens"], *read);
}

#[tokio::test]
async fn what_was_computed_for_a_prompt_is_shared_within_an_account_and_not_beyond() {
    let here = Here::start("").await;
    let prompt = "abcdefghijklmnopqrstuvwxyz".repeat(10);
    let cached = async |key: &str| {
        let ask = Ask::post(
            COMPLETIONS,
            json!({"model": "abc", "prompt": prompt, "max_tokens": 2}),
        );
        let reply = here.world.ask(&ask.key(key)).await.ok();
        let usage = reply.json()["usage"].clone();
        usage["prompt_tokens_details"]["cached_tokens"]
            .as_u64()
            .unwrap_or(0)
    };
    let own = here.world.key.clone();
    assert_eq!(cached(&own).await, 0);
    assert!(cached(&own).await > 200);
    let stranger = here.world.key_with("5").expose().to_owned();
    assert_eq!(cached(&stranger).await, 0);
}

#[tokio::test]
async fn e_a_child_that_is_killed_in_the_middle_and_between_calls_is_survived() {
    let here = Here::start("").await;
    let mut stream = running(&here.world).await;
    let first = here.process().unwrap();
    kill(first);
    let rest = stream.rest().await;
    assert!(rest.text().contains("\"error\""), "{}", rest.text());
    // At once: the gateway may not have noticed yet.
    let whole = here.world.post(FIM, gap("abc", 5, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "defgh");
    let second = here.process().unwrap();
    assert_ne!(first, second);
    kill(second);
    let whole = here.world.post(FIM, gap("abc", 5, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "defgh");
}

#[tokio::test]
async fn e_what_reloads_or_stops_the_gateway_ends_no_model_that_hears_it_too() {
    use rustix::process::Signal;
    let here = Here::start("").await;
    let mut stream = here.world.stream(FIM, gap("a", 2_000, true)).await;
    stream.until("content", 1).await;
    let process = here.process().unwrap();
    for signal in [Signal::HUP, Signal::TERM, Signal::INT] {
        send(process, signal);
    }
    let rest = stream.rest().await;
    assert!(rest.text().contains("data: [DONE]"), "{}", rest.text());
    assert!(!rest.text().contains("\"error\""), "{}", rest.text());
    assert_eq!(here.process(), Some(process));
}

#[tokio::test]
async fn e_where_it_cannot_run_another_model_answers() {
    let broken = |config: &mut Config| {
        config.engine.program = Some("/bin/false".into());
    };
    let here = Here::with(true, "", broken).await;
    here.world.fake.always(Answer::text("Hello from elsewhere"));
    let mut body = Door::Chat.request("abc", "Hi", false);
    let fault = here.world.post(CHAT, &body).await;
    assert_eq!(fault.status, 502, "{}", fault.text());
    assert!(
        fault.text().contains("its process ended"),
        "{}",
        fault.text()
    );
    body["models"] = json!(["lab-m"]);
    let told = here.world.post(CHAT, &body).await.ok();
    assert!(
        told.text().contains("Hello from elsewhere"),
        "{}",
        told.text()
    );
}

#[tokio::test]
async fn who_leaves_is_written_for_no_more() {
    let here = Here::start("sequences = 1").await;
    let stream = running(&here.world).await;
    drop(stream);
    // There is room for one call only, and 60,000 tokens would take longer than this waits.
    let whole = here.world.post(FIM, gap("abc", 3, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "def");
}

#[tokio::test]
async fn a_model_that_nobody_asks_is_unloaded_and_comes_back() {
    let here = Here::start("idle = \"100ms\"").await;
    here.world.post(FIM, gap("abc", 3, false)).await.ok();
    let first = here.process();
    if first.is_some() {
        assert_eq!(here.process_after(first).await, None);
    }
    let whole = here.world.post(FIM, gap("abc", 3, false)).await.ok();
    assert_eq!(whole.json()["choices"][0]["message"]["content"], "def");
}

#[tokio::test]
async fn what_a_child_never_sees_is_changed_without_ending_its_answers() {
    let here = Here::start("").await;
    let mut stream = running(&here.world).await;
    let first = here.process();
    assert!(first.is_some());
    here.follow("idle = \"601s\"\npreload = true", |config| {
        config.engine.wait = Duration::from_secs(31);
        config.engine.deadline = Duration::from_secs(121);
    });
    assert_eq!(here.process(), first);
    stream.until("content", 1_000).await;
    assert_eq!(here.process(), first);
    // What it does see makes another one of it.
    here.follow("sequences = 2", |_| {});
    assert_ne!(here.process(), first);
}

#[tokio::test]
async fn one_that_hangs_is_killed_and_the_next_call_has_another() {
    // Asked after every two seconds. The short deadline is for who hangs: who does not may be slow.
    let (idle, deadline) = ("idle = \"8s\"", |seconds| {
        move |config: &mut Config| config.engine.deadline = Duration::from_secs(seconds)
    });
    let here = Here::with(true, idle, deadline(60)).await;
    here.world.post(FIM, gap("abc", 3, false)).await.ok();
    let first = here.process();
    if let Some(process) = first {
        send(process, rustix::process::Signal::STOP);
        here.follow(idle, deadline(1));
        here.process_after(first).await;
        here.follow(idle, deadline(60));
    }
    here.world.post(FIM, gap("abc", 3, false)).await.ok();
}

#[tokio::test]
async fn what_it_cannot_do_is_said_and_by_whom_it_can_be_done() {
    let here = Here::with(false, "", |_| {}).await;
    let chat = here
        .world
        .post(CHAT, Door::Chat.request("abc", "Hi", false))
        .await;
    assert_eq!(chat.status, 400, "{}", chat.text());
    assert!(
        chat.text().contains("`abc` cannot chat; models that can: "),
        "{}",
        chat.text()
    );
    let long = "x".repeat(alphabet::CONTEXT as usize + 1);
    let long = here.world.post(FIM, gap(&long, 5, false)).await;
    assert_eq!(long.status, 400, "{}", long.text());
    assert!(
        long.text().contains("this model's context is 65536"),
        "{}",
        long.text()
    );
    let mut odd = gap("abc", 5, false);
    odd["temperature"] = json!(1_000);
    let odd = here.world.post(COMPLETIONS, odd).await;
    assert_eq!(odd.status, 400, "{}", odd.text());
    assert!(odd.text().contains("temperature"), "{}", odd.text());
}

#[tokio::test]
async fn its_models_are_listed_like_any_other() {
    let here = Here::start("context = 4096").await;
    let models = here.world.get("/v1/models").await.ok();
    let models = models.json();
    let found = models["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|model| model["id"] == "abc");
    assert!(found.is_some(), "{models}");
    let page = here
        .world
        .connect()
        .await
        .ask(&Ask::get("/models/abc"))
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
}

#[test]
fn broken_weights_are_a_problem_of_the_configuration() {
    let folder = Folder::new();
    let whole = alphabet::gguf(true);
    let cases: [(&[u8], &str); 3] = [
        (b"", "empty"),
        (b"no weights at all", "not a GGUF file"),
        (&whole[..whole.len() / 2], "abc.gguf"),
    ];
    for (bytes, said) in cases {
        std::fs::write(folder.0.join("abc.gguf"), bytes).unwrap();
        let problems = read(&folder, &configuration(&folder, ""), &[]).unwrap_err();
        let named = problems.contains("local.abc.weights") && problems.contains(said);
        assert!(named, "{problems}");
    }
    std::fs::remove_file(folder.0.join("abc.gguf")).unwrap();
    let problems = read(&folder, &configuration(&folder, ""), &[]).unwrap_err();
    assert!(problems.contains("local.abc.weights"), "{problems}");
}

/// The bytes of the program's own model, and nothing that a machine would have to be given.
#[cfg(feature = "tiny")]
#[tokio::test]
async fn a_fresh_machine_fills_the_gap_that_its_greeting_shows() {
    let folder = Folder::new();
    std::fs::write(folder.0.join("vane.toml"), "").unwrap();
    let serving = crate::serving::Serving::start(&folder, &[]);
    let body = serving.to_paste.split('\'').nth_back(1).unwrap();
    let asked: Value = serde_json::from_str(body).unwrap();
    assert_eq!(asked["model"], "vane-tiny");
    let ask = Ask::post(FIM, body).key(&serving.key);
    let filled = serving.ask(&ask).await.ok();
    let told = filled.json();
    let text = told["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!text.trim().is_empty(), "{told}");
    assert_eq!(cost_in(filled.text()), "0");
    let chat = Ask::post(CHAT, Door::Chat.request("vane-tiny", "Hi", false)).key(&serving.key);
    let chat = serving.ask(&chat).await;
    assert_eq!(chat.status, 400, "{}", chat.text());
    let said = "`vane-tiny` cannot chat; no model of the configured providers can";
    assert!(chat.text().contains(said), "{}", chat.text());
    commands_ask_the_programs_own_model(&folder, &serving);
    let page = serving.ask(&Ask::get("/models/vane-tiny")).await.ok();
    assert!(page.text().contains("Vane Tiny"));
    let playground = serving.ask(&Ask::get("/playground")).await.ok();
    let said = "You are a guest: one model is free";
    assert!(playground.text().contains(said), "{}", playground.text());
}

#[cfg(feature = "tiny")]
fn commands_ask_the_programs_own_model(folder: &Folder, serving: &crate::serving::Serving) {
    std::fs::write(folder.0.join("a.proto"), "message A {\n  int32 page_\n}\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = crate::serving::vane(folder, arguments);
        command.env("VANE_URL", format!("http://{}", serving.address));
        command.env("VANE_API_KEY", &serving.key).output().unwrap()
    };
    let filled = run(&[
        "fim",
        "a.proto",
        "--at",
        "2:14",
        "--max-tokens",
        "8",
        "--json",
    ]);
    assert!(filled.status.success(), "{filled:?}");
    let told: Value = serde_json::from_slice(&filled.stdout).unwrap();
    assert_eq!(
        (&told["model"], &told["cost"]),
        (&json!("vane-tiny"), &json!("0"))
    );
    assert!(told["request_id"].is_string(), "{told}");
    let chat = run(&["chat"]);
    let said = String::from_utf8(chat.stderr).unwrap();
    let tells = said.contains("chats; `vane fim` has one that fills in");
    assert!(!chat.status.success() && tells, "{said}");
}

fn turn(said: &str, stream: bool, more: &Value) -> Value {
    let mut body = json!({"model": "abc", "stream": stream, "max_tokens": 400,
        "messages": [{"role": "user", "content": said}]});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_answer_is_json_where_json_is_asked_for() {
    let here = Here::start("").await;
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["name", "kind", "n", "code"],
        "properties": {"name": {"type": "string", "maxLength": 6}, "kind": {"enum": ["x", "y"]},
            "n": {"type": "integer", "minimum": 3, "maximum": 12, "multipleOf": 5},
            "code": {"type": "string", "pattern": "^[A-C]\\d{2}$"}}});
    let format = |schema: &Value| {
        json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": "it", "strict": true, "schema": schema}}})
    };
    for stream in [false, true] {
        let body = turn("Hi", stream, &format(&schema));
        let reply = here.world.post(CHAT, body).await.ok();
        let text = if stream {
            texts(&reply, "/choices/0/delta/content")
        } else {
            let json = reply.json();
            assert_eq!(json["choices"][0]["finish_reason"], "stop");
            json["choices"][0]["message"]["content"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value["name"].as_str().unwrap().len() <= 6, "{text}");
        assert!(
            ["x", "y"].contains(&value["kind"].as_str().unwrap()),
            "{text}"
        );
        assert!([5, 10].contains(&value["n"].as_i64().unwrap()), "{text}");
        let code = value["code"].as_str().unwrap();
        let number = code.trim_start_matches(['A', 'B', 'C']);
        assert!(code.len() == 3 && number.len() == 2 && number.parse::<u8>().is_ok());
    }
    let any = turn(
        "Hi",
        false,
        &json!({"response_format": {"type": "json_object"}}),
    );
    let any = here.world.post(CHAT, any).await.ok().json();
    assert!(
        any["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .starts_with('{')
    );
}

#[tokio::test]
async fn what_of_a_schema_an_answer_cannot_be_held_to_is_refused_by_its_name() {
    let here = Here::start("").await;
    for (key, kind, says) in [
        ("pattern", "string", json!("(?!x)")),
        ("format", "string", json!("date")),
        ("format", "integer", json!("date")),
        ("multipleOf", "number", json!(-0.5)),
        ("uniqueItems", "array", json!(true)),
    ] {
        let schema = json!({"type": "object", "properties": {"a": {"type": kind, key: says}}});
        let format = json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": "it", "schema": schema}}});
        let tools = json!({"tools": [{"type": "function",
            "function": {"name": "it", "strict": true, "parameters": schema}}]});
        for more in [format, tools] {
            let fault = here.world.post(CHAT, turn("Hi", false, &more)).await;
            assert_eq!(fault.status, 400, "{more}: {}", fault.text());
            let named = fault.text().contains(&format!("#/properties/a/{key}: "));
            assert!(named, "{more}: {}", fault.text());
        }
    }
}

#[tokio::test]
async fn tools_are_called_and_what_comes_of_them_is_answered() {
    let here = Here::start("").await;
    let parameters = json!({"type": "object", "additionalProperties": false, "required": ["city"],
        "properties": {"city": {"enum": ["Bern", "Rom"]}, "days": {"type": "integer", "maximum": 9}}});
    let tools =
        json!([{"type": "function", "function": {"name": "weather", "parameters": parameters}}]);
    let ask = |choice: Value, stream| {
        turn(
            "Hi",
            stream,
            &json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": false}),
        )
    };
    let whole = here
        .world
        .post(CHAT, ask(json!("required"), false))
        .await
        .ok()
        .json();
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{whole}");
    let call = choice["message"]["tool_calls"][0].clone();
    assert_eq!(call["function"]["name"], "weather", "{whole}");
    let arguments = call["function"]["arguments"].as_str().unwrap();
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert!(
        ["Bern", "Rom"].contains(&arguments["city"].as_str().unwrap()),
        "{whole}"
    );
    let named = json!({"type": "function", "function": {"name": "weather"}});
    let streamed = here.world.post(CHAT, ask(named, true)).await.ok();
    let told = texts(
        &streamed,
        "/choices/0/delta/tool_calls/0/function/arguments",
    );
    assert!(told.starts_with("{\"city\":"), "{}", streamed.text());
    assert_eq!(texts(&streamed, "/choices/0/finish_reason"), "tool_calls");
    // It writes the alphabet unless it is made to call.
    let free = here
        .world
        .post(CHAT, ask(json!("none"), false))
        .await
        .ok()
        .json();
    let text = free["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.starts_with("abc"), "{free}");
    let mut next = ask(json!("auto"), false);
    next["max_tokens"] = json!(3);
    next["messages"] = json!([{"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "{\"sky\": \"clear\"}"}]);
    let next = here.world.post(CHAT, next).await.ok().json();
    assert_eq!(next["choices"][0]["message"]["content"], "abc", "{next}");
    // Through another dialect.
    let input = json!({"model": "abc", "max_tokens": 400, "tool_choice": {"type": "any"},
        "tools": [{"name": "weather", "input_schema": parameters}],
        "messages": [{"role": "user", "content": "Hi"}]});
    let other = here.world.post("/v1/messages", input).await.ok().json();
    let block = other["content"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&block["type"], &block["name"]),
        (&json!("tool_use"), &json!("weather")),
        "{other}"
    );
    assert_eq!(other["stop_reason"], "tool_use");
}
