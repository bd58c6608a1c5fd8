//! Bodies with thousands of one thing: none is looked for among all the others. Each of these once
//! took tens of seconds, in which a worker answered nobody else.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use vane_dialect::codec;
use vane_dialect::seal::Plain;
use vane_dialect::{Dialect, Fault, Notes};

use crate::offers::{ANTHROPIC, DEEPSEEK, MISTRAL, OPENAI, Offer, RESPONSES};

const ALL: [Offer; 5] = [OPENAI, DEEPSEEK, RESPONSES, ANTHROPIC, MISTRAL];

/// The bodies that the offers are sent.
fn sent<const N: usize>(
    door: Dialect,
    body: &Value,
    offers: [Offer; N],
) -> Result<[Value; N], Fault> {
    let call = codec::decode_call(door, body.to_string().as_bytes(), &Plain)?;
    Ok(offers.map(|offer| {
        let mut notes = Notes::default();
        let encoded = codec::encode_call(offer.dialect, &call, &offer.target(), &mut notes);
        serde_json::from_slice(&encoded.unwrap().body).unwrap()
    }))
}

fn tools(count: usize) -> Value {
    let stem = "m".repeat(130);
    let tool = |n| json!({"type": "function", "name": format!("{stem}{n}"), "parameters": {}});
    (0..count).map(tool).collect()
}

#[test]
fn r10_tools_that_come_to_one_name_are_told_apart_and_allowed() {
    let allowed = tools(2_048);
    let body = json!({"model": "m", "input": "a", "tools": allowed, "tool_choice": {
        "type": "allowed_tools", "mode": "auto", "tools": allowed}});
    for body in sent(Dialect::OpenaiResponses, &body, ALL).unwrap() {
        let name = |tool: &Value| {
            let name = tool.get("name").unwrap_or(&tool["function"]["name"]);
            name.as_str().unwrap().to_owned()
        };
        let names: BTreeSet<String> = body["tools"].as_array().unwrap().iter().map(name).collect();
        assert_eq!(names.len(), 2_048);
    }
}

#[test]
fn r10_more_tools_than_anybody_takes_are_refused_by_their_number() {
    let fits = json!({"type": "namespace", "name": "n", "tools": tools(4_095)});
    let body = json!({"model": "m", "input": "a", "tools": [fits]});
    sent(Dialect::OpenaiResponses, &body, [OPENAI]).unwrap();
    let many = json!({"type": "namespace", "name": "n", "tools": tools(4_096)});
    let body = json!({"model": "m", "input": "a", "tools": [many]});
    let fault = sent(Dialect::OpenaiResponses, &body, [OPENAI]).unwrap_err();
    assert_eq!(fault.param.as_deref(), Some("tools"));
    let said = "4097 tools are more than the 4096 that a call may have";
    assert!(fault.message.contains(said), "{}", fault.message);
}

/// A history of `count` calls in one message, with the ids that `id` gives, and their results in
/// the order of `results`.
fn calls(count: usize, id: impl Fn(usize) -> String, results: &[usize]) -> Value {
    let call = |n| json!({"type": "tool_use", "id": id(n), "name": format!("f.{n}"), "input": {}});
    let result = |n: &usize| {
        let content = format!("r{n}");
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id(*n), "content": content},
            {"type": "text", "text": "and"}]})
    };
    let mut messages = vec![
        json!({"role": "user", "content": "a"}),
        json!({"role": "assistant", "content": (0..count).map(call).collect::<Value>()}),
    ];
    messages.extend(results.iter().map(result));
    json!({"model": "m", "max_tokens": 9, "messages": messages})
}

#[test]
fn r10_calls_under_one_id_and_results_in_any_order_find_each_other() {
    let count = 4_000;
    let ids: [fn(usize) -> String; 2] = [|_| "c|1".to_owned(), |n| format!("c|{n}")];
    let orders = [(0..count).collect::<Vec<_>>(), (0..count).rev().collect()];
    for (id, order) in ids.into_iter().zip(orders) {
        let body = calls(count, id, &order);
        let [mistral, anthropic] =
            sent(Dialect::AnthropicMessages, &body, [MISTRAL, ANTHROPIC]).unwrap();
        let results = mistral["messages"].as_array().unwrap()[2..].iter();
        let results: Vec<_> = results
            .take_while(|message| message["role"] == "tool")
            .collect();
        assert_eq!(results.len(), count);
        let called = mistral["messages"][1]["tool_calls"].as_array().unwrap();
        let of_call: BTreeSet<_> = called.iter().map(|call| call["id"].as_str()).collect();
        let of_result: BTreeSet<_> = results
            .iter()
            .map(|call| call["tool_call_id"].as_str())
            .collect();
        assert_eq!((of_call.len(), &of_call), (count, &of_result));

        let parts = |at: usize| anthropic["messages"][at]["content"].as_array().unwrap();
        let of_use: BTreeSet<_> = parts(1).iter().map(|part| part["id"].as_str()).collect();
        let of_result: BTreeSet<_> = parts(2)[..count]
            .iter()
            .map(|part| part["tool_use_id"].as_str())
            .collect();
        assert_eq!((of_use.len(), &of_use), (count, &of_result));
    }
}
