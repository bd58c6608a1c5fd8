//! Every row of the limits, times and retries in docs/configuration.md, held against what is read.

use super::super::quantity;
use super::{good, problems};

const PAGE: &str = include_str!("../../../../../docs/configuration.md");

/// What the page says of one key.
struct Row {
    table: &'static str,
    key: &'static str,
    default: String,
    least: String,
    most: String,
}

/// The rows below a heading.
fn rows(heading: &str) -> Vec<Row> {
    let (_, section) = PAGE.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (table, key) = cells[1].trim_matches('`').split_once('.').unwrap();
        // Times have one range for all, said above the tables.
        let within = cells[3].split_once(" to ").filter(|_| table != "timeouts");
        let (least, most) = within.unwrap_or(("1ms", "24h"));
        let [default, least, most] =
            [cells[2], least, most].map(|said| said.replace([' ', ','], ""));
        Row {
            table,
            key,
            default,
            least,
            most,
        }
    });
    rows.collect()
}

/// A value as TOML: text, unless it is a bare number.
fn toml(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) => number.to_string(),
        Err(_) => format!("\"{value}\""),
    }
}

/// The values just below and just above a range, as bare numbers or as milliseconds.
fn outside(row: &Row) -> [String; 2] {
    let below_above = |least: i128, most: i128| [least - 1, most + 1];
    if row.table == "timeouts" {
        let millis = |text| i128::try_from(quantity::duration(text).unwrap().as_millis()).unwrap();
        let [below, above] = below_above(millis(&row.least), millis(&row.most));
        return [format!("{below}ms"), format!("{above}ms")];
    }
    let number = |text| i128::from(quantity::size(text).unwrap());
    below_above(number(&row.least), number(&row.most)).map(|value| value.to_string())
}

#[test]
fn every_documented_limit_has_its_default_and_its_range() {
    let mut seen = 0;
    let defaults = format!("{:?}", good("defaults", "", &[]));
    for row in ["## Limits", "## Timeouts", "## Retries"]
        .into_iter()
        .flat_map(rows)
    {
        let name = format!("{}.{}", row.table, row.key);
        let set = |value: &str| format!("[{}]\n{} = {}\n", row.table, row.key, toml(value));
        let said = format!("{:?}", good(&name, &set(&row.default), &[]));
        assert_eq!(said, defaults, "{name} is {} by default", row.default);
        for value in [&row.least, &row.most] {
            let said = format!("{:?}", good(&name, &set(value), &[]));
            assert!(
                said != defaults || *value == row.default,
                "{name} = {value}"
            );
        }
        for value in outside(&row) {
            let said = problems(&name, &set(&value), &[]);
            assert!(
                said.len() == 1 && said[0].contains(&name),
                "{name} = {value}: {said:?}"
            );
        }
        seen += 1;
    }
    let fields = ["limits", "timeouts", "retries"].map(|table| {
        let (_, rest) = defaults.split_once(&format!("{table}: ")).unwrap();
        rest.split_once('}').unwrap().0.matches(": ").count()
    });
    assert_eq!(
        seen,
        fields.iter().sum::<usize>(),
        "every key stands on the page"
    );
}
