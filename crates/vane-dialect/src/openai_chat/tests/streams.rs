use super::*;
use crate::block::{Block, Text};
use crate::event::Stop;
use crate::fault::{Blame, Kind};

fn delta(delta: &str) -> String {
    format!(
        r#"{{"id":"c","model":"m","created":1,"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

fn end(reason: &str) -> String {
    format!(
        r#"{{"id":"c","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
    )
}

/// Streams these deltas and a proper end.
pub(super) fn deltas(list: &[&str], reason: &str) -> Answer {
    let mut frames: Vec<String> = list.iter().map(|one| delta(one)).collect();
    frames.push(end(reason));
    frames.push("[DONE]".into());
    streamed(&frames.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
}

pub(super) fn tools(answer: &Answer) -> Vec<(&str, &str, &str)> {
    let calls = answer.blocks.iter().filter_map(|block| match block {
        Block::ToolUse(call) => Some((&*call.id, &*call.name, &*call.arguments)),
        _ => None,
    });
    calls.collect()
}

#[test]
fn t14_a_character_divided_between_chunks_breaks_nothing() {
    let halves = [
        r#"{"content":"Hi "}"#,
        r#"{"content":"\ud83d"}"#,
        r#"{"content":"\ude00!"}"#,
    ];
    let answer = deltas(&halves, "stop");
    let shown = "Hi \u{fffd}\u{fffd}!";
    assert_eq!(answer.blocks, [Block::Text(Text::plain(shown))]);
}

#[test]
fn mistral_sends_calls_finish_and_usage_in_one_chunk() {
    let answer = streamed(&[
        r#"{"id":"9f","object":"chat.completion.chunk","created":1,"model":"codestral","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"p":"abc"}"#,
        r#"{"id":"9f","object":"chat.completion.chunk","created":1,"model":"codestral","choices":[{"index":0,"delta":{"content":"","tool_calls":[{"id":"D681PevKs","function":{"name":"f","arguments":"{\"a\": 1}"},"index":0},{"id":"E681PevKs","function":{"name":"g","arguments":"{}"},"index":1}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"total_tokens":14,"completion_tokens":4}}"#,
        "[DONE]",
    ])
    .unwrap();
    assert_eq!(tools(&answer).len(), 2);
    assert_eq!((answer.usage.input_uncached, answer.usage.output), (10, 4));
}

#[test]
fn t15_the_usage_only_chunk_is_seen() {
    let bytes = format!(
        "data: {}\n\ndata: {}\n\ndata: {}\n\ndata: [DONE]\n\n",
        delta(r#"{"content":"x"}"#),
        end("stop"),
        r#"{"id":"c","choices":[],"usage": {"prompt_tokens":3,"completion_tokens":1}}"#
    );
    let mut answer = Answer::default();
    let seen = run(&[bytes.as_bytes()], &Asked::default(), &mut answer).unwrap();
    assert!(seen[2].usage_only);
    let frame = r#"{"id":"c","choices":[],"usage": {"prompt_tokens":3,"completion_tokens":1}}"#;
    assert_eq!(
        &frame[seen[2].usage.clone().unwrap()],
        r#"{"prompt_tokens":3,"completion_tokens":1}"#
    );
    assert!(seen[3].last && !seen[3].usage_only);
    assert_eq!(answer.usage.input_uncached, 3);
}

#[test]
fn groq_reports_usage_under_its_own_name() {
    let answer = streamed(&[
        &delta(r#"{"content":"x"}"#),
        r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":2}}}"#,
        "[DONE]",
    ])
    .unwrap();
    assert_eq!((answer.usage.input_uncached, answer.usage.output), (5, 2));
}

#[test]
fn t17_an_unknown_finish_reason_does_not_fail_the_stream() {
    let answer = deltas(&[r#"{"content":"x"}"#], "bored");
    assert_eq!(answer.stop, Stop::Other("bored".into()));
}

#[test]
fn geminis_reasons_are_no_clean_end() {
    for reason in [
        "content_filter: PROHIBITED_CONTENT",
        "PROHIBITED_CONTENT",
        "BLOCKLIST",
        "spii",
        "IMAGE_SAFETY",
        "Recitation",
    ] {
        let end = end(reason);
        assert_eq!(deltas(&[], reason).stop, Stop::Refusal, "{reason}");
        let no_delta =
            format!(r#"{{"choices":[{{"index":0,"finish_reason":"{reason}"}}],"model":"m"}}"#);
        assert_eq!(whole(&no_delta).unwrap().stop, Stop::Refusal, "{reason}");
        assert_eq!(streamed(&[&end]).unwrap().stop, Stop::Refusal, "{reason}");
    }
    assert_eq!(deltas(&[], "stop: STOP").stop, Stop::End);
    for reason in [
        "function_call_filter: MALFORMED_FUNCTION_CALL",
        "MALFORMED_FUNCTION_CALL",
        "malformed_function_call",
    ] {
        let fault = streamed(&[&end(reason)]).unwrap_err();
        assert_eq!(
            (fault.kind, fault.blame),
            (Kind::Upstream, Blame::Model),
            "{reason}"
        );
        assert!(fault.worth_another_try(), "{reason}");
        assert!(fault.message.contains(reason), "{fault}");
        let no_message = format!(r#"{{"choices":[{{"index":0,"finish_reason":"{reason}"}}]}}"#);
        assert_eq!(whole(&no_message).unwrap_err().kind, Kind::Upstream);
    }
}

#[test]
fn a_missing_finish_reason_is_made_up_when_the_answer_is_complete() {
    let answer = streamed(&[&delta(r#"{"content":"x"}"#), "[DONE]"]).unwrap();
    assert_eq!(answer.stop, Stop::End);
}

/// As its unstreamed twin, an answer without a choice is none; one that says nothing is.
#[test]
fn a_stream_without_a_choice_is_no_answer() {
    let usage = r#"{"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0,"total_tokens":9}}"#;
    for frames in [&["[DONE]"][..], &[usage, "[DONE]"], &[usage], &[]] {
        let fault = streamed(frames).unwrap_err();
        assert_eq!(fault.kind, Kind::Protocol, "{frames:?}");
        assert!(fault.worth_another_try());
    }
    assert_eq!(whole(usage).unwrap_err().kind, Kind::Protocol);
    let empty = streamed(&[&delta(r#"{"content":""}"#), &end("stop"), usage, "[DONE]"]).unwrap();
    assert!(empty.blocks.is_empty() && empty.stop == Stop::End);
    assert_eq!(streamed(&[&end("stop"), "[DONE]"]).unwrap().stop, Stop::End);
}

/// vLLM, SGLang and LMDeploy: the answer was dropped in the middle.
#[test]
fn r4_an_answer_that_its_server_aborted_is_no_clean_stop() {
    let fault = streamed(&[&delta(r#"{"content":"x"}"#), &end("abort"), "[DONE]"]).unwrap_err();
    assert_eq!((fault.kind, fault.blame), (Kind::Upstream, Blame::Upstream));
    let unstreamed =
        r#"{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"abort"}]}"#;
    assert_eq!(whole(unstreamed).unwrap_err().kind, Kind::Upstream);
}

#[test]
fn a_finish_reason_without_done_is_complete_and_neither_is_a_cut() {
    let answer = streamed(&[&delta(r#"{"content":"x"}"#), &end("length")]).unwrap();
    assert_eq!(answer.stop, Stop::MaxOutput);
    let fault = streamed(&[&delta(r#"{"content":"x"}"#)]).unwrap_err();
    assert_eq!(fault.kind, Kind::Protocol);
    assert!(fault.message.contains("cut"));
}

#[test]
fn t18_errors_in_the_stream_are_faults_of_their_kind() {
    for (frame, kind) in [
        (
            r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}"#,
            Kind::RateLimited,
        ),
        (r#"{"error":{"message":"no","code":502}}"#, Kind::Upstream),
        (
            r#"{"object":"error","message":"no","code":400}"#,
            Kind::Invalid,
        ),
        (
            r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":429,"message":"no"}}]}"#,
            Kind::RateLimited,
        ),
        (r#"{"detail":"Internal"}"#, Kind::Upstream),
        ("<html>", Kind::Protocol),
    ] {
        let mut events: Vec<Event<'static>> = Vec::new();
        let bytes = format!("data: {frame}\n\n");
        let fault = run(&[bytes.as_bytes()], &Asked::default(), &mut events).unwrap_err();
        assert_eq!(fault.kind, kind, "{frame}: {fault}");
        assert!(!events.iter().any(Event::is_content), "{frame}");
    }
}

#[test]
fn t4_reasoning_details_spread_over_chunks_become_one_state() {
    let answer = deltas(
        &[
            r#"{"role":"assistant","content":"","reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]}"#,
            r#"{"content":"","reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","index":0}]}"#,
            r#"{"content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text","signature":"s","index":0}]}"#,
            r#"{"content":"x"}"#,
        ],
        "stop",
    );
    let Block::Reasoning(reasoning) = &answer.blocks[0] else {
        panic!("{:?}", answer.blocks)
    };
    assert_eq!(reasoning.text, "ab");
    assert_eq!(
        reasoning.state.as_ref().unwrap().data,
        r#"[{"type":"reasoning.text","index":0,"signature":"s","text":"ab"}]"#
    );
    assert_eq!(answer.blocks.len(), 2);
}

#[test]
fn azures_first_chunk_without_choices_does_not_start_the_answer() {
    let answer = streamed(&[
        r#"{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{}]}"#,
        &delta(r#"{"content":"x"}"#),
        &end("stop"),
        "[DONE]",
    ])
    .unwrap();
    assert_eq!((answer.id.as_str(), answer.model.as_str()), ("c", "m"));
}

/// A guard against an accidental second parse or copy; the real figure is in the benchmarks.
#[test]
fn an_ordinary_chunk_is_cheap() {
    struct Count(usize);
    impl Sink for Count {
        fn event(&mut self, event: Event<'_>) {
            if let Event::Delta { text, .. } = event {
                assert!(matches!(text, std::borrow::Cow::Borrowed(_)));
                self.0 += 1;
            }
        }
    }
    let data = delta(r#"{"content":" word"}"#);
    let (mut decoder, mut deltas) = (stream::Decoder::default(), Count(0));
    for _ in 0..1_000 {
        decoder
            .push(&Frame::of_data(data.as_bytes()), &mut deltas)
            .unwrap();
    }
    assert_eq!(deltas.0, 1_000);
}

#[test]
fn sources_beside_the_choices_are_cited_once_before_the_text_ends() {
    const RESULTS: &str = r#""search_results":[{"title":"A","url":"https://a.example","date":null},{"url":"https://b.example"},{"url":"doc_1"},{}]"#;
    const CITATIONS: &str = r#""citations":["https://c.example",7]"#;
    let cited = |answer: &Answer| match answer.blocks.as_slice() {
        [Block::Text(text)] => {
            let pages = text.citations.iter();
            let pages = pages.map(|page| (page.url.clone(), page.title.clone()));
            pages.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let check = |lists: [&str; 2], message: &str, expected: &[(&str, Option<&str>)]| {
        let expected: Vec<_> = expected
            .iter()
            .map(|(url, title)| ((*url).to_owned(), title.map(str::to_owned)))
            .collect();
        let chunk = |list: &str, delta: &str, reason: &str| {
            format!(
                r#"{{"id":"c","model":"m",{list},"choices":[{{"index":0,"delta":{delta},"finish_reason":{reason}}}]}}"#
            )
        };
        let [early, late] = lists;
        let frames = [
            chunk(early, r#"{"content":"x"}"#, "null"),
            chunk(early, r#"{"content":"y"}"#, "null"),
            chunk(late, message, r#""stop""#),
        ];
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        assert_eq!(cited(&streamed(&frames).unwrap()), expected, "{frames:?}");
        let body = chunk(
            late,
            &message.replace('{', r#"{"content":"xy","#),
            r#""stop""#,
        );
        let body = body.replace("delta", "message").replace(",}", "}");
        assert_eq!(cited(&whole(&body).unwrap()), expected, "{body}");
    };
    let both = format!("{RESULTS},{CITATIONS}");
    let titled = [
        ("https://a.example", Some("A")),
        ("https://b.example", None),
    ];
    check([RESULTS, RESULTS], "{}", &titled);
    check([CITATIONS, &both], "{}", &titled);
    check(
        [r#""x":1"#, CITATIONS],
        "{}",
        &[("https://c.example", None)],
    );
    check(
        [
            r#""citations":[]"#,
            r#""citations":null,"search_results":{}"#,
        ],
        "{}",
        &[],
    );
    let annotated = r#"{"annotations":[{"type":"url_citation","url_citation":{"url":"https://d.example","title":"D"}}]}"#;
    let answer = streamed(&[
        &format!(r#"{{{both},"choices":[{{"index":0,"delta":{{"content":"x"}}}}]}}"#),
        &delta(annotated),
        &end("stop"),
    ]);
    let told = [("https://d.example".to_owned(), Some("D".to_owned()))];
    assert_eq!(cited(&answer.unwrap()), told);
}

#[test]
fn r4_a_stream_is_cut_unless_every_answer_that_was_begun_has_stopped() {
    let chunk = |index: u8, reason: &str| {
        format!(
            r#"{{"id":"c","model":"m","choices":[{{"index":{index},"delta":{{"content":"a"}},"finish_reason":{reason}}}]}}"#
        )
    };
    let (some, stop) = ("null", "\"stop\"");
    let done = "[DONE]".to_owned();
    for (frames, whole) in [
        (vec![chunk(0, some), chunk(1, some), chunk(0, stop)], false),
        (vec![chunk(1, some), chunk(0, stop), chunk(1, stop)], true),
        (vec![chunk(1, stop), chunk(0, stop), chunk(1, some)], true),
        (vec![chunk(0, stop), chunk(1, some), done], true),
        (vec![chunk(0, stop)], true),
    ] {
        let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
        assert_eq!(streamed(&frames).is_ok(), whole, "{frames:?}");
    }
}

#[test]
fn m4_what_other_answers_say_is_counted() {
    let texts = [
        r#""delta":{"content":"ab\nc"}"#,
        r#""delta":{"reasoning":"ab","reasoning_content":"ab","content":"cd"}"#,
        r#""delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"\"}"}}]}"#,
        r#""text":"abcd""#,
    ];
    for text in texts {
        let chunk = format!(r#"data: {{"id":"c","choices":[{{"index":2,{text}}}]}}"#);
        let mut decoder = stream::Decoder::default();
        let seen = decoder.push(&Frame::parse(chunk.as_bytes()), &mut Answer::default());
        assert_eq!(seen.unwrap().others_bytes, 4, "{text}");
    }
}

/// SDKs with enumerations (Go's, C#'s, Rust's) fail at a word that OpenAI does not have.
#[test]
fn reasons_and_tiers_in_other_words_are_told_in_openais() {
    let amended = |body: &str, seen: &Seen| {
        let mut out = body.to_owned();
        for amend in seen.amends.iter().rev() {
            out.replace_range(amend.range.clone(), &amend.text);
        }
        out
    };
    let chunk = |reason: &str, tier: &str| {
        format!(
            r#"{{"id":"a","choices":[{{"index":0,"delta":{{"content":"x"}},"finish_reason":{reason}}}],"service_tier":{tier}}}"#
        )
    };
    let answer = |reason: &str, tier: &str| {
        format!(
            r#"{{"id":"a","service_tier":{tier},"choices":[{{"index":0,"message":{{"role":"assistant","content":"x"}},"finish_reason":{reason}}}],"usage":{{"prompt_tokens":1,"completion_tokens":1}}}}"#
        )
    };
    for (said, streamed, whole) in [
        ("\"stop\"", "\"stop\"", "\"stop\""),
        ("\"length\"", "\"length\"", "\"length\""),
        ("null", "null", "null"),
        ("\"\"", "null", "\"stop\""),
        ("\"eos\"", "\"stop\"", "\"stop\""),
        ("\"end_turn\"", "\"stop\"", "\"stop\""),
        ("\"max_tokens\"", "\"length\"", "\"length\""),
        ("\"SAFETY\"", "\"content_filter\"", "\"content_filter\""),
        ("\"tool_use\"", "\"tool_calls\"", "\"tool_calls\""),
        ("\"of tomorrow\"", "\"stop\"", "\"stop\""),
    ] {
        let body = chunk(said, "null");
        let mut decoder = stream::Decoder::new(Asked::default());
        let frame = format!("data: {body}\n\n");
        let frame = Frame::parse(frame.as_bytes());
        let seen = decoder.push(&frame, &mut Answer::default()).unwrap();
        assert_eq!(amended(&body, &seen), chunk(streamed, "null"), "{said}");
        let body = answer(said, "null");
        let seen = response::decode(body.as_bytes(), &Asked::default(), &mut Answer::default());
        assert_eq!(
            amended(&body, &seen.unwrap()),
            answer(whole, "null"),
            "{said}"
        );
    }
    for (said, told) in [("\"default\"", "\"default\""), ("\"on_demand\"", "null")] {
        let body = chunk("null", said);
        let mut decoder = stream::Decoder::new(Asked::default());
        let frame = format!("data: {body}\n\n");
        // Twice: what repeats is not parsed again.
        for _ in 0..2 {
            let frame = Frame::parse(frame.as_bytes());
            let seen = decoder.push(&frame, &mut Answer::default()).unwrap();
            assert_eq!(amended(&body, &seen), chunk("null", told));
        }
        let body = answer("\"stop\"", said);
        let seen = response::decode(body.as_bytes(), &Asked::default(), &mut Answer::default());
        assert_eq!(amended(&body, &seen.unwrap()), answer("\"stop\"", told));
    }
}
