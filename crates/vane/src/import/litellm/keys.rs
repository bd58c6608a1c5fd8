//! Virtual keys of LiteLLM's database as the commands that make them anew.
//!
//! LiteLLM stores hashes alone, so no key itself can come over. Invariants: no command makes a key
//! that may do more than the old one; a key whose limits cannot all be kept is a comment, with
//! why; no hash and no metadata is repeated beyond the first digits that find a key again.

mod command;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use vane_catalog::Date;

use super::Unreadable;
use crate::import::table::{self, Row};
use command::{account_line, key_line};

/// The account of keys that belong to nobody.
const EVERYONE: &str = "default";

/// What came of the exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Lines for a shell; a comment is a key that cannot be made as it was.
    pub commands: Vec<String>,
    pub left: Vec<KeyLeft>,
}

/// Something of a key, a team or a table that did not map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLeft {
    pub of: String,
    pub what: String,
}

/// The tables that say something of keys, by id.
#[derive(Debug, Default)]
struct Tables {
    keys: Vec<Row>,
    teams: BTreeMap<String, Row>,
    users: BTreeMap<String, Row>,
    budgets: BTreeMap<String, Row>,
    /// What the configuration that came over has a name for; `None` is not known.
    names: Option<Vec<String>>,
    /// Names that more than one team, user or id has.
    shared: BTreeSet<String>,
}

/// Reads exports, each of one table or of several. `names` are those that callers could ask for,
/// which is all that a key without a list could use; `None` where they are not known.
///
/// # Errors
/// When one is neither CSV nor JSON.
pub fn keys(exports: &[String], names: Option<&[String]>, now: i64) -> Result<Keys, Unreadable> {
    let mut tables = Tables {
        names: names.map(<[String]>::to_vec),
        ..Tables::default()
    };
    let mut made = Keys::default();
    for export in exports {
        for rows in table::read(export).map_err(|fault| Unreadable(fault.0))? {
            tables.add(rows, &mut made.left);
        }
    }
    tables.tell_namesakes_apart(&mut made.left);
    let mut accounts: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for key in &tables.keys {
        let account = tables.account_of(key);
        let line = key_line(key, &account, &tables, Date::of(now), &mut made.left);
        let Some(line) = line else { continue };
        lines.push(line);
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    for (owner, what) in tables.owners() {
        for (column, limit) in [
            ("max_budget", "a budget"),
            ("rpm_limit", "requests per minute"),
            ("tpm_limit", "tokens per minute"),
        ] {
            if owner.contains_key(column) {
                made.left.push(KeyLeft {
                    of: tables.name_of(owner, what),
                    what: format!(
                        "{limit} of a whole {what}: limits stand on keys; \
                         `--prepaid USD` bounds an account"
                    ),
                });
            }
        }
    }
    made.commands = accounts
        .iter()
        .map(|name| account_line(name))
        .chain(lines)
        .collect();
    Ok(made)
}

impl Tables {
    /// A table is known by its columns: an export does not say its name.
    fn add(&mut self, rows: Vec<Row>, left: &mut Vec<KeyLeft>) {
        let has = |column: &str| rows.iter().any(|row| row.contains_key(column));
        let by = |column: &str, rows: Vec<Row>| -> BTreeMap<String, Row> {
            let pair = |row: Row| Some((row.get(column)?.clone(), row));
            rows.into_iter().filter_map(pair).collect()
        };
        if has("request_id") && has("api_key") {
            left.push(KeyLeft {
                of: "spend logs".to_owned(),
                what: format!("{} rows: what was spent stays with LiteLLM", rows.len()),
            });
        } else if has("token") || has("key_alias") {
            self.keys.extend(rows);
        } else if has("team_id") && (has("team_alias") || has("members_with_roles")) {
            self.teams.extend(by("team_id", rows));
        } else if has("user_id") {
            self.users.extend(by("user_id", rows));
        } else if has("budget_id") {
            self.budgets.extend(by("budget_id", rows));
        } else if !rows.is_empty() {
            left.push(KeyLeft {
                of: "a table".to_owned(),
                what: format!(
                    "{} rows without columns of keys, teams, users or budgets",
                    rows.len()
                ),
            });
        }
    }

    /// Every team and user, with the word for it.
    fn owners(&self) -> impl Iterator<Item = (&Row, &'static str)> {
        let teams = self.teams.values().map(|row| (row, "team"));
        teams.chain(self.users.values().map(|row| (row, "user")))
    }

    /// The team of a key, else its user, where its table was given.
    fn owner_of(&self, key: &Row) -> Option<&Row> {
        match (key.get("team_id"), key.get("user_id")) {
            (Some(team), _) => self.teams.get(team),
            (None, Some(user)) => self.users.get(user),
            (None, None) => None,
        }
    }

    /// Who pays: the team of a key, else its user, else everyone's account.
    fn account_of(&self, key: &Row) -> String {
        let named = |id: &String, rows: &BTreeMap<String, Row>, what: &str| {
            rows.get(id)
                .map_or_else(|| id.clone(), |row| self.name_of(row, what))
        };
        match (key.get("team_id"), key.get("user_id")) {
            (Some(team), _) => named(team, &self.teams, "team"),
            (None, Some(user)) => named(user, &self.users, "user"),
            (None, None) => EVERYONE.to_owned(),
        }
    }

    /// Two that pay for themselves must not become one account because they are called the same.
    fn tell_namesakes_apart(&mut self, left: &mut Vec<KeyLeft>) {
        let mut owners: BTreeMap<String, BTreeSet<(&str, String)>> = BTreeMap::new();
        let mut add = |name: String, what: &'static str, id: &str| {
            owners
                .entry(name)
                .or_default()
                .insert((what, id.to_owned()));
        };
        add(EVERYONE.to_owned(), "account", "");
        for (row, what) in self.owners() {
            let id = row.get(&format!("{what}_id")).map_or("", String::as_str);
            add(alias_of(row, what), what, id);
        }
        for key in &self.keys {
            match (key.get("team_id"), key.get("user_id")) {
                (Some(id), _) if !self.teams.contains_key(id) => add(id.clone(), "team", id),
                (None, Some(id)) if !self.users.contains_key(id) => add(id.clone(), "user", id),
                (Some(_), _) | (None, _) => {}
            }
        }
        owners.retain(|_, owners| owners.len() > 1);
        for (name, owners) in &owners {
            left.push(KeyLeft {
                of: name.clone(),
                what: format!(
                    "a name of {} teams or users: each has its id behind it",
                    owners.len()
                ),
            });
        }
        self.shared = owners.into_keys().collect();
    }

    /// The name of a team's or a user's account.
    fn name_of(&self, row: &Row, what: &str) -> String {
        let name = alias_of(row, what);
        match row.get(&format!("{what}_id")) {
            Some(id) if self.shared.contains(&name) => format!("{name} ({id})"),
            Some(_) | None => name,
        }
    }
}

/// The alias of a team or a user, else its id.
fn alias_of(row: &Row, what: &str) -> String {
    let alias = row.get(&format!("{what}_alias"));
    let id = alias.or_else(|| row.get(&format!("{what}_id")));
    id.map_or_else(|| what.to_owned(), Clone::clone)
}
