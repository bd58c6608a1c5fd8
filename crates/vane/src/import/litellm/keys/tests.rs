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
    of_named(exports, None)
}

/// The same beside a configuration whose models have these names.
fn of_named(exports: &[&str], names: Option<&[&str]>) -> Keys {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let (exports, names): (Vec<String>, Option<Vec<String>>) = (owned(exports), names.map(owned));
    keys(&exports, names.as_deref(), NOW).unwrap()
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

/// It could call all that the new configuration has a key for.
#[test]
fn a_key_without_a_list_may_use_what_came_over_and_no_more() {
    for models in ["", "all-proxy-models", "all-team-models"] {
        let csv = format!("token,key_alias,models\nab,k,{{{models}}}\n");
        let line = |names| of_named(&[&csv], names).commands[1].clone();
        let made = "vane key create --account default --name k";
        assert_eq!(
            line(Some(&["fast", "openai/gpt-5", "gpt-4"])),
            format!("{made} --models fast,openai/gpt-5,gpt-4")
        );
        assert_eq!(line(None), made, "a wildcard names none");
        assert!(line(Some(&[])).starts_with("# "), "nothing came over");
        assert!(line(Some(&["a,b"])).starts_with("# "), "two names for one");
    }
}

/// Its lines were live, and the new key was held back by less.
#[test]
fn a_key_with_a_limit_that_no_key_has_is_a_comment() {
    let line = |more: &str| {
        let key = format!(r#"[{{"token":"ab","key_alias":"k","models":["m"]{more}}}]"#);
        of(&[&key]).commands[1].clone()
    };
    for (more, why) in [
        (r#","allowed_routes":["/v1/embeddings"]"#, "allowed routes"),
        (
            r#","allowed_routes":["llm_api_routes","info_routes"]"#,
            "allowed routes",
        ),
        (
            r#","model_max_budget":{"m":{"budget_limit":1}}"#,
            "budgets of single",
        ),
        (r#","budget_limits":[{"max_budget":1}]"#, "several budgets"),
        (r#","access_group_ids":["g"]"#, "access groups"),
        (r#","project_id":"p""#, "project"),
        (
            r#","metadata":{"model_rpm_limit":{"m":1}}"#,
            "requests per minute by",
        ),
        (
            r#","metadata":{"model_tpm_limit":{"m":1}}"#,
            "tokens per minute by",
        ),
        (r#","metadata":"canary""#, "no JSON"),
    ] {
        let line = line(more);
        assert!(
            line.starts_with("# ") && line.contains(why),
            "{more}: {line}"
        );
        assert!(!line.contains("canary"), "{line}");
    }
    for more in [
        r#","allowed_routes":[],"model_max_budget":{},"budget_limits":null,"access_group_ids":[]"#,
        r#","allowed_routes":["llm_api_routes"],"project_id":null"#,
        r#","metadata":{"model_rpm_limit":null,"team":"canary"}"#,
    ] {
        let line = line(more);
        assert!(line.starts_with("vane key create"), "{more}: {line}");
    }
    let csv = "token,key_alias,budget_id,models\nab,k,b,{m}\n";
    let budget = r#"[{"budget_id":"b","model_max_budget":{"m":{}}}]"#;
    assert!(of(&[csv, budget]).commands[1].starts_with("# "));
}

#[test]
fn a_key_has_the_models_that_its_team_has_too() {
    let line = |own: &str, teams: &str| {
        let key = format!(r#"[{{"token":"ab","key_alias":"k","team_id":"t","models":{own}}}]"#);
        let team = format!(r#"[{{"team_id":"t","team_alias":"T","models":{teams}}}]"#);
        of(&[&key, &team]).commands[1].clone()
    };
    let made = "vane key create --account T --name k --models";
    assert_eq!(line(r#"["a","b"]"#, r#"["c","b"]"#), format!("{made} b"));
    assert_eq!(
        line(r#"["a"]"#, r#"["all-proxy-models"]"#),
        format!("{made} a")
    );
    assert_eq!(
        line(r#"["all-proxy-models"]"#, r#"["b"]"#),
        format!("{made} b")
    );
    for (own, teams) in [
        (r#"["a"]"#, r#"["b"]"#),
        (r#"["a"]"#, r#"["openai/*"]"#),
        (r#"["no-default-models"]"#, "[]"),
    ] {
        assert!(line(own, teams).starts_with("# "), "{own} {teams}");
    }
    let key = r#"[{"token":"ab","key_alias":"k","team_id":"t","models":["a"]}]"#;
    assert!(
        of(&[key]).commands[1].starts_with("# "),
        "its team's are not known"
    );
}

/// One paid for the other.
#[test]
fn teams_and_users_of_one_name_stay_accounts_of_their_own() {
    let keys = "token,key_alias,team_id,user_id,models\na1,one,t-1,,{m}\na2,two,t-2,,{m}\n\
                a3,three,,u-1,{m}\na4,four,,,{m}\na5,five,t-3,,{m}\na6,six,,u-2,{m}\n";
    let teams =
        "team_id,team_alias,max_budget\nt-1,Platform Team,\nt-2,Platform Team,9\nt-3,default,\n";
    let users = "user_id,user_alias\nu-1,Platform Team\nu-2,Ann\n";
    let made = of(&[keys, teams, users]);
    let accounts = made
        .commands
        .iter()
        .filter(|line| line.contains("account create"));
    assert_eq!(
        accounts.collect::<Vec<_>>(),
        [
            "vane account create 'Platform Team (t-1)'",
            "vane account create 'Platform Team (t-2)'",
            "vane account create 'Platform Team (u-1)'",
            "vane account create default",
            "vane account create 'default (t-3)'",
            "vane account create Ann",
        ]
    );
    assert!(made.commands[7].contains("--account 'Platform Team (t-2)' --name two"));
    says(&made, "Platform Team", "3 teams or users");
    says(&made, "default", "2 teams or users");
    says(&made, "Platform Team (t-2)", "whole team");
}
