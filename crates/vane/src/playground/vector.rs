//! Vectors of embeddings as a page shows them: how long each is, how it begins, and how near its
//! text is to the first one.

use serde_json::Value;

/// Numbers of a vector that are shown.
const SHOWN: usize = 4;
/// Letters of a text that are shown.
const TEXT_CHARS: usize = 80;

pub(crate) struct Vector {
    pub(crate) text: String,
    pub(crate) dimensions: usize,
    pub(crate) begins: String,
    /// The cosine of the angle to the first one; nothing for that one itself.
    pub(crate) near: String,
}

/// The vectors of an answer, each with the text that it was asked for.
pub(super) fn read(body: &Value, texts: &[&str]) -> Vec<Vector> {
    let rows = body["data"].as_array().into_iter().flatten();
    let rows: Vec<Vec<f64>> = rows
        .filter_map(|row| row["embedding"].as_array())
        .map(|row| row.iter().filter_map(Value::as_f64).collect())
        .collect();
    let shown = |(at, row): (usize, &Vec<f64>)| {
        let first: Vec<String> = row.iter().take(SHOWN).map(|n| format!("{n:.4}")).collect();
        let more = if row.len() > SHOWN { ", \u{2026}" } else { "" };
        let near = rows.first().filter(|_| at > 0);
        let near = near.and_then(|first| cosine(first, row));
        Vector {
            text: shortened(texts.get(at).copied().unwrap_or_default()),
            dimensions: row.len(),
            begins: format!("{}{more}", first.join(", ")),
            near: near.map_or_else(String::new, |near| format!("{near:.3}")),
        }
    };
    rows.iter().enumerate().map(shown).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// `None` where one of them has no direction, or they are of different lengths.
fn cosine(one: &[f64], other: &[f64]) -> Option<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    (one.len() == other.len() && lengths > 0.0).then(|| dot(one, other) / lengths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn vectors_stand_beside_their_texts_and_say_how_near_they_are() {
        let body = json!({"data": [
            {"embedding": [1, 0, 0, 0, 0, 0, 0]},
            {"embedding": [1.0, 1.0, 0, 0, 0, 0, 0]},
            {"embedding": [0, 0, 0, 0, 0, 0, 0]},
        ]});
        let long = "x".repeat(100);
        let shown = read(&body, &["a", &long, "c"]);
        let nears: Vec<&str> = shown.iter().map(|one| one.near.as_str()).collect();
        assert_eq!(nears, ["", "0.707", ""]);
        assert_eq!((shown[0].text.as_str(), shown[0].dimensions), ("a", 7));
        assert_eq!(shown[1].text.chars().count(), TEXT_CHARS + 1);
        assert_eq!(shown[1].begins, "1.0000, 1.0000, 0.0000, 0.0000, \u{2026}");
    }
}
