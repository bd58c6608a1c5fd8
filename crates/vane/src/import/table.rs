//! Rows of text from CSV or JSON: exports of databases and of providers.
//!
//! A number keeps its digits: nothing becomes a float. Invariant: a cell that is absent, null or
//! empty is not in its row.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The largest export, in bytes.
const BYTES_MAX: usize = 64 << 20;

/// One row: columns and what stands in them. Lists and objects of JSON stay JSON.
pub(crate) type Row = BTreeMap<String, String>;

/// Why an export cannot be read. Nothing of it is repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TableFault(pub(crate) String);

/// The tables of an export: one of CSV; of JSON, every list of objects at the top or below a key.
pub(crate) fn read(text: &str) -> Result<Vec<Vec<Row>>, TableFault> {
    if text.len() > BYTES_MAX {
        return Err(TableFault("the file is larger than 64 MiB".to_owned()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().starts_with(['[', '{']) {
        true => of_json(text),
        false => of_csv(text).map(|rows| vec![rows]),
    }
}

fn of_csv(text: &str) -> Result<Vec<Row>, TableFault> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        TableFault(format!(
            "line {line}: this is no CSV whose rows are as long as its head"
        ))
    };
    let head = reader.headers().map_err(|error| broken(&error))?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let cells = head.iter().zip(&record);
        let said = cells.filter(|(_, cell)| !matches!(cell.trim(), "" | "\\N" | "NULL" | "null"));
        rows.push(
            said.map(|(name, cell)| (name.trim().to_owned(), cell.trim().to_owned()))
                .collect(),
        );
    }
    Ok(rows)
}

fn of_json(text: &str) -> Result<Vec<Vec<Row>>, TableFault> {
    if let Ok(rows) = serde_json::from_str::<Vec<BTreeMap<String, &RawValue>>>(text) {
        return Ok(vec![rows.iter().map(row).collect()]);
    }
    let broken = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        TableFault(format!(
            "line {line}, column {column}: no list of objects, and no object of such lists"
        ))
    };
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(broken)?;
    let lists = members.values().filter_map(|raw| {
        let rows: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(raw.get()).ok()?;
        Some(rows.iter().map(row).collect())
    });
    Ok(lists.collect())
}

/// A row of an object.
pub(crate) fn row(object: &BTreeMap<String, &RawValue>) -> Row {
    let cell = |(name, raw): (&String, &&RawValue)| {
        let said = match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => text,
            Err(_) => raw.get().to_owned(),
        };
        let is_said = !matches!(said.as_str(), "" | "null");
        is_said.then(|| (name.clone(), said))
    };
    object.iter().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_and_json_give_the_same_rows_and_keep_every_digit() {
        let csv = "\u{feff}a,b,c\n1.10,\"x,\"\"y\"\"\",\n,2,\\N\n";
        let json = r#"[{"a":1.10,"b":"x,\"y\"","c":null},{"a":"","b":2}]"#;
        let rows = read(csv).unwrap();
        assert_eq!(rows, read(json).unwrap());
        assert_eq!(rows[0][0]["a"], "1.10");
        let nested = r#"{"page":1,"keys":[{"models":["a","b"]}],"teams":[{"t":1}]}"#;
        let tables = read(nested).unwrap();
        assert_eq!(tables.len(), 2);
        assert_eq!(tables[0][0]["models"], r#"["a","b"]"#);
    }

    #[test]
    fn what_is_no_table_is_refused_without_repeating_it() {
        for text in ["a,b\ncanary\n", "[{\"canary\":", "{\"a\":[1,", "[canary]"] {
            let fault = read(text).unwrap_err();
            assert!(!fault.0.contains("canary"), "{fault}");
        }
        assert!(read(&" ".repeat(BYTES_MAX + 1)).is_err());
        assert_eq!(read("").unwrap(), vec![Vec::<Row>::new()]);
    }
}
