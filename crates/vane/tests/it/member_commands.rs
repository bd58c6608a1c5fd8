//! `vane member`, and what keys have to do with it, as the shell runs it.

use serde_json::{Value, json};

use crate::cli::{Folder, stderr};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.json(&["account", "create", "team", "--json"]);
    folder
}

fn said(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    stderr(&output)
}

#[test]
fn members_are_added_listed_changed_and_removed() {
    let folder = folder();
    let add =
        |email, role| folder.json(&["member", "add", "team", email, "--role", role, "--json"]);
    let refused = said(
        &folder,
        &[
            "member",
            "add",
            "team",
            "ann@example.com",
            "--role",
            "admin",
        ],
    );
    assert!(refused.contains("add an owner first"), "{refused}");
    let ann = add("Ann@Example.com", "owner");
    let bob = add("bob@example.com", "member");
    assert_eq!(ann["email"], json!("ann@example.com"));
    let refused = said(&folder, &["member", "remove", "team", "ann@example.com"]);
    assert!(refused.contains("at least one owner"), "{refused}");
    let refused = said(
        &folder,
        &["member", "add", "team", "eve@example.com", "--role", "root"],
    );
    assert!(
        refused.contains("owner, admin, member or viewer"),
        "{refused}"
    );
    let set = folder.json(&[
        "member",
        "set",
        "team",
        "BOB@example.com",
        "--role",
        "admin",
        "--json",
    ]);
    assert_eq!((&set["id"], &set["role"]), (&bob["id"], &json!("admin")));
    let list = folder.json(&["member", "list", "team", "--json"]);
    let roles: Vec<&Value> = list["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["role"])
        .collect();
    assert_eq!(roles, [&json!("owner"), &json!("admin")]);
}

#[test]
fn a_key_is_made_for_a_member_and_ends_with_it() {
    let folder = folder();
    let add =
        |email, role| folder.json(&["member", "add", "team", email, "--role", role, "--json"]);
    add("ann@example.com", "owner");
    let bob = add("bob@example.com", "member");
    let create = ["key", "create", "--account", "team", "--json", "--member"];
    let key = folder.json(&[&create[..], &["bob@example.com"]].concat());
    assert_eq!(key["member"], bob["id"]);
    let refused = said(&folder, &[&create[..], &["eve@example.com"]].concat());
    assert!(refused.contains("vane member list team"), "{refused}");
    folder.json(&["member", "remove", "team", "bob@example.com", "--json"]);
    let list = folder.json(&["key", "list", "--json"]);
    assert_eq!(list["keys"][0]["state"], json!("revoked"));
    let changes = folder.json(&["account", "changes", "team", "--json"]);
    let what: Vec<&str> = changes["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        what,
        ["member_removed", "key_made", "member_added", "member_added"]
    );
}

#[test]
fn a_link_to_another_password_is_printed_for_who_signs_in_here() {
    let folder = folder();
    folder.json(&[
        "member",
        "add",
        "team",
        "ann@example.com",
        "--role",
        "owner",
        "--json",
    ]);
    // Nobody has come in by that address yet.
    let refused = said(&folder, &["member", "recover", "ann@example.com"]);
    assert!(refused.contains("invite them"), "{refused}");
}
