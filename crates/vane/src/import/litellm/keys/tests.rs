//! Exports as `\copy ... csv header` and as JSON, and the lines that come of them.

use super::*;

/// 2026-11-21.
const NOW: i64 = 1_795_219_200;

const CSV: &str = r#"token,key_name,key_alias,spend,expires,models,user_id,team_id,rpm_limit,tpm_limit,max_parallel_requests,max_budget,budget_duration,blocked,permissions
88dc28d0f0canary,sk-...abcd,ci,12.5,2027-03-01 00:00:00,"{gpt-5-mini,claude-sonnet-4-5}",,t-1,60,100000,4,25.0,30d,f,{}
99ee39e1f1canary,sk-...efgh,,0,,{all-team-models},u-1,t-2,,,,5,7d,,{}
aa11canary,sk-...ijkl,old,0.75,2026-01-01 00:00:00,{},,,,,,,,,{}
bb22canary,sk-...mnop,stopped,0,,{},,,,,,,,t,{}
cc33canary,sk-...qrst,odd,0,,{},u-1,,,,,10,90d,,"{""x"":1}"
dd44canary,sk-...uvwx,"it's; $(x)",0,,{openai/*},,,,,,,,,{}
"#;

const TEAMS: &str = "team_id,team_alias,max_budget,models\nt-1,Platform Team,100,\"{}\"\nt-2,search,,\"{codestral-latest,mistral-small-latest}\"\n";

fn of(exports: &[&str]) -> Keys {
    let exports: Vec<String> = exports.iter().map(|text| (*text).to_owned()).collect();
    keys(&exports, NOW).unwrap()
}

#[track_caller]
fn says(keys: &Keys, of: &str, what: &str) {
    let mut rows = keys.left.iter();
    let found = rows.any(|left| left.of == of && left.what.contains(what));
    assert!(found, "{of}: {what}: {:#?}", keys.left);
}

#[test]
fn keys_become_the_commands_that_make_them() {
    let made = of(&[CSV, TEAMS]);
    assert_eq!(
        made.commands,
        [
            "vane account create 'Platform Team'",
            "vane account create search",
            "vane account create u-1",
            "vane account create default",
            "vane key create --account 'Platform Team' --name ci --budget 25/month \
             --models gpt-5-mini,claude-sonnet-4-5 --rpm 60 --tpm 100000 --concurrency 4 \
             --expires 2027-03-01",
            "vane key create --account search --name litellm-99ee39e1 --budget 5/week \
             --models codestral-latest,mistral-small-latest",
            "# vane key create --account u-1 --name odd  # a budget of another period than a \
             day, a week or a month",
            "# vane key create --account default --name 'it'\\''s; $(x)'  # models by a \
             wildcard, or none at all",
        ]
    );
    says(&made, "ci", "has spent $12.5");
    says(&made, "ci", "calendar month");
    says(&made, "old", "expired");
    says(&made, "stopped", "blocked");
    says(&made, "odd", "not made");
    says(&made, "odd", "permissions");
    says(&made, "Platform Team", "whole team");
    assert!(!format!("{made:?}").contains("canary"));
}

#[test]
fn json_of_several_tables_reads_as_csv_does() {
    let json = r#"{
      "LiteLLM_VerificationToken": [{"token":"ff00aa11","key_alias":"bot","budget_id":"b-1","team_id":"t-2",
        "models":["all-team-models"],"spend":0.0,"max_budget":null,"expires":"2026-12-31T10:00:00Z","rpm_limit":"30"}],
      "LiteLLM_TeamTable": [{"team_id":"t-2","team_alias":"search","models":["codestral-latest"]}],
      "LiteLLM_BudgetTable": [{"budget_id":"b-1","max_budget":2.50,"budget_duration":"1d","tpm_limit":5000}],
      "LiteLLM_SpendLogs": [{"request_id":"r","api_key":"h","spend":1.0}]
    }"#;
    let made = of(&[json]);
    assert_eq!(
        made.commands,
        [
            "vane account create search",
            "vane key create --account search --name bot --budget 2.5/day --models \
             codestral-latest --rpm 30 --tpm 5000 --expires 2026-12-31",
        ]
    );
    says(&made, "spend logs", "stays with LiteLLM");
}

#[test]
fn a_key_whose_limits_are_not_known_is_a_comment() {
    let made = of(&[r#"[{"token":"ab","key_alias":"k","budget_id":"elsewhere"}]"#]);
    assert!(
        made.commands[1].starts_with("# vane key create"),
        "{made:?}"
    );
    let made = of(&[r#"[{"token":"ab","key_alias":"k","max_budget":10}]"#]);
    assert!(made.commands[1].contains("without a period"), "{made:?}");
    let made =
        of(&[r#"[{"token":"ab","key_alias":"k","team_id":"t","models":["all-team-models"]}]"#]);
    assert!(made.commands[1].starts_with('#'), "{made:?}");
    // Without models of its own a key has those of its team, and no more.
    let key = r#"[{"token":"ab","key_alias":"k","team_id":"t","models":[]}]"#;
    assert!(of(&[key]).commands[1].starts_with('#'));
    let team = r#"[{"team_id":"t","team_alias":"T","models":["m"],"blocked":false}]"#;
    let line = "vane key create --account T --name k --models m";
    assert_eq!(of(&[key, team]).commands[1], line);
    let blocked = team.replace("false", "true");
    assert_eq!(of(&[key, &blocked]).commands, Vec::<String>::new());
}
