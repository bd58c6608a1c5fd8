//! `vane chat` and `vane fim`: the model they ask where none is named, and what they tell a script.

use serde_json::json;

use crate::cli::{Folder, answers, chat_stream, fim_answer, stderr, stdout};

/// What `/v1/models` lists: an id, whether it chats, whether it fills in.
fn models(rows: &[(&str, bool, bool)]) -> String {
    let card = |(id, chats, fills): &(&str, bool, bool)| json!({"id": id, "capabilities": {"completion_chat": chats, "completion_fim": fills}});
    let rows: Vec<_> = rows.iter().map(card).collect();
    let body = json!({"object": "list", "data": rows}).to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[test]
fn without_a_model_chat_asks_one_that_chats_and_fim_one_that_fills_in() {
    let folder = Folder::new();
    folder.write("a.rs", "a = ;\n");
    let chat = ["chat", "--json"];
    let fim = ["fim", "a.rs", "--at", "1:5", "--json"];
    let rows = [
        ("a-embeds", false, false),
        ("b-chats", true, false),
        ("c-fills", false, true),
        ("mistral-small-latest", true, false),
        ("vane-tiny", false, true),
    ];
    for (arguments, rows, model) in [
        (&chat[..], &rows[..], "mistral-small-latest"),
        (&chat, &rows[..3], "b-chats"),
        (&fim, &rows, "c-fills"),
        (&fim, &rows[4..], "vane-tiny"),
        (
            &fim,
            &[("b", false, true), ("codestral-latest", false, true)],
            "codestral-latest",
        ),
    ] {
        let (url, served) = answers(vec![models(rows), chat_stream()]);
        let arguments = [arguments, &["--key", "k", "--url", &url]].concat();
        let mut command = folder.vane(&arguments);
        command.stdin(std::fs::File::open(folder.0.join("a.rs")).unwrap());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let asked = served.join().unwrap();
        assert!(asked[0].starts_with("GET /v1/models "), "{}", asked[0]);
        let said = format!("\"model\":\"{model}\"");
        assert!(asked[1].contains(&said), "{model}: {}", asked[1]);
    }
}

#[test]
fn where_no_model_can_the_next_step_is_told() {
    let folder = Folder::new();
    folder.write("a.rs", "a = ;\n");
    let fim = ["fim", "a.rs", "--at", "1:5"];
    for (arguments, rows, said) in [
        (
            &["chat"][..],
            &[("vane-tiny", false, true)][..],
            "`vane fim`",
        ),
        (&["chat"], &[("e", false, false)], "`vane chat MODEL`"),
        (&["chat"], &[], "`vane models`"),
        (&fim, &[("c", true, false)], "`--model`"),
    ] {
        let (url, served) = answers(vec![models(rows)]);
        let arguments = [arguments, &["--key", "k", "--url", &url]].concat();
        let mut command = folder.vane(&arguments);
        command.stdin(std::fs::File::open(folder.0.join("a.rs")).unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let shown = stderr(&output);
        assert!(
            shown.contains(said) && shown.lines().count() == 1,
            "{shown}"
        );
        served.join().unwrap();
    }
}

#[test]
fn a_script_is_told_the_answer_and_what_it_cost_in_one_object() {
    let folder = Folder::new();
    let file = folder.write("sum.rs", "é = (;\nend\n");
    let (url, served) = answers(vec![chat_stream(), fim_answer()]);
    let rest = ["--json", "--key", "k", "--url", &url];
    let told = folder.json(&[&["chat", "m", "hi"][..], &rest].concat());
    let expected = json!({
        "text": "Hello", "model": "m", "finish_reason": "stop",
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        "cost": "0.00075", "request_id": "req_1",
    });
    assert_eq!(told, expected);
    let fim = ["fim", "sum.rs", "--at", "1:5", "--model", "c", "--write"];
    let told = folder.json(&[&fim[..], &rest].concat());
    assert_eq!(
        (&told["text"], &told["cost"]),
        (&json!("a + b"), &json!("0.00001"))
    );
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written, "é = a + b(;\nend\n");
    served.join().unwrap();
}
