//! `vane route`, and what commands say of a provider that lacks something.

use crate::cli::{Folder, stderr, stdout};

/// One model at two offers of different prices, one of them with a priced search.
const TWO_OFFERS: &str = r#"
database = "sqlite::memory:"
[[provider]]
id = "dear"
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "k"
models = [{ id = "m", input = "3", output = "6.50", per_use = { web_search = "0.01" } }]
[[provider]]
id = "cheap"
dialect = "openai"
base_url = "http://127.0.0.1:9/v1"
api_key = "k"
models = [{ id = "m", input = "1", output = "2" }]
"#;

#[test]
fn route_explains_a_plan_without_calling_anyone() {
    let folder = Folder::new();
    folder.write("vane.toml", TWO_OFFERS);
    let plan = folder.json(&["route", "m", "--json"]);
    let offers = |plan: &serde_json::Value| -> Vec<String> {
        let rows = plan["plan"].as_array().unwrap().iter();
        rows.map(|row| row["offer"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(offers(&plan), ["cheap/m", "dear/m"], "cheapest first");
    assert_eq!(
        plan["plan"][1],
        serde_json::json!({"offer": "dear/m", "provider": "dear", "dialect": "openai_chat",
            "input_per_million": "$3", "output_per_million": "$6.50",
            "reason": "cheapest first, same dialect"})
    );
    assert_eq!(plan["left_out"], serde_json::json!([]));

    let translated = folder.json(&["route", "m", "--door", "anthropic_messages", "--json"]);
    let reason = translated["plan"][0]["reason"].as_str().unwrap();
    assert_eq!(reason, "cheapest first, translated");

    let searching = ["route", "m", "--tool", "web_search", "--json"];
    let searching = folder.json(&searching);
    assert_eq!(offers(&searching), ["dear/m"]);
    let left = &searching["left_out"][0];
    assert_eq!(left["offer"], "cheap/m");
    assert!(
        left["reason"].as_str().unwrap().contains("`web_search`"),
        "{left}"
    );
}

#[test]
fn route_explains_what_a_key_may_not_use() {
    let folder = Folder::new();
    folder.write(
        "vane.toml",
        &TWO_OFFERS.replace("sqlite::memory:", "sqlite:vane.db"),
    );
    folder.json(&["account", "create", "team", "--json"]);
    let key = |flags: &[&str]| {
        let create = ["key", "create", "--account", "team", "--json"];
        let key = folder.json(&[&create[..], flags].concat());
        key["id"].as_str().unwrap().to_owned()
    };
    let dear = key(&["--providers", "dear"]);
    let plan = folder.json(&["route", "m", "--key", &dear, "--json"]);
    assert_eq!(plan["plan"][0]["offer"], "dear/m");
    assert_eq!(plan["plan"].as_array().unwrap().len(), 1);
    assert_eq!(
        plan["left_out"],
        serde_json::json!([{"offer": "cheap/m", "reason": "the key may not use this provider"}])
    );
    let other = key(&["--models", "other"]);
    for (key, said) in [
        (&*other, "may not use the model `m`"),
        ("x", "no key \"x\""),
    ] {
        let refused = folder.run(&["route", "m", "--key", key]);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
}

#[test]
fn route_prints_a_table_or_one_clear_line() {
    let folder = Folder::new();
    folder.write("vane.toml", TWO_OFFERS);
    let table = stdout(&folder.run(&["route", "m", "--tool", "web_search"]));
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["OFFER", "PROVIDER", "DIALECT", "IN", "OUT", "WHY"]
    );
    assert_eq!(
        lines[1][..6],
        ["1", "dear/m", "dear", "openai_chat", "$3", "$6.50"]
    );
    assert!(
        table.contains("not asked: cheap/m: it states no price for `web_search`"),
        "{table}"
    );
    for (arguments, said) in [
        (&["route", "mm"][..], "did you mean `m`"),
        (
            &["route", "m", "--tool", "image_generation"],
            "states no price for it",
        ),
        (&["route", "m", "--door", "smalltalk"], "openai_chat, "),
        (&["route", "claude-opus-5"], "set ANTHROPIC_API_KEY"),
    ] {
        let output = folder.run(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        let line = stderr(&output);
        assert!(line.contains(said), "{arguments:?}: {line}");
    }
}

#[test]
fn what_a_model_needs_is_said_by_check_route_and_models() {
    let folder = Folder::new();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = folder.vane(arguments);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        (output.status.success(), stdout(&output) + &stderr(&output))
    };
    let key = [("OPENROUTER_API_KEY", "k")];
    for (arguments, variables, works, said) in [
        (
            &["check"][..],
            &key[..],
            true,
            "name them in a [[provider]] with `id = \"openrouter\"`",
        ),
        (
            &["route", "openrouter/x/y"],
            &key,
            false,
            "the catalogue has no models of OpenRouter: name them",
        ),
        (
            &["route", "ollama/llama"],
            &[],
            false,
            "name them in a [[provider]] with `id = \"ollama\"`",
        ),
        (
            &["check"],
            &[("AZURE_API_KEY", "k")],
            true,
            "VANE_AZURE_BASE_URL` is not set: azure stays off",
        ),
        (
            &["route", "azure/gpt-5"],
            &[],
            false,
            "set AZURE_API_KEY and VANE_AZURE_BASE_URL",
        ),
        (
            &["models", "azure/gpt-5"],
            &[],
            true,
            "needs AZURE_API_KEY and VANE_AZURE_BASE_URL",
        ),
        (
            &["models", "muse-spark-1.3"],
            &[],
            true,
            "VANE_META_API_KEY and VANE_META_BASE_URL",
        ),
        (
            &["route", "codestral-latest"],
            &[],
            false,
            "set MISTRAL_API_KEY)",
        ),
    ] {
        let (worked, told) = run(arguments, variables);
        assert_eq!(worked, works, "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}
