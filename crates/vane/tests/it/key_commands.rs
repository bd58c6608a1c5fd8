//! `vane key`, as the shell runs it.

use serde_json::{Value, json};
use vane_ledger::KeyRing;

use crate::cli::{Folder, stderr, stdout};

/// A folder whose database has the account `team`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.json(&["account", "create", "team", "--json"]);
    folder
}

fn create(folder: &Folder, flags: &[&str]) -> Value {
    let create = ["key", "create", "--account", "team", "--json"];
    folder.json(&[&create[..], flags].concat())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn a_key_is_made_with_all_its_limits_at_once() {
    let folder = folder();
    let flags = [
        "--name",
        "ci",
        "--budget",
        "0.50/day",
        "--rpm",
        "60",
        "--tpm",
        "100000",
        "--concurrency",
        "4",
        "--models",
        "a,b",
        "--providers",
        "mistral",
        "--expires",
        "2999-01-31",
    ];
    let made = create(&folder, &flags);
    let expected = json!({
        "account": "team", "name": "ci", "state": "active",
        "budget": {"amount": "0.5", "period": "day"},
        "requests_per_minute": 60, "tokens_per_minute": 100_000, "concurrency": 4,
        "models": ["a", "b"], "providers": ["mistral"], "expires_at": 32_474_736_000_i64,
        "revoked_at": null, "replaced_by": null, "retires_at": null,
    });
    let list = folder.json(&["key", "list", "--json"]);
    let listed = &list["keys"][0];
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!((&made[field], &listed[field]), (value, value), "{field}");
    }
    assert_eq!(
        (&made["id"], &made["lineage"]),
        (&listed["id"], &listed["id"])
    );
    assert!(
        !list.to_string().contains(text(&made["key"])),
        "a list shows no key"
    );
    let table = stdout(&folder.run(&["key", "list"]));
    let row = table.lines().nth(1).unwrap();
    for cell in [
        "team",
        "active until 2999-01-31",
        "$0.5/day",
        "60 rpm, 100000 tpm, 4 at once",
    ] {
        assert!(row.contains(cell), "{row}");
    }
    let audited = folder.json(&["audit", "--json"]);
    assert_eq!(audited["ok"], true, "{audited}");
}

#[test]
fn limits_are_changed_one_by_one_and_none_takes_one_away() {
    let folder = folder();
    let made = create(
        &folder,
        &["--rpm", "60", "--models", "a,b", "--expires", "30d"],
    );
    let id = text(&made["id"]);
    let set = |flags: &[&str]| folder.json(&[&["key", "set", id, "--json"], flags].concat());
    let now = set(&["--tpm", "9", "--budget", "2/week", "--providers", "lab"]);
    assert_eq!(now["budget"], json!({"amount": "2", "period": "week"}));
    assert_eq!(
        (&now["tokens_per_minute"], &now["providers"]),
        (&json!(9), &json!(["lab"]))
    );
    assert_eq!(
        (&now["requests_per_minute"], &now["models"]),
        (&json!(60), &json!(["a", "b"]))
    );
    assert_eq!(now["expires_at"], made["expires_at"]);
    let flags = [
        "--budget",
        "none",
        "--rpm",
        "none",
        "--models",
        "none",
        "--expires",
        "none",
        "--providers",
        "none",
    ];
    let now = set(&flags);
    for field in [
        "budget",
        "requests_per_minute",
        "models",
        "expires_at",
        "providers",
    ] {
        assert_eq!(now[field], Value::Null, "{field}");
    }
    assert_eq!(now["tokens_per_minute"], 9);
    let shown = stdout(&folder.run(&["key", "set", id, "--concurrency", "3"]));
    assert!(shown.contains("9 tpm, 3 at once"), "{shown}");
}

#[test]
fn a_rotated_key_keeps_its_limits_and_both_secrets_work() {
    let folder = folder();
    let old = create(
        &folder,
        &["--name", "ci", "--rpm", "60", "--budget", "5/month"],
    );
    let id = text(&old["id"]);
    let rotated = folder.run(&["key", "rotate", id, "--overlap", "7d", "--json"]);
    let new: Value = serde_json::from_slice(&rotated.stdout).unwrap();
    assert!(stderr(&rotated).contains("works for 7d more"));
    assert_eq!(new["replaces"], old["id"]);
    for field in ["name", "requests_per_minute", "budget", "lineage"] {
        assert_eq!(new[field], old[field], "{field}");
    }
    let list = folder.json(&["key", "list", "--account", "team", "--json"]);
    let states: Vec<&str> = [0, 1].map(|at| text(&list["keys"][at]["state"])).into();
    assert!(
        states.contains(&"retiring") && states.contains(&"active"),
        "{list}"
    );

    let store = vane_ledger::Store::open(&folder.url()).unwrap();
    let ring = KeyRing::open(&store).unwrap();
    let now = vane_ledger::Clock::System.now();
    for key in [&old, &new] {
        let caller = ring.lookup(text(&key["key"]), now).unwrap();
        assert_eq!(caller.key_id, id);
    }
    let again = folder.run(&["key", "rotate", id]);
    assert!(
        stderr(&again).contains("replaced already"),
        "{}",
        stderr(&again)
    );

    let new_id = text(&new["id"]);
    let revoked = folder.run(&["key", "revoke", new_id]);
    let said = stderr(&revoked);
    assert!(said.contains(&format!("vane key revoke {id}")), "{said}");
    let at_once = create(&folder, &[]);
    let rotate = ["key", "rotate", text(&at_once["id"]), "--overlap", "0"];
    let rotated = folder.run(&rotate);
    assert!(stdout(&rotated).starts_with("sk-vane-"));
    assert!(stderr(&rotated).contains("no longer works"));
}

#[test]
fn a_key_is_named_by_its_id_or_as_people_hold_it() {
    let folder = folder();
    folder.json(&["account", "create", "other", "--json"]);
    let made = create(&folder, &[]);
    let (whole, id) = (text(&made["key"]), text(&made["id"]));
    for name in [id, whole, &format!("sk-vane-{id}-…")] {
        let now = folder.json(&["key", "set", name, "--rpm", "5", "--json"]);
        assert_eq!(now["id"], id);
    }
    let theirs = folder.run(&["key", "revoke", whole, "--account", "other"]);
    let said = stderr(&theirs);
    assert!(said.contains(&format!("no key \"{id}\"")), "{said}");
    assert!(!said.contains(whole), "a secret is not repeated");
    let revoked = folder.json(&["key", "revoke", id, "--account", "team", "--json"]);
    assert_eq!(revoked["state"], "revoked");
}

#[test]
fn what_is_no_limit_is_one_line_and_changes_nothing() {
    let folder = folder();
    let made = create(&folder, &["--rpm", "7"]);
    let id = text(&made["id"]);
    for (flags, said) in [
        (&["--rpm", "0"][..], "--rpm must be a number"),
        (&["--tpm", "-1"], "--tpm must be a number"),
        (&["--concurrency", "many"], "--concurrency must be a number"),
        (&["--budget", "5"], "--budget must be dollars"),
        (&["--budget", "5/year"], "--budget must be dollars"),
        (&["--budget", "-5/day"], "above zero"),
        (&["--budget", "1e3/day"], "plain decimal"),
        (&["--expires", "soon"], "--expires must lie ahead"),
        (&["--expires", "2001-01-01"], "--expires must lie ahead"),
        (&["--models", ""], "must not be empty"),
        (&["--providers", "a, b"], "begin or end with a space"),
    ] {
        for command in [
            &["create", "--account", "team"][..],
            &["set", id, "--rpm", "8"],
        ] {
            let repeated = command.contains(&"--rpm") && flags.contains(&"--rpm");
            let command = &command[..command.len() - if repeated { 2 } else { 0 }];
            let output = folder.run(&[&["key"], command, flags].concat());
            assert_eq!(output.status.code(), Some(1), "{command:?} {flags:?}");
            let lines = stderr(&output);
            assert!(
                lines.lines().count() == 1 && lines.starts_with("vane: ") && lines.contains(said),
                "{command:?} {flags:?}: {lines}"
            );
        }
    }
    for (arguments, said) in [
        (&["set", id][..], "nothing to change"),
        (&["set", "x", "--rpm", "1"], "no key \"x\""),
        (&["rotate", "x"], "no key \"x\""),
        (&["rotate", id, "--overlap", "soon"], "--overlap must be"),
        (&["list", "--account", "nobody"], "no account \"nobody\""),
    ] {
        let output = folder.run(&[&["key"], arguments].concat());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(stderr(&output).contains(said), "{arguments:?}");
    }
    let list = folder.json(&["key", "list", "--json"]);
    assert_eq!(list["keys"].as_array().unwrap().len(), 1);
    assert_eq!(list["keys"][0]["requests_per_minute"], 7);
}

#[test]
fn a_model_to_fall_to_must_be_one_that_is_served() {
    let folder = folder();
    let lab = r#"
[[provider]]
id = "lab"
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
models = [{ id = "qwen-coder", input = "0", output = "0", free = true }]
"#;
    folder.write("vane.toml", lab);
    let made = create(
        &folder,
        &["--budget", "5/day", "--when-spent", "qwen-coder"],
    );
    assert_eq!(made["when_spent"], "qwen-coder");
    let id = text(&made["id"]);
    let table = stdout(&folder.run(&["key", "list"]));
    assert!(table.contains("$5/day, then qwen-coder"), "{table}");
    for (flags, said) in [
        (
            &["--when-spent", "qwen-codr"][..],
            "did you mean `qwen-coder`",
        ),
        (&["--when-spent", "codestral-latest"], "no provider of"),
        (
            &["--when-spent", "qwen-coder", "--models", "codestral-latest"],
            "may not use the model",
        ),
        (&["--when-spent", ""], "there is no model"),
    ] {
        let set = folder.run(&[&["key", "set", id][..], flags].concat());
        assert!(stderr(&set).contains(said), "{flags:?} {}", stderr(&set));
        assert_eq!(set.status.code(), Some(1), "{flags:?}");
        let create = ["key", "create", "--account", "team"];
        let create = folder.run(&[&create[..], flags].concat());
        assert!(stderr(&create).contains(said), "{}", stderr(&create));
    }
    let list = folder.json(&["key", "list", "--json"]);
    assert_eq!(list["keys"].as_array().unwrap().len(), 1);
    assert_eq!(list["keys"][0]["when_spent"], "qwen-coder");
    let rotated = folder.json(&["key", "rotate", id, "--json"]);
    assert_eq!(rotated["when_spent"], "qwen-coder");
    // A model that goes away is told of; what is asked changes nothing, and there need be no keys.
    assert!(folder.run(&["check"]).status.success());
    folder.write("vane.toml", &lab.replace("qwen-coder", "qwen-coder-2"));
    let check = folder.run(&["check"]);
    let said = stdout(&check);
    assert!(
        said.contains(id) && said.contains("did you mean `qwen-coder-2`"),
        "{said}"
    );
    assert_eq!(check.status.code(), Some(1));
    folder.write("vane.toml", lab);
    let empty = Folder::new();
    assert!(empty.run(&["check"]).status.success());
    assert!(!empty.0.join("vane.db").exists());
    let set = folder.json(&["key", "set", id, "--when-spent", "none", "--json"]);
    assert_eq!(set["when_spent"], Value::Null);
}
