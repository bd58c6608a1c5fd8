//! Streams: what an upstream sent -> its events -> what each client reads, streamed and whole.

use crate::cases::{CASES, HOME};
use crate::layout::lay_out;
use crate::told::{collect, read_stream, read_whole, tell_stream, tell_whole};
use std::fmt::Write as _;
use std::fs;
use std::iter;
use vane_dialect::{Event, Fault};
use vane_testkit::golden;

#[test]
fn streams_are_told_as_last_reviewed() {
    for case in CASES {
        let stem = case.stem();
        let stream = case.stream();
        let (events, fault) = read_stream(case.upstream, iter::once(stream.as_slice()));
        golden::check(
            format!("{stem}.events.snap"),
            &listed(&events, fault.as_ref()),
        );
        for door in case.clients {
            let streamed = tell_stream(*door, &events, fault.as_ref());
            golden::check(format!("{stem}.{}.snap", door.name()), &streamed);
            if case.twin {
                let answer = collect(&read_whole(case.upstream, &case.whole()).unwrap());
                let whole = lay_out(&tell_whole(*door, &answer)) + "\n";
                golden::check(format!("{stem}.{}.whole.snap", door.name()), &whole);
            }
        }
    }
}

fn listed(events: &[Event<'static>], fault: Option<&Fault>) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{event:?}").unwrap();
    }
    if let Some(fault) = fault {
        writeln!(
            text,
            "fault: {:?}, blame {:?}, code {:?}: {fault}",
            fault.kind, fault.blame, fault.code
        )
        .unwrap();
    }
    text
}

/// A file that no case names would look reviewed and test nothing.
#[test]
fn every_stream_file_belongs_to_a_case() {
    for upstream in fs::read_dir(HOME).unwrap() {
        for file in fs::read_dir(upstream.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            let path = file.to_str().unwrap();
            let found = CASES.iter().find_map(|case| {
                let end = path.strip_prefix(&format!("{}.", case.stem()))?;
                Some((case, end))
            });
            let (case, end) = found.unwrap_or_else(|| panic!("{path} belongs to no case"));
            let of_client = case.clients.iter().any(|door| {
                end == format!("{}.snap", door.name())
                    || end == format!("{}.whole.snap", door.name())
            });
            let known =
                of_client || end == "sse" || end == "events.snap" || (end == "json" && case.twin);
            assert!(known, "{path} belongs to no client of its case");
        }
    }
}
