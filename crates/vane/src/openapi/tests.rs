//! The document beside the router, and beside the copy that is kept.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{all, document};
use crate::router::{Route, find, methods};
use crate::site;

const USUAL: &str = "http://127.0.0.1:8787";

#[test]
fn every_route_is_described_with_the_methods_that_the_router_takes() {
    for (path, described) in all() {
        let (route, _) = find(&path.replace("{id}", "x")).expect("a route of the table");
        let told: Vec<&http::Method> = described.iter().map(|one| &one.method).collect();
        match route {
            Route::Site(page) if told.is_empty() => {
                assert_ne!(page, site::Page::ModelsJson);
            }
            Route::People(_) | Route::Play(_) | Route::PlayReceipt if told.is_empty() => {}
            route => {
                let mut taken: Vec<&http::Method> = methods(route).iter().collect();
                let mut told = told;
                taken.sort_by_key(|method| method.as_str());
                told.sort_by_key(|method| method.as_str());
                assert_eq!(told, taken, "{path}");
            }
        }
    }
}

#[test]
fn the_kept_copy_is_what_the_routes_say() {
    let text = serde_json::to_string_pretty(&document(USUAL)).unwrap() + "\n";
    // `cargo xtask openapi` writes it anew.
    vane_testkit::golden::check("../../docs/openapi.json", &text);
}

/// Every `$ref` of a value.
fn references(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member.as_str()) {
                    ("$ref", Some(to)) => drop(out.insert(to.to_owned())),
                    _ => references(member, out),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_something_and_everything_is_referred_to() {
    let document = document(USUAL);
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    assert!(all.len() > 40, "{}", all.len());
    for to in &all {
        let pointer = to.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{to}");
    }
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let to = format!("#/components/{kind}/{name}");
            assert!(all.contains(&to), "nobody refers to {to}");
        }
    }
}

#[test]
fn operations_have_names_of_their_own() {
    let mut names = BTreeSet::new();
    for (path, operations) in all() {
        for one in operations {
            assert!(names.insert(one.id), "{path}: {} stands twice", one.id);
            assert!(!one.summary.is_empty() && !one.summary.ends_with('.'));
        }
    }
}
