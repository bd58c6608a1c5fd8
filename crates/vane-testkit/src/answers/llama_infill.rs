//! llama.cpp's `/infill`.

use super::{Frame, Piece, Said, pieces, quoted};
use crate::shape::Tools;

pub(crate) fn unary(said: &Said<'_>) -> String {
    last(said, &said.text())
}

pub(crate) fn frames(said: &Said<'_>) -> Vec<Frame> {
    let cut = pieces(&said.parts, Tools::Whole)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            _ => None,
        });
    let mut frames: Vec<Frame> = cut
        .map(|text| {
            let text = quoted(text);
            Frame::data(format!(
                r#"{{"index":0,"content":{text},"tokens":[],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":{}}}"#,
                said.usage.prompt
            ))
        })
        .collect();
    // This server sends no `[DONE]`: the object with `stop: true` is the end.
    frames.push(Frame::data(last(said, "")));
    frames
}

fn last(said: &Said<'_>, content: &str) -> String {
    let usage = said.usage;
    let (content, model) = (quoted(content), said.model());
    let fresh = usage.prompt.saturating_sub(usage.cached);
    let stop = said.answer.finish.as_deref().unwrap_or("eos");
    format!(
        r#"{{"index":0,"content":{content},"tokens":[],"id_slot":0,"stop":true,"model":{model},"tokens_predicted":{predicted},"tokens_evaluated":{prompt},"generation_settings":{{}},"prompt":"","has_new_line":true,"truncated":false,"stop_type":"{stop}","stopping_word":"","tokens_cached":{cached},"timings":{{"cache_n":{cached},"prompt_n":{fresh},"prompt_ms":1.0,"predicted_n":{predicted},"predicted_ms":1.0}}}}"#,
        predicted = usage.completion,
        prompt = usage.prompt,
        cached = usage.cached,
    )
}
