//! What a model of this machine thinks, through every door: told as thoughts, never as text, and shown
//! to it again.

use serde_json::{Value, json};
use vane::config::{Config, Environment, Problem};

use crate::alphabet::{self, THOUGHT};
use crate::door::{DOORS, Door};
use crate::here::{Here, configuration};
use crate::said::Said;
use crate::world::Folder;

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
/// Of the thought, with its marks, and of the text.
const TOKENS: (u64, u64) = (5, 26);

async fn here() -> Here {
    Here::of(&alphabet::thinking(), "", |_| {}).await
}

fn asking(door: Door, stream: bool, most: u64) -> Value {
    let mut body = door.request("abc", "Hi", stream);
    let limit = match door {
        Door::Responses => "max_output_tokens",
        Door::Chat | Door::MistralChat | Door::Messages => "max_tokens",
    };
    body[limit] = json!(most);
    body
}

async fn said(here: &Here, door: Door, body: &Value) -> Said {
    let reply = here.world.post(door.path(), body).await.ok();
    let text = reply.text();
    assert!(!text.contains("THINK"), "{door:?} {text}");
    door.read(&reply)
}

/// With an effort, as callers of this door say it.
fn with(door: Door, mut body: Value, effort: &str) -> Value {
    match door {
        Door::Chat | Door::MistralChat => body["reasoning_effort"] = json!(effort),
        Door::Responses => body["reasoning"] = json!({ "effort": effort }),
        Door::Messages if effort == "none" => body["thinking"] = json!({"type": "disabled"}),
        Door::Messages => body["output_config"] = json!({ "effort": effort }),
    }
    body
}

#[tokio::test]
async fn thoughts_are_told_as_thoughts_through_every_door() {
    let here = here().await;
    for door in DOORS {
        for stream in [false, true] {
            let asked = asking(door, stream, TOKENS.0 + TOKENS.1);
            let told = said(&here, door, &asked).await;
            assert_eq!(told.reasoning, THOUGHT, "{door:?} {stream}");
            assert_eq!(told.text, LETTERS, "{door:?} {stream}");
            assert_eq!(told.tokens.1, TOKENS.0 + TOKENS.1, "{door:?} {stream}");
        }
    }
}

#[tokio::test]
async fn tokens_of_thoughts_are_counted_as_such() {
    let here = here().await;
    for (door, pointer) in [
        (
            Door::Chat,
            "/usage/completion_tokens_details/reasoning_tokens",
        ),
        (
            Door::Responses,
            "/usage/output_tokens_details/reasoning_tokens",
        ),
    ] {
        let reply = here.world.post(door.path(), asking(door, false, 31)).await;
        let counted = reply.ok().json().pointer(pointer).cloned();
        assert_eq!(counted, Some(json!(TOKENS.0)), "{door:?}");
    }
}

#[tokio::test]
async fn an_answer_that_ends_within_its_thought_has_no_text() {
    let here = here().await;
    for door in DOORS {
        for stream in [false, true] {
            let told = said(&here, door, &asking(door, stream, 2)).await;
            assert_eq!((&*told.reasoning, &*told.text), ("A", ""), "{door:?}");
            let finish = match door {
                Door::Chat | Door::MistralChat => "length",
                Door::Messages => "max_tokens",
                Door::Responses => "incomplete",
            };
            assert_eq!(told.finish, finish, "{door:?} {stream}");
        }
    }
}

#[tokio::test]
async fn an_effort_reaches_the_model_through_every_door() {
    let here = here().await;
    for door in DOORS {
        let asked = asking(door, false, TOKENS.0 + TOKENS.1);
        let usual = said(&here, door, &asked).await;
        // `low` is a letter less than `none`, by which the model is set where nobody says.
        let low = said(&here, door, &with(door, asked.clone(), "low")).await;
        assert_eq!(low.tokens.0 + 1, usual.tokens.0, "{door:?}");
        assert_eq!(low.reasoning, THOUGHT, "{door:?}");
        let none = said(&here, door, &with(door, asked, "none")).await;
        assert_eq!(none.tokens.0, usual.tokens.0, "{door:?}");
        assert_eq!(none.reasoning, "", "{door:?}");
        assert!(none.text.starts_with(LETTERS), "{door:?} {none:?}");
    }
}

#[tokio::test]
async fn stops_and_schemas_are_of_the_answer_and_not_of_the_thought() {
    let here = here().await;
    let mut asked = asking(Door::Chat, false, 400);
    asked["stop"] = json!(["A", "d"]);
    let told = said(&here, Door::Chat, &asked).await;
    assert_eq!((&*told.reasoning, &*told.text), (THOUGHT, "abc"));
    assert_eq!(told.finish, "stop");
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["n"],
        "properties": {"n": {"enum": ["x", "y"]}}});
    for stream in [false, true] {
        let mut asked = asking(Door::Chat, stream, 400);
        asked["response_format"] = json!({"type": "json_schema",
            "json_schema": {"name": "it", "schema": schema}});
        let told = said(&here, Door::Chat, &asked).await;
        assert_eq!(told.reasoning, THOUGHT);
        let value: Value = serde_json::from_str(&told.text).unwrap();
        assert!(["x", "y"].contains(&value["n"].as_str().unwrap()));
    }
}

/// The conversation so far, the answer, and another turn of the user.
fn continued(door: Door, mut body: Value, told: &Value) -> Value {
    let key = match door {
        Door::Responses => "input",
        Door::Chat | Door::MistralChat | Door::Messages => "messages",
    };
    let turns = body[key].as_array_mut().unwrap();
    match door {
        Door::Chat | Door::MistralChat => turns.push(told["choices"][0]["message"].clone()),
        Door::Messages => turns.push(json!({"role": "assistant", "content": told["content"]})),
        Door::Responses => turns.extend(told["output"].as_array().unwrap().iter().cloned()),
    }
    turns.push(json!({"role": "user", "content": "Hm"}));
    body
}

#[tokio::test]
async fn what_it_thought_is_shown_to_it_again_through_every_door() {
    let here = here().await;
    for door in DOORS {
        let asked = asking(door, false, TOKENS.0 + TOKENS.1);
        let first = here.world.post(door.path(), &asked).await.ok();
        let next = continued(door, asked, &first.json());
        let before = door.read(&first).tokens.0;
        // Its thought and text, the turn's end, and the next turn: its marks and two letters.
        let expected = before + TOKENS.0 + TOKENS.1 + 1 + 4;
        let told = said(&here, door, &next).await;
        assert_eq!(told.tokens.0, expected, "{door:?} {next}");
        if door == Door::Messages {
            let counted = here.world.post("/v1/messages/count_tokens", &next).await;
            let counted = counted.ok();
            assert_eq!(counted.json()["input_tokens"], expected);
            assert_eq!(counted.header("vane-estimate"), None);
        }
    }
}

#[test]
fn a_row_says_that_a_model_does_not_think_but_not_that_one_without_marks_does() {
    let loaded = |weights: &[u8], more: &str| {
        let folder = Folder::new();
        std::fs::write(folder.0.join("abc.gguf"), weights).unwrap();
        let path = folder.0.join("vane.toml");
        std::fs::write(&path, configuration(&folder, more)).unwrap();
        let loaded = Config::load(Some(&path), &Environment::default());
        let told = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect();
        loaded.map_or_else(told, |_| String::new())
    };
    for more in ["", "reasoning = true", "reasoning = false"] {
        assert_eq!(loaded(&alphabet::thinking(), more), "", "{more}");
    }
    let refused = loaded(&alphabet::gguf(true), "reasoning = true");
    assert!(refused.contains("local.abc.reasoning"), "{refused}");
}
