use super::*;
use crate::block::{Block, Reasoning, Text};
use crate::exchange::Tags;

fn thought(text: &str) -> Block {
    Block::Reasoning(Reasoning {
        text: text.into(),
        state: None,
    })
}

fn text(text: &str) -> Block {
    Block::Text(Text::plain(text))
}

#[test]
fn think_tags_at_the_start_are_reasoning_in_streams_and_answers() {
    let asked = Asked {
        tags: Some(Tags::Think),
        ..Asked::default()
    };
    let frames = |content: &[&str]| -> Vec<String> {
        let deltas = content
            .iter()
            .map(|text| format!(r#"{{"choices":[{{"index":0,"delta":{{"content":{text:?}}}}}]}}"#));
        let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned();
        deltas.chain([end, "[DONE]".to_owned()]).collect()
    };
    let read = |asked: &Asked, content: &[&str]| {
        let mut answer = Answer::default();
        let mut decoder = stream::Decoder::new(asked.clone());
        for data in frames(content) {
            let text = format!("data: {data}");
            decoder
                .push(&Frame::parse(text.as_bytes()), &mut answer)
                .unwrap();
        }
        decoder.finish(&mut answer).unwrap();
        answer.blocks
    };
    let split = ["<th", "ink>so", " it</thi", "nk>\n", "\nYes <think>"];
    assert_eq!(
        read(&asked, &split),
        [thought("so it"), text("Yes <think>")]
    );
    assert_eq!(read(&asked, &["<th"]), [text("<th")]);
    assert_eq!(read(&Asked::default(), &split), [text(&split.concat())]);
    let whole = r#"{"choices":[{"index":0,"message":{"content":"<think>so it</think>\n\nYes <think>"},"finish_reason":"stop"}]}"#;
    let mut answer = Answer::default();
    response::decode(whole.as_bytes(), &asked, &mut answer).unwrap();
    assert_eq!(answer.blocks, [thought("so it"), text("Yes <think>")]);
}

#[test]
fn thoughts_of_google_are_no_part_of_the_answer() {
    let asked = send(&Chat::default(), &[Quirk::ThoughtTags]).asked;
    let frames = [
        r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"<thought>**Plan**\n\nOne.","extra_content":{"google":{"thought":true}}}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":" Two.","extra_content":{"google":{"thought":true}}}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"</thought>The answer is ","extra_content":null}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"391."}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ];
    let stream = frames.map(|data| format!("data: {data}\n\n")).concat();
    let mut answer = Answer::default();
    run(&[stream.as_bytes()], &asked, &mut answer).unwrap();
    let expected = [thought("**Plan**\n\nOne. Two."), text("The answer is 391.")];
    assert_eq!(answer.blocks, expected);
    // Gemma 4 thinks unasked.
    let whole = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"<thought>x</thought>{\"ok\":true}","extra_content":{"google":{"thought":true}}},"finish_reason":"stop"}]}"#;
    let mut answer = Answer::default();
    response::decode(whole.as_bytes(), &asked, &mut answer).unwrap();
    assert_eq!(answer.blocks, [thought("x"), text(r#"{"ok":true}"#)]);
}
