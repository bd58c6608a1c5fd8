//! How many tokens a call may come to, before anyone counted them.

use vane_dialect::dialect::Task;
use vane_dialect::head::Head;

/// What an answer is reckoned with if the call sets no limit to it.
const OUTPUT_GUESS: u64 = 500;

/// The fields by which the dialects limit an answer.
const OUTPUT_LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];

/// Four bytes of a body's text to a token, its pictures, and as much output as the call asks for. A
/// guess that is made good when the call ends: it takes no more than the scan of the body.
#[must_use]
pub fn tokens_guessed(head: &Head, task: Task) -> u64 {
    let asked = OUTPUT_LIMITS
        .iter()
        .filter_map(|field| head.raw(field)?.parse().ok())
        .max();
    let output = match task {
        Task::Embed => 0,
        Task::Chat | Task::Fill => asked.unwrap_or(OUTPUT_GUESS),
    };
    head.tokens().saturating_add(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_the_body_and_the_output_asked_for() {
        for (body, task, tokens) in [
            (r#"{"model":"m"}"#, Task::Chat, 4 + 500),
            (r#"{"model":"m"}"#, Task::Embed, 4),
            (r#"{"max_tokens":70}"#, Task::Fill, 5 + 70),
            (
                r#"{"max_completion_tokens":7,"max_tokens":9}"#,
                Task::Chat,
                11 + 9,
            ),
            (r#"{"max_output_tokens":"x"}"#, Task::Chat, 7 + 500),
            (
                r#"{"max_tokens":18446744073709551615}"#,
                Task::Chat,
                u64::MAX,
            ),
        ] {
            let head = Head::scan(&body.as_bytes().to_vec().into()).unwrap();
            assert_eq!(tokens_guessed(&head, task), tokens, "{body}");
        }
    }

    #[test]
    fn m3_a_picture_of_a_megabyte_is_no_text_for_the_limit_of_tokens_a_minute() {
        let data = "Aa0+".repeat(250_000);
        let jpeg = format!("/9j/{data}");
        for picture in [
            format!(r#"{{"url":"data:image/png;base64,iVBORw0KGgo{data}"}}"#),
            format!(
                r#"{{"url":"data:image\/jpeg;base64,{}"}}"#,
                jpeg.replace('/', "\\/")
            ),
            format!(r#"{{"data":"{jpeg}"}}"#),
        ] {
            let body = format!(r#"{{"max_tokens":10,"messages":[{picture}]}}"#);
            let head = Head::scan(&body.into_bytes().into()).unwrap();
            let tokens = tokens_guessed(&head, Task::Chat);
            assert!((1_610..5_000).contains(&tokens), "{tokens}");
        }
        // The same letters where no picture stands, or none of a picture.
        for text in [
            format!(r#"{{"text":"{jpeg}"}}"#),
            format!(r#"{{"data":"Go to {jpeg}"}}"#),
            format!(r#"{{"data":"{jpeg} and more"}}"#),
        ] {
            let body = format!(r#"{{"messages":[{text}]}}"#);
            let head = Head::scan(&body.into_bytes().into()).unwrap();
            assert!(tokens_guessed(&head, Task::Chat) > 250_000);
        }
    }
}
