//! A stream and its whole twin are one answer, and no split of the bytes changes it.

use crate::cases::{CASES, Case};
use crate::told::{collect, read_stream, read_whole};
use std::iter;
use vane_testkit::split;

#[test]
fn t1_t19_a_stream_and_its_whole_twin_are_one_answer() {
    let twins = CASES.iter().filter(|case| case.twin);
    let unlike: Vec<String> = twins.filter_map(unlike).collect();
    assert!(unlike.is_empty(), "{}", unlike.join("\n\n"));
}

/// How the twins of a case differ, if they do.
fn unlike(case: &Case) -> Option<String> {
    let stream = case.stream();
    let (events, fault) = read_stream(case.upstream, iter::once(stream.as_slice()));
    let streamed = match fault {
        None => Ok(collect(&events)),
        Some(fault) => Err((fault.kind, fault.blame)),
    };
    let whole = read_whole(case.upstream, &case.whole())
        .map(|events| collect(&events))
        .map_err(|fault| (fault.kind, fault.blame));
    let differ = streamed != whole;
    differ.then(|| {
        format!(
            "{}:\nstreamed {streamed:?}\nwhole    {whole:?}",
            case.stem()
        )
    })
}

#[test]
fn t14_any_split_gives_the_same_events() {
    for case in CASES {
        let stream = case.stream();
        let expected = read_stream(case.upstream, iter::once(stream.as_slice()));
        let differs = |got, how: String| assert_eq!(got, expected, "{} {how}", case.stem());
        for (at, parts) in split::every(&stream).enumerate() {
            differs(
                read_stream(case.upstream, parts.into_iter()),
                format!("split at {at}"),
            );
        }
        differs(
            read_stream(case.upstream, split::singles(&stream)),
            "byte by byte".to_owned(),
        );
        for seed in 0..8 {
            let got = read_stream(case.upstream, split::random(&stream, seed));
            differs(got, format!("split by seed {seed}"));
        }
    }
}
