//! `vane credit` and `vane account freeze`, as the shell runs them.

use serde_json::json;

use crate::cli::{Folder, stderr, stdout};

/// A folder whose account `payer` has five dollars.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.json(&["account", "create", "payer", "--prepaid", "5", "--json"]);
    folder
}

#[track_caller]
fn refused(folder: &Folder, arguments: &[&str], said: &str) {
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let text = stderr(&output);
    let one_line = text.starts_with("vane: ") && text.lines().count() == 1;
    assert!(one_line && text.contains(said), "{arguments:?}: {text}");
}

#[test]
fn credit_is_promoted_refunded_and_listed() {
    let folder = folder();
    let promote = [
        "credit",
        "promote",
        "payer",
        "2",
        "--expires",
        "30d",
        "--reason",
        "hello",
    ];
    let said = stdout(&folder.run(&promote));
    assert_eq!(
        said,
        "account payer: $7 to spend\n$2 of the balance is promotional\n"
    );
    let refund = [
        "credit", "refund", "payer", "1.5", "--reason", "asked", "--json",
    ];
    let shown = folder.json(&refund);
    assert_eq!(
        (&shown["balance"], &shown["promotional"]),
        (&json!("5.5"), &json!("2"))
    );
    let listed = folder.json(&["credit", "list", "payer", "--json"]);
    let lines = listed["statement"].as_array().unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                &line["kind"],
                &line["amount"],
                &line["balance"],
                &line["reason"],
            )
        })
        .map(|(kind, amount, balance, reason)| json!([kind, amount, balance, reason]))
        .collect();
    let expected = [
        json!(["refund", "-1.5", "5.5", "asked"]),
        json!(["promotion", "2", "7", "hello"]),
        json!(["grant", "5", "5", "opening credit"]),
    ];
    assert_eq!(told, expected);
    let table = stdout(&folder.run(&["credit", "list", "payer", "--limit", "1"]));
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(
        table.contains("refund") && table.contains("asked"),
        "{table}"
    );
    assert_eq!(folder.json(&["audit", "--json"])["ok"], true);
}

#[test]
fn what_cannot_be_refunded_or_promoted_is_one_clear_line() {
    let folder = folder();
    let gift = [
        "credit",
        "promote",
        "payer",
        "2",
        "--expires",
        "2999-01-01",
        "--reason",
        "x",
    ];
    refused(&folder, &gift, "hundred years");
    let gift = [
        "credit",
        "promote",
        "payer",
        "2",
        "--expires",
        "30d",
        "--reason",
        "x",
    ];
    assert!(folder.run(&gift).status.success());
    // Promotional credit was not paid for.
    let again = ["credit", "refund", "payer", "5.5", "--reason", "asked"];
    refused(&folder, &again, "lacks $0.5");
    for usd in ["-1", "0", "1e3"] {
        refused(
            &folder,
            &["credit", "refund", "payer", usd, "--reason", "x"],
            "no amount",
        );
    }
    for expires in ["soon", "0d", "2020-01-01", "-3d"] {
        let promote = [
            "credit",
            "promote",
            "payer",
            "2",
            "--expires",
            expires,
            "--reason",
            "x",
        ];
        refused(&folder, &promote, "--expires");
    }
    refused(
        &folder,
        &["credit", "refund", "nobody", "1", "--reason", "x"],
        "no account",
    );
    refused(
        &folder,
        &["credit", "refund", "payer", "1", "--reason", " "],
        "--reason",
    );
}

#[test]
fn accounts_are_frozen_and_served_again() {
    let folder = folder();
    let freeze = [
        "account",
        "freeze",
        "payer",
        "--reason",
        "card stolen",
        "--json",
    ];
    let said = folder.json(&freeze);
    assert_eq!(
        (&said["frozen"], &said["reason"]),
        (&json!(true), &json!("card stolen"))
    );
    let said = stdout(&folder.run(&["account", "unfreeze", "payer"]));
    assert_eq!(said, "account payer is served\n");
    refused(
        &folder,
        &["account", "freeze", "payer", "--reason", ""],
        "--reason",
    );
    refused(&folder, &["account", "unfreeze", "nobody"], "no account");
}

#[test]
fn signing_up_gives_the_configured_credit_when_asked_for() {
    let folder = folder();
    refused(
        &folder,
        &["account", "create", "new", "--sign-up"],
        "[credits]",
    );
    folder.write(
        "vane.toml",
        "[credits]\nsign_up = \"5\"\nexpires_days = 30\n",
    );
    folder.json(&["account", "create", "new", "--sign-up", "--json"]);
    let shown = folder.json(&["credit", "show", "new", "--json"]);
    assert_eq!(
        (&shown["balance"], &shown["promotional"]),
        (&json!("5"), &json!("5"))
    );
    refused(
        &folder,
        &["credit", "refund", "new", "5", "--reason", "x"],
        "lacks $5",
    );
}

#[test]
fn s10_payments_without_a_secret_do_not_start() {
    let folder = Folder::new();
    let text = "[payments]\nprovider = \"stripe\"\nsecret_key = \"env:KEY\"\n\
        webhook_secret = \"env:SECRET\"\nsuccess_url = \"https://a.example\"\n\
        cancel_url = \"https://a.example\"\n";
    folder.write("vane.toml", text);
    for secret in ["", " "] {
        for command in ["serve", "check"] {
            let mut vane = folder.vane(&[command]);
            let output = vane
                .env("KEY", "sk_test_x")
                .env("SECRET", secret)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "{command}");
            let said = stdout(&output) + &stderr(&output);
            assert!(
                said.contains("payments.webhook_secret"),
                "{command}: {said}"
            );
        }
    }
}

#[test]
fn m11_credit_of_one_id_is_given_once() {
    let folder = folder();
    let grant = |usd: &'static str, id: &'static str| {
        let arguments = ["credit", "grant", "payer", usd, "--reason", "invoice 17"];
        [&arguments[..], &["--id", id, "--json"]].concat()
    };
    for _ in 0..3 {
        assert_eq!(
            folder.json(&grant("25", "invoice-17"))["balance"],
            json!("30")
        );
    }
    let refund = [
        "credit", "refund", "payer", "5", "--reason", "back", "--id", "back-17", "--json",
    ];
    let promote = [
        "credit",
        "promote",
        "payer",
        "2",
        "--reason",
        "hello",
        "--expires",
        "30d",
        "--id",
        "hello-17",
        "--json",
    ];
    for _ in 0..2 {
        assert_eq!(folder.json(&refund)["balance"], json!("25"));
    }
    for _ in 0..2 {
        assert_eq!(folder.json(&promote)["balance"], json!("27"));
    }
    // Another amount, another kind, another account under the same id.
    refused(&folder, &grant("26", "invoice-17"), "something else");
    refused(&folder, &grant("5", "back-17"), "something else");
    folder.json(&["account", "create", "other", "--prepaid", "5", "--json"]);
    let mut elsewhere = grant("25", "invoice-17");
    elsewhere[2] = "other";
    refused(&folder, &elsewhere, "something else");
    refused(&folder, &grant("25", ""), "1 to 64");
    let listed = folder.json(&["credit", "list", "payer", "--json"]);
    assert_eq!(listed["statement"].as_array().unwrap().len(), 4);
    folder.json(&["audit", "--json"]);
}
