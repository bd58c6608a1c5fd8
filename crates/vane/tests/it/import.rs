//! `vane import litellm`, as the shell runs it.

use crate::cli::{Folder, stderr, stdout};

const CONFIG: &str = "model_list:\n  - model_name: fast\n    litellm_params:\n      model: openai/gpt-5-mini\n      api_key: sk-canary\ngeneral_settings:\n  master_key: sk-canary\n";
const KEYS: &str = "token,key_alias,max_budget,budget_duration\nab12,ci,5,30d\n";

#[test]
fn a_configuration_is_written_once_and_checks() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.write("keys.csv", KEYS);
    let arguments = [
        "import",
        "litellm",
        "config.yaml",
        "--database",
        "keys.csv",
        "--write",
        "vane.toml",
    ];
    let output = folder.run(&arguments);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "vane account create default\n\
         vane key create --account default --name ci --budget 5/month --models fast\n"
    );
    let said = stderr(&output);
    assert!(
        said.contains("OPENAI_API_KEY") && said.contains("line 7: general_settings.master_key")
    );
    assert!(!said.contains("canary"), "{said}");
    let mut check = folder.vane(&["check"]);
    let checked = check.env("OPENAI_API_KEY", "k").output().unwrap();
    assert!(checked.status.success(), "{}", stdout(&checked));
    let again = folder.run(&arguments);
    assert!(!again.status.success());
    assert!(stderr(&again).contains("vane.toml"), "{}", stderr(&again));
}

#[test]
fn it_is_printed_as_a_file_or_as_json_and_faults_are_one_line() {
    let folder = Folder::new();
    folder.write("config.yaml", CONFIG);
    folder.write("keys.csv", KEYS);
    let plain = ["import", "litellm", "config.yaml", "--database", "keys.csv"];
    let output = folder.run(&plain);
    folder.write("vane.toml", &stdout(&output));
    let mut check = folder.vane(&["check"]);
    assert!(
        check
            .env("OPENAI_API_KEY", "k")
            .output()
            .unwrap()
            .status
            .success()
    );
    let json = folder.json(&[&plain[..], &["--json"]].concat());
    assert_eq!(json["variables"][0]["name"], "OPENAI_API_KEY");
    assert_eq!(
        json["not_mapped"][1]["place"],
        "general_settings.master_key"
    );
    assert_eq!(json["not_mapped"][1]["line"], 7);
    assert_eq!(json["commands"].as_array().unwrap().len(), 2);
    folder.write("config.yaml", "a: [sk-canary");
    let output = folder.run(&plain);
    assert!(!output.status.success() && stdout(&output).is_empty());
    let said = stderr(&output);
    assert!(
        said.contains("config.yaml: line") && !said.contains("canary"),
        "{said}"
    );
}
