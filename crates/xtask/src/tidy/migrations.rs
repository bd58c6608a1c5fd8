//! Migrations: the same numbers and names for both databases, once both have any.

use super::tree::{Breach, Tree};

const DATABASES: [&str; 2] = ["migrations/sqlite/", "migrations/postgres/"];

pub(crate) fn twins(tree: &Tree) -> Vec<Breach> {
    let [sqlite, postgres] = DATABASES.map(|folder| names(tree, folder));
    if sqlite.is_empty() || postgres.is_empty() {
        return Vec::new();
    }
    let alone = |folder: &str, these: &[&str], those: &[&str]| -> Vec<Breach> {
        let names = these.iter().filter(|name| !those.contains(name));
        let breach = |name: &&str| Breach {
            path: format!("{folder}{name}"),
            line: 1,
            what: "the other database has no migration of this name".into(),
        };
        names.map(breach).collect()
    };
    let mut found = alone(DATABASES[0], &sqlite, &postgres);
    found.extend(alone(DATABASES[1], &postgres, &sqlite));
    found
}

fn names<'t>(tree: &'t Tree, folder: &str) -> Vec<&'t str> {
    tree.paths
        .iter()
        .filter_map(|path| path.strip_prefix(folder))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_without_a_twin_is_found() {
        let first = [
            ("migrations/sqlite/0001_accounts.sql", ""),
            ("migrations/sqlite/0002_keys.sql", ""),
        ];
        assert!(
            twins(&Tree::of(&first)).is_empty(),
            "one database alone has no twins"
        );

        let mut both = first.to_vec();
        both.push(("migrations/postgres/0001_accounts.sql", ""));
        let found = twins(&Tree::of(&both));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "migrations/sqlite/0002_keys.sql");

        both.push(("migrations/postgres/0002_key.sql", ""));
        assert_eq!(twins(&Tree::of(&both)).len(), 2);
    }
}
