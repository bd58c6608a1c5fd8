//! Fill-in-the-middle: both doors, both ways out.

use std::time::Duration;

use serde_json::{Value, json};
use vane_testkit::{Answer, Usage};

use crate::client::Ask;
use crate::world::{Folder, PROVIDER_KEY, World, cost_in, read};

const FIM: &str = "/v1/fim/completions";
const COMPLETIONS: &str = "/v1/completions";
const MIDDLE: &str = "    return a + b\n";

fn gap(model: &str, stream: bool) -> Value {
    json!({"model": model, "prompt": "def f(a, b):\n", "suffix": "\nprint(f(1, 2))", "max_tokens": 64, "stream": stream})
}

fn text_of(text: &str, shape: [&str; 2]) -> String {
    let chunks = crate::said::events(text).into_iter().map(|(_, data)| data);
    let chunks = chunks.filter(|data| data != "[DONE]");
    let values = chunks.map(|data| serde_json::from_str::<Value>(&data).unwrap());
    let pieces = values.map(|value| {
        let choice = &value["choices"][0];
        let [first, then] = shape;
        let piece = if then.is_empty() {
            &choice[first]
        } else {
            &choice[first][then]
        };
        piece.as_str().unwrap_or_default().to_owned()
    });
    pieces.collect()
}

#[tokio::test]
async fn f1_f2_each_door_answers_in_its_own_shape_from_every_provider() {
    let world = World::start().await;
    let counts = Usage {
        prompt: 20,
        completion: 10,
        ..Usage::default()
    };
    world.fake.always(Answer::default().usage(counts));
    for model in ["codestral-m", "lab-m"] {
        let whole = world.post(FIM, gap(model, false)).await.ok();
        let body = whole.json();
        assert_eq!(body["object"], "chat.completion", "{model}");
        assert_eq!(body["choices"][0]["message"]["content"], MIDDLE, "{model}");
        assert_eq!(cost_in(whole.text()), "0.00004", "{model}");
        let whole = world.post(COMPLETIONS, gap(model, false)).await.ok();
        let body = whole.json();
        assert_eq!(body["object"], "text_completion", "{model}");
        assert_eq!(body["choices"][0]["text"], MIDDLE, "{model}");
        assert_eq!(cost_in(whole.text()), "0.00004", "{model}");
        let streamed = world.post(FIM, gap(model, true)).await.ok();
        assert_eq!(
            text_of(streamed.text(), ["delta", "content"]),
            MIDDLE,
            "{model}"
        );
        assert!(streamed.text().trim_end().ends_with("data: [DONE]"));
        assert_eq!(cost_in(streamed.text()), "0.00004", "{model}");
        let mut asks = gap(model, true);
        asks["stream_options"] = json!({"include_usage": true});
        let streamed = world.post(COMPLETIONS, asks).await.ok();
        assert_eq!(text_of(streamed.text(), ["text", ""]), MIDDLE, "{model}");
        assert_eq!(cost_in(streamed.text()), "0.00004", "{model}");
    }
    let lines = world.log.lines(8).await;
    assert!(
        lines.iter().all(|line| line["cost"] == json!(0.00004)),
        "{lines:?}"
    );
    for call in world.fake.calls() {
        assert_eq!(
            call.json()["suffix"],
            "\nprint(f(1, 2))",
            "{}",
            call.request.path
        );
        assert_eq!(call.json()["prompt"], "def f(a, b):\n");
    }
}

#[tokio::test]
async fn f1_a_model_without_fim_is_a_400_that_names_models_with_it() {
    let world = World::start().await;
    for path in [FIM, COMPLETIONS, "/mistral/v1/fim/completions"] {
        for model in ["claude-m", "gpt-m", "mistral-m"] {
            let reply = world.post(path, gap(model, true)).await;
            assert_eq!(reply.status, 400, "{path} {model}: {}", reply.text());
            assert!(
                reply.text().contains("codestral-m"),
                "{path} {model}: {}",
                reply.text()
            );
        }
    }
    assert!(world.fake.calls().is_empty());
}

/// As Zed writes it, and others who speak OpenAI's completions to Codestral.
#[tokio::test]
async fn f1_the_marks_of_a_gap_in_a_prompt_reach_mistral_as_prompt_and_suffix() {
    let world = World::start().await;
    let body = json!({"model": "codestral-m", "prompt": "[SUFFIX]return a\n}[PREFIX]fn f(", "max_tokens": 64,
        "stop": ["[PREFIX]", "[SUFFIX]"]});
    world.post(COMPLETIONS, body).await.ok();
    let call = world.fake.calls().pop().unwrap().json();
    assert_eq!(
        (&call["prompt"], &call["suffix"]),
        (&json!("fn f("), &json!("return a\n}"))
    );
    let other = json!({"model": "codestral-m", "prompt": "<fim_prefix>a<fim_suffix>b<fim_middle>"});
    let reply = world.post(COMPLETIONS, other).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.json()["error"]["param"], "prompt");
    assert_eq!(world.fake.calls().len(), 1);
}

#[tokio::test]
async fn f1_a_completion_without_suffix_completes() {
    let world = World::start().await;
    for model in ["lab-m", "codestral-m"] {
        let body = json!({"model": model, "prompt": "def f(a, b):\n"});
        let reply = world.post(COMPLETIONS, body).await.ok();
        assert_eq!(reply.json()["choices"][0]["text"], MIDDLE);
    }
}

#[tokio::test]
async fn t12_the_byte_path_of_both_doors() {
    let world = World::start().await;
    for (path, model) in [(FIM, "codestral-m"), (COMPLETIONS, "lab-m")] {
        world.fake.reset();
        let body =
            format!(r#"{{"prompt":"a\u0062" , "model":"{model}","suffix":"c", "max_tokens":5}}"#);
        let reply = world.post(path, &body).await.ok();
        let call = world.only_call();
        let cost = format!(",\"cost\":{}", cost_in(reply.text()));
        assert_eq!(
            reply.text().replace(&cost, ""),
            String::from_utf8(call.sent.clone()).unwrap()
        );
        assert_eq!(call.json()["prompt"], "ab");
    }
}

#[tokio::test]
async fn f1_an_absent_limit_stays_absent_on_every_path() {
    let world = World::start().await;
    for path in [FIM, COMPLETIONS] {
        for model in ["codestral-m", "lab-m"] {
            world.fake.reset();
            let body = json!({"model": model, "prompt": "a", "suffix": "c"});
            world.post(path, body).await.ok();
            let sent = world.only_call().json();
            assert!(
                sent.get("max_tokens").is_none(),
                "{path} -> {model}: {sent}"
            );
        }
    }
}

/// A world with servers that know no suffix.
async fn without_suffix() -> World {
    World::with(|config| {
        let lab = config.providers.iter().find(|row| row.id == "lab");
        let v1 = lab.unwrap().base_url.clone();
        let origin = v1.trim_end_matches("/v1");
        let text = format!(
            r#"
[[provider]]
id = "llamacpp"
auth = "bearer"
api_key = "{PROVIDER_KEY}"
base_url = "{origin}"
models = [{{ id = "llama-m", free = true, fim = true }}]
[[provider]]
id = "vllm"
auth = "bearer"
api_key = "{PROVIDER_KEY}"
base_url = "{v1}"
models = [{{ id = "vllm-m", free = true, fim = true }}]
"#
        );
        let more = read(&Folder::new(), &text, &[]).unwrap();
        config.providers.extend(more.providers);
    })
    .await
}

/// llama.cpp's server refuses the mere key as a fault of its own, vLLM all but `null`.
#[tokio::test]
async fn f1_a_server_that_refuses_suffix_is_never_sent_one() {
    let world = without_suffix().await;
    for model in ["llama-m", "vllm-m"] {
        for path in [FIM, COMPLETIONS] {
            let reply = world.post(path, gap(model, false)).await;
            assert_eq!(reply.status, 400, "{path} {model}: {}", reply.text());
            assert!(reply.text().contains("codestral-m"), "{}", reply.text());
            assert!(!reply.text().contains("llama-m`,"), "{}", reply.text());
        }
        let mut elsewhere = gap(model, false);
        elsewhere["models"] = json!(["lab-m"]);
        world.post(COMPLETIONS, elsewhere).await.ok();
        assert_eq!(world.only_call().json()["model"], "lab-m");
        world.fake.reset();
        for suffix in [r#","suffix":"""#, r#","suffix":null"#, ""] {
            // The word makes it a call that is written anew.
            for more in ["", r#","user":"developer""#] {
                let body = format!(r#"{{"model":"{model}","prompt":"a"{suffix}{more}}}"#);
                world.post(COMPLETIONS, &body).await.ok();
                let sent = world.only_call();
                assert!(!sent.body_text().contains("suffix"), "{}", sent.body_text());
                world.fake.reset();
            }
        }
    }
}

#[tokio::test]
async fn a_seed_is_a_seed_at_the_fim_door() {
    let world = World::start().await;
    let more = json!({"seed": 7, "presence_penalty": 0.5, "frequency_penalty": 0.25});
    for (path, model, seed) in [
        (FIM, "codestral-m", "random_seed"),
        (FIM, "lab-m", "seed"),
        (COMPLETIONS, "codestral-m", "random_seed"),
        (COMPLETIONS, "lab-m", "seed"),
    ] {
        world.fake.reset();
        let mut body = gap(model, false);
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let reply = world.post(path, body).await.ok();
        let sent = world.only_call().json();
        assert_eq!(sent[seed], 7, "{path} -> {model}: {sent}");
        let others = ["presence_penalty", "frequency_penalty"];
        for key in others {
            let taken = model == "lab-m";
            assert_eq!(sent.get(key) == Some(&more[key]), taken, "{path}: {sent}");
        }
        let dropped = reply.header("vane-dropped").unwrap_or_default();
        assert!(!dropped.contains("seed"), "{path} -> {model}: {dropped}");
    }
}

#[tokio::test]
async fn minuets_burst_of_equal_calls_is_served_in_parallel() {
    let world = World::start().await;
    world.fake.always(Answer::default().head_gate("all"));
    let ask = Ask::post(FIM, gap("codestral-m", true)).key(&world.key);
    let mut connections = Vec::new();
    for _ in 0..4 {
        let mut connection = world.connect().await;
        connection.write(&ask.bytes()).await;
        connections.push(connection);
    }
    crate::client::within("four calls upstream", world.fake.wait_call(3)).await;
    world.fake.gate("all").open_for_good();
    for connection in &mut connections {
        let head = crate::client::within("a head", connection.head())
            .await
            .unwrap();
        assert_eq!(head.reply.status, 200);
    }
}

#[tokio::test]
async fn r4_a_whole_answer_that_cannot_be_streamed_is_a_fault_and_costs_nothing() {
    for forced in [false, true] {
        let world = World::with(|config| {
            if forced {
                config.timeouts.forced_head = Duration::from_millis(20);
                config.timeouts.keep_alive = Duration::from_millis(20);
            }
        })
        .await;
        let whole = json!({"id": "c", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": "A", "finish_reason": "stop"},
                {"index": 1, "text": "B", "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}});
        let answer = Answer::recorded("application/json", &whole.to_string());
        let answer = if forced { answer.gate("g") } else { answer };
        world.fake.always(answer);
        let body = json!({"model": "lab-m", "prompt": ["a", "b"], "stream": true});
        let mut stream = world.stream(COMPLETIONS, body).await;
        if forced {
            stream.until("ping", 1).await;
        }
        world.fake.gate("g").open_for_good();
        let reply = stream.rest().await;
        assert_eq!(reply.status == 200, forced, "{}", reply.text());
        assert!(reply.text().contains("\"error\""), "{}", reply.text());
        let line = &world.log.lines(1).await[0];
        assert_eq!(line["outcome"], "broken", "{line}");
        let list = world.get("/v1/receipts?limit=9").await.ok().json();
        let receipt = &list["data"][0];
        let paid = (&receipt["charged"], &receipt["lost"]);
        assert_eq!(paid, (&json!("0"), &json!("0.00003")), "{receipt}");
    }
}
