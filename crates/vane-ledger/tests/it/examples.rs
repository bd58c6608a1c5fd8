//! Examples: kept with their receipt, listed, dropped.

use vane_ledger::{LedgerError, NewExample};

use crate::memory;

fn run(title: &str) -> NewExample {
    NewExample {
        title: title.to_owned(),
        model: "m".to_owned(),
        mode: "chat".to_owned(),
        asked: "{\"prompt\":\"Hi\"}".to_owned(),
        answer: "Hello".to_owned(),
        call: None,
    }
}

#[test]
fn examples_are_kept_listed_and_dropped() {
    let store = memory();
    let first = store.save_example(&run("one"), 1).unwrap();
    let second = store.save_example(&run("two"), 2).unwrap();
    assert_eq!(
        store.list_examples().unwrap(),
        [second.clone(), first.clone()]
    );
    assert!(store.drop_example(&first.id).unwrap());
    assert!(!store.drop_example(&first.id).unwrap());
    assert_eq!(store.list_examples().unwrap(), [second]);
}

#[test]
fn an_example_of_a_run_that_never_was_is_refused() {
    let store = memory();
    let made_up = NewExample {
        call: Some("req_none".to_owned()),
        ..run("one")
    };
    let refused = store.save_example(&made_up, 1).unwrap_err();
    assert!(
        matches!(refused, LedgerError::NoSuchRun { .. }),
        "{refused}"
    );
    for long in [
        NewExample {
            answer: "x".repeat(70_000),
            ..run("one")
        },
        NewExample {
            asked: "\0".to_owned(),
            ..run("one")
        },
        run(""),
    ] {
        let refused = store.save_example(&long, 1).unwrap_err();
        assert!(matches!(refused, LedgerError::Name { .. }), "{refused}");
    }
    assert!(store.list_examples().unwrap().is_empty());
}
