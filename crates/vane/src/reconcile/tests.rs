//! Exports as providers give them, and what is said of them beside our days.

use super::*;

const OPENAI_USAGE: &str = "start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,model,input_tokens,output_tokens,input_cached_tokens
1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,p,3,gpt-5-mini-2025-08-07,1000,200,100
1795219200,1795305600,2026-11-21T00:00:00+00:00,2026-11-22T00:00:00+00:00,q,1,gpt-5-mini-2025-08-07,500,100,0
";
const OPENAI_COSTS: &str = "start_time,start_time_iso,amount_value,amount_currency,line_item
1795219200,2026-11-21T00:00:00+00:00,0.00037500000000000001,usd,
1795305600,2026-11-22T00:00:00+00:00,,,
";
const OPENAI_API: &str = r#"{"object":"page","data":[{"object":"bucket","start_time":1795219200,"end_time":1795305600,
  "results":[{"object":"organization.usage.completions.result","input_tokens":1500,"output_tokens":300,"num_model_requests":4,"model":"gpt-5-mini"}]},
  {"object":"bucket","start_time":1795305600,"end_time":1795392000,"results":[]}],"has_more":false}"#;
const OPENAI_COSTS_API: &str = r#"{"data":[{"start_time":1795219200,"results":[
  {"amount":{"value":1.25e-4,"currency":"usd"},"line_item":"gpt-5-mini-2025-08-07, input"},
  {"amount":{"value":0.00025,"currency":"usd"},"line_item":"gpt-5-mini-2025-08-07, output"}]}]}"#;
const ANTHROPIC: &str = "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count
2026-11-21,claude-sonnet-4-5-20250929,k,100,20,3,4000,50,0
2026-11-21 13:00,claude-sonnet-4-5-20250929,k,1,0,0,0,2,0
";
const ANTHROPIC_API: &str = r#"{"data":[{"starting_at":"2026-11-21T00:00:00Z","ending_at":"2026-11-22T00:00:00Z","results":[
  {"uncached_input_tokens":101,"cache_creation":{"ephemeral_1h_input_tokens":3,"ephemeral_5m_input_tokens":20},
   "cache_read_input_tokens":4000,"output_tokens":52,"model":"claude-sonnet-4-5-20250929"}]}]}"#;
const OPENROUTER: &str = "Date,Model,Usage,Requests,Prompt Tokens,Completion Tokens\n2026-11-21,openai/gpt-5-mini,0.015,5,50,125\n";
const GENERIC: &str = "day,model,calls,input_tokens,output_tokens,cost\n2026-11-21,m,1,10,20,0.5\n";

fn day() -> Date {
    Date::parse("2026-11-21").unwrap()
}

fn row(text: &str) -> ExportDay {
    let rows = read(text).unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.into_iter().next().unwrap()
}

#[test]
fn exports_of_every_provider_are_read_by_their_columns() {
    for (text, model, calls, input, output, cost) in [
        (
            OPENAI_USAGE,
            Some("gpt-5-mini-2025-08-07"),
            Some(4),
            Some(1_500),
            Some(300),
            None,
        ),
        (
            OPENAI_API,
            Some("gpt-5-mini"),
            Some(4),
            Some(1_500),
            Some(300),
            None,
        ),
        (OPENAI_COSTS, None, None, None, None, Some("0.000375")),
        (
            OPENAI_COSTS_API,
            Some("gpt-5-mini-2025-08-07"),
            None,
            None,
            None,
            Some("0.000375"),
        ),
        (
            ANTHROPIC,
            Some("claude-sonnet-4-5-20250929"),
            None,
            Some(4_124),
            Some(52),
            None,
        ),
        (
            ANTHROPIC_API,
            Some("claude-sonnet-4-5-20250929"),
            None,
            Some(4_124),
            Some(52),
            None,
        ),
        (
            OPENROUTER,
            Some("openai/gpt-5-mini"),
            Some(5),
            Some(50),
            Some(125),
            Some("0.015"),
        ),
        (GENERIC, Some("m"), Some(1), Some(10), Some(20), Some("0.5")),
    ] {
        let expected = ExportDay {
            day: day(),
            model: model.map(ToOwned::to_owned),
            calls,
            input,
            output,
            cost: cost.map(|cost| Money::parse(cost).unwrap()),
        };
        assert_eq!(row(text), expected, "{text}");
    }
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_and_never_left_out() {
    for (text, said) in [
        ("day,cost\n2026-11-21,lots\n", "row 1: `cost`"),
        (
            "day,model,output_tokens\n2026-11-21,m,1\n2026-11-21,m,-1\n",
            "row 2: `output_tokens`",
        ),
        ("day,cost\nyesterday,1\n", "row 1: `day`"),
        (
            "created,cost\n1795219200000,1\n",
            "`created` is in milliseconds",
        ),
        ("created,cost\n4102444800,1\n", "`created` is no day"),
        ("created,cost\n1795219200000000,1\n", "`created` is no day"),
        ("day,cost\n20261121,1\n", "`day` is no day"),
        ("day,cost\n2100-01-01,1\n", "`day` is no day"),
        ("day,cost\n1970-01-02,1\n", "`day` is no day"),
        ("day,cost\n2026-11-21T00:00:00+02:00,1\n", "row 1: `day`"),
        ("cost\n1\n", "no day"),
        (
            "day,amount_value,amount_currency\n2026-11-21,1,eur\n",
            "not in dollars",
        ),
        ("day,shoes\n2026-11-21,1\n", "no row"),
        (
            "day,model,output_tokens\n2026-11-21,m,18446744073709551615\n2026-11-21,m,1\n",
            "too large",
        ),
        ("", "no row"),
        ("a,b\n1\n", "no CSV"),
    ] {
        let fault = read(text).unwrap_err();
        assert!(fault.0.contains(said), "{text}: {fault}");
    }
}

fn ours(model: &str, day: &str, cost: &str) -> ProviderDay {
    ProviderDay {
        day: Date::parse(day).unwrap(),
        model: model.to_owned(),
        calls: 1,
        input: 10,
        output: 20,
        cost: Money::parse(cost).unwrap(),
    }
}

fn compared(ours: &[ProviderDay], export: &str, tolerance: &str) -> Vec<String> {
    let theirs = read(export).unwrap();
    let tolerance = Tolerance::parse(tolerance).unwrap();
    let differences = compare(ours, &theirs, ToOwned::to_owned, tolerance);
    let line = |d: &Difference| {
        let percent = d.percent.as_deref().unwrap_or("-");
        let (model, field) = (d.model.as_deref().unwrap_or("all"), d.field.name());
        format!(
            "{} {model} {field} {} {} {} {percent} {}",
            d.day, d.ours, d.theirs, d.apart, d.above
        )
    };
    differences.iter().map(line).collect()
}

#[test]
fn what_agrees_is_not_told_and_what_differs_is_with_its_amount() {
    let same = ours("m", "2026-11-21", "0.5");
    assert_eq!(
        compared(std::slice::from_ref(&same), GENERIC, "0"),
        Vec::<String>::new()
    );
    let dearer = ours("m", "2026-11-21", "0.502");
    assert_eq!(
        compared(&[dearer], GENERIC, "0.5"),
        ["2026-11-21 m cost 0.502 0.5 0.002 +0.4% false"]
    );
    let other = ours("n", "2026-11-21", "0.5");
    let told = compared(&[same.clone(), other], GENERIC, "100");
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told[3], "2026-11-21 n cost 0.5 0 0.5 - true");
    let told = compared(&[], GENERIC, "1");
    assert_eq!(told[0], "2026-11-21 m calls 0 1 -1 -100.0% true");
    // Days that the export does not cover say nothing of it.
    let later = ours("m", "2026-11-22", "9");
    assert_eq!(compared(&[same, later], GENERIC, "0"), Vec::<String>::new());
}

#[test]
fn an_export_without_models_is_compared_by_the_day_and_only_in_what_it_states() {
    let days = [
        ours("a", "2026-11-21", "0.0003"),
        ours("b", "2026-11-21", "0.000075"),
    ];
    assert_eq!(compared(&days, OPENAI_COSTS, "0"), Vec::<String>::new());
    assert_eq!(
        compared(&days[..1], OPENAI_COSTS, "0"),
        ["2026-11-21 all cost 0.0003 0.000375 -0.000075 -20.0% true"]
    );
}

#[test]
fn both_sides_get_one_name_for_a_model() {
    let catalog = Catalog::embedded().unwrap();
    for (provider, name, known) in [
        ("openai", "gpt-5-mini-2025-08-07", "gpt-5-mini"),
        ("openai", "gpt-5-mini", "gpt-5-mini"),
        (
            "anthropic",
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-4-5",
        ),
        ("mistral", "Codestral-Latest", "codestral-latest"),
        ("openrouter", "openai/gpt-5-mini", "openai/gpt-5-mini"),
        ("openai", "gpt-5.6-2026-07-09", "gpt-5.6"),
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai", "gpt-5.6-4", "gpt-5.6-4"),
        ("openai", "gpt-5-20251", "gpt-5-20251"),
        ("openai", "2026-11-21", "2026-11-21"),
        ("openai", "", ""),
    ] {
        assert_eq!(known_as(&catalog, provider, name), known, "{name}");
    }
    // A row of one's own whose name ends in a digit.
    let own = vane_catalog::OwnProvider {
        id: "lab".to_owned(),
        models: vec![vane_catalog::OwnModel {
            id: "openai/gpt-4.1".to_owned(),
            free: true,
            ..vane_catalog::OwnModel::default()
        }],
        ..vane_catalog::OwnProvider::default()
    };
    let catalog = catalog.with(&[own]).unwrap();
    for name in ["openai/gpt-4.1", "openai/gpt-4.1-2025-04-14"] {
        assert_eq!(known_as(&catalog, "lab", name), "openai/gpt-4.1");
    }
}

/// Days that stood on the next page were told as calls that the provider never saw.
#[test]
fn one_page_of_several_is_refused_and_all_of_them_are_read_as_one() {
    let more = OPENAI_API.replace(r#""has_more":false"#, r#""has_more":true,"next_page":"p2""#);
    assert_ne!(more, OPENAI_API);
    let second = OPENAI_API.replace("1795219200", "1795132800");
    for text in [
        more.clone(),
        format!("[{second},{more}]"),
        format!("\u{feff}{more}"),
    ] {
        let fault = read(&text).unwrap_err();
        assert!(fault.0.contains("fetch `next_page` too"), "{text}: {fault}");
    }
    let both = read(&format!("[{more},{second}]")).unwrap();
    let days: Vec<String> = both.iter().map(|row| row.day.to_string()).collect();
    assert_eq!(days, ["2026-11-20", "2026-11-21"]);
    assert_eq!(both[0].input, Some(1_500));
    assert_eq!(
        read(&format!("[{OPENAI_API}]")).unwrap(),
        read(OPENAI_API).unwrap()
    );
}
