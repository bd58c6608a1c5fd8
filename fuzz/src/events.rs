//! The promise of the events: what encoders rely on.

use vane_dialect::Event;

/// Panics unless the events keep the promise as far as they go; `complete` says that the answer
/// ended well, so that Finish must be there.
pub fn promise(events: &[Event<'static>], complete: bool) {
    let mut open: Option<u32> = None;
    let mut next = 0;
    let mut finished = false;
    for (at, event) in events.iter().enumerate() {
        let starts = matches!(event, Event::Start { .. });
        assert_eq!(starts, at == 0, "Start stands first and once: {events:?}");
        match event {
            Event::Start { .. } => {}
            Event::Open { index, .. } => {
                assert!(
                    open.is_none() && *index == next,
                    "opened {index}: {events:?}"
                );
                open = Some(*index);
                next += 1;
            }
            Event::Delta { index, text } => {
                assert_eq!(open, Some(*index), "a delta outside its block: {events:?}");
                assert!(!text.is_empty(), "an empty delta: {events:?}");
            }
            Event::State { index, .. } | Event::Cite { index, .. } => {
                assert_eq!(
                    open,
                    Some(*index),
                    "state or a citation outside its block: {events:?}"
                );
            }
            Event::Close { index } => {
                assert_eq!(open.take(), Some(*index), "a stray close: {events:?}");
            }
            Event::Usage(usage) => {
                assert!(usage.reasoning <= usage.output, "{usage:?}");
            }
            Event::Finish(_) => {
                assert!(open.is_none() && !finished, "a stray finish: {events:?}");
                finished = true;
            }
        }
        let late = finished && event.is_content();
        assert!(!late, "content after the finish: {events:?}");
    }
    assert!(finished || !complete, "no finish: {events:?}");
}
