//! `vane reconcile`, as the shell runs it.

use crate::cli::{Folder, stderr, stdout};

const EXPORT: &str = "day,model,calls,cost\n2026-11-20,gpt-5-mini-2025-08-07,2,0.25\n";

#[test]
fn an_export_beyond_the_tolerance_is_told_and_fails() {
    let folder = Folder::new();
    folder.write("usage.csv", EXPORT);
    folder.json(&["account", "create", "team", "--json"]);
    let output = folder.run(&["reconcile", "openai", "usage.csv"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(
        told.contains("2026-11-20  gpt-5-mini  cost   0     0.25    -0.25  -100.0%\n"),
        "{told}"
    );
    assert!(
        told.ends_with("\n2026-11-20 to 2026-11-20: 2 differences, 2 above the tolerance\n"),
        "{told}"
    );
    let output = folder.run(&[
        "reconcile",
        "openai",
        "usage.csv",
        "--tolerance",
        "100",
        "--json",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["from"], &json["until"]),
        (&"2026-11-20".into(), &"2026-11-21".into())
    );
    assert_eq!(json["differences"][1]["apart"], "-0.25");
    assert_eq!(json["above"], 0);
}

#[test]
fn the_days_that_were_compared_are_told_where_nothing_differs() {
    let folder = Folder::new();
    folder.write("usage.csv", "day,cost\n2026-11-15,0\n2026-11-20,0\n");
    folder.json(&["account", "create", "team", "--json"]);
    let output = folder.run(&["reconcile", "openai", "usage.csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), "2026-11-15 to 2026-11-20: no difference\n");
}

#[test]
fn a_reader_who_has_gone_is_no_failure_and_a_difference_still_is() {
    let folder = Folder::new();
    folder.write("usage.csv", EXPORT);
    folder.json(&["account", "create", "team", "--json"]);
    for (arguments, code) in [
        (&["models"][..], 0),
        (&["account", "list"], 0),
        (&["reconcile", "openai", "usage.csv"], 1),
        (
            &["reconcile", "openai", "usage.csv", "--tolerance", "100"],
            0,
        ),
        (&["check", "--config", "gone.toml"], 1),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = folder.vane(arguments);
        let output = command
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn();
        let output = output.unwrap().wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn what_cannot_be_compared_is_one_line() {
    let folder = Folder::new();
    folder.write("usage.csv", EXPORT);
    folder.write("broken.csv", "day,cost\n2026-11-20,much\n");
    for (arguments, said) in [
        (["openais", "usage.csv"], "no provider"),
        (["openai", "gone.csv"], "gone.csv"),
        (["openai", "broken.csv"], "row 1: `cost`"),
    ] {
        let output = folder.run(&[&["reconcile"][..], &arguments].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}
