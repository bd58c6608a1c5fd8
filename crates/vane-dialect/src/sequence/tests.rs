use super::*;

type Events = Vec<Event<'static>>;

fn piece<'a>(name: &'a str, arguments: &'a str) -> ToolPiece<'a> {
    let id = (!name.is_empty()).then_some("id");
    let name = (!name.is_empty()).then_some(name);
    ToolPiece {
        id,
        name,
        arguments,
        ..ToolPiece::default()
    }
}

/// Every promise of `event.rs`, and the text of each block.
fn blocks(events: &Events) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut open = None;
    for event in events {
        match event {
            Event::Open { index, opening } => {
                assert_eq!(open, None, "block {index} opened inside another");
                assert_eq!(*index as usize, blocks.len(), "indices are not contiguous");
                open = Some(*index);
                let name = match opening {
                    Opening::ToolUse { name, .. } => name.to_string(),
                    Opening::Text => "text".into(),
                    Opening::Reasoning => "reasoning".into(),
                    other => format!("{other:?}"),
                };
                blocks.push((name, String::new()));
            }
            Event::Delta { index, text } => {
                assert_eq!(open, Some(*index), "a delta outside its block");
                assert!(!text.is_empty());
                blocks.last_mut().unwrap().1.push_str(text);
            }
            Event::State { index, .. } | Event::Cite { index, .. } => {
                assert_eq!(open, Some(*index));
            }
            Event::Close { index } => {
                assert_eq!(open.take(), Some(*index));
            }
            Event::Start { .. } | Event::Usage(_) => {}
            Event::Finish(_) => assert_eq!(open, None),
        }
    }
    assert_eq!(open, None);
    blocks
}

#[test]
fn t3_calls_without_ids_are_told_apart_between_answers() {
    let id_in = |answer: &str| {
        let mut events = Events::new();
        let mut sequence = Sequencer::default();
        sequence.start(answer, "m", 1, &mut events);
        let nameless = ToolPiece {
            id: None,
            ..piece("f", "{}")
        };
        sequence.tool(0, nameless, &mut events).unwrap();
        let ids = events.iter().find_map(|event| match event {
            Event::Open {
                opening: Opening::ToolUse { id, .. },
                ..
            } => Some(id.to_string()),
            _ => None,
        });
        ids.unwrap()
    };
    assert_eq!(id_in("chatcmpl-a/1"), "call_chatcmpla1_0");
    assert_ne!(id_in("chatcmpl-a"), id_in("chatcmpl-b"));
    assert!(id_in(&"x".repeat(99)).len() <= 64);
    assert_eq!(id_in(""), "call_0");
}

#[test]
fn a_citation_stands_in_its_text_and_opens_nothing() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    let citation = |url: &str| Citation {
        url: url.into(),
        title: None,
        span: None,
    };
    sequence.cite(citation("early"), &mut events);
    sequence.reasoning("hm", &mut events).unwrap();
    sequence.cite(citation("still early"), &mut events);
    sequence.text("hi", &mut events).unwrap();
    sequence.cite(citation("in time"), &mut events);
    sequence.boundary(&mut events);
    sequence.cite(citation("never"), &mut events);
    sequence.finish(Stop::End, &mut events).unwrap();
    assert_eq!(blocks(&events).len(), 2);
    let cited = events.iter().filter_map(|event| match event {
        Event::Cite { index: 1, citation } => Some(citation.url.as_str()),
        _ => None,
    });
    assert_eq!(
        cited.collect::<Vec<_>>(),
        ["early", "still early", "in time"]
    );
}

#[test]
fn t2_empty_text_opens_nothing() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.text("", &mut events).unwrap();
    sequence.text("hi", &mut events).unwrap();
    sequence.text("", &mut events).unwrap();
    sequence.finish(Stop::End, &mut events).unwrap();
    assert_eq!(blocks(&events), [("text".to_owned(), "hi".to_owned())]);
}

#[test]
fn t3_interleaved_tools_give_whole_blocks_in_order() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("a", ""), &mut events).unwrap();
    sequence
        .tool(1, piece("b", "{\"y\":"), &mut events)
        .unwrap();
    sequence.tool(0, piece("", "{\"x\":"), &mut events).unwrap();
    sequence.text("between", &mut events).unwrap();
    sequence.tool(1, piece("", "2}"), &mut events).unwrap();
    sequence.tool(0, piece("", "1}"), &mut events).unwrap();
    sequence.finish(Stop::ToolUse, &mut events).unwrap();
    let expected = [("a", "{\"x\":1}"), ("b", "{\"y\":2}"), ("text", "between")]
        .map(|(a, b)| (a.into(), b.into()));
    assert_eq!(blocks(&events), expected);
}

#[test]
fn t3_a_whole_call_lets_the_next_one_stream() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("a", "{}"), &mut events).unwrap();
    sequence.tool(1, piece("b", "{"), &mut events).unwrap();
    assert!(matches!(events.last(), Some(Event::Delta { index: 1, .. })));
}

#[test]
fn t10_no_arguments_are_an_empty_object() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("a", ""), &mut events).unwrap();
    sequence.finish(Stop::ToolUse, &mut events).unwrap();
    assert_eq!(blocks(&events), [("a".to_owned(), "{}".to_owned())]);
}

#[test]
fn a_call_that_is_never_named_is_a_fault() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(3, piece("", "{}"), &mut events).unwrap();
    assert!(sequence.finish(Stop::ToolUse, &mut events).is_err());
}

#[test]
fn a_name_that_comes_late_opens_the_call_with_all_its_arguments() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("", "{\"x\":"), &mut events).unwrap();
    sequence.tool(0, piece("late", "1}"), &mut events).unwrap();
    sequence.finish(Stop::ToolUse, &mut events).unwrap();
    assert_eq!(
        blocks(&events),
        [("late".to_owned(), "{\"x\":1}".to_owned())]
    );
}

#[test]
fn arguments_after_the_end_are_a_fault() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("a", "{}"), &mut events).unwrap();
    sequence.text("x", &mut events).unwrap();
    assert!(sequence.tool(0, piece("", "{}"), &mut events).is_err());
    assert!(sequence.tool(0, piece("", " "), &mut events).is_ok());
}

#[test]
fn t3_two_calls_with_one_id_are_told_apart() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.tool(0, piece("a", "{}"), &mut events).unwrap();
    sequence.tool(1, piece("b", "{}"), &mut events).unwrap();
    let ids: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::Open {
                opening: Opening::ToolUse { id, .. },
                ..
            } => Some(&**id),
            _ => None,
        })
        .collect();
    assert_eq!(ids, ["id", "id_1"]);
}

#[test]
fn an_answer_that_forgets_to_begin_begins_with_its_content() {
    let mut events = Events::new();
    let mut sequence = Sequencer::default();
    sequence.usage(Usage::default(), &mut events);
    sequence.text("x", &mut events).unwrap();
    sequence.start("late", "m", 1, &mut events);
    sequence.finish(Stop::End, &mut events).unwrap();
    let starts = events
        .iter()
        .filter(|event| matches!(event, Event::Start { .. }));
    assert_eq!(starts.count(), 1);
    assert!(matches!(events[0], Event::Start { .. }));
}
