use vane_ledger::{Account, AccountKind, LedgerError};

use crate::{Folder, account, memory};

#[test]
fn accounts_are_found_by_name_and_outlive_the_process() {
    let folder = Folder::new();
    let id = account(&folder.store(), "team");
    let store = folder.store();
    let team = Account {
        id,
        name: "team".into(),
        kind: AccountKind::Metered,
        created_at: 1_000,
    };
    assert_eq!(store.find_account("team").unwrap(), Some(team.clone()));
    assert_eq!(store.find_account("nobody").unwrap(), None);
    assert_eq!(store.list_accounts().unwrap(), [team]);
}

#[test]
fn a_name_is_taken_once() {
    let store = memory();
    account(&store, "team");
    let error = store
        .create_account("team", AccountKind::Metered, 1_000)
        .unwrap_err();
    assert!(
        matches!(&error, LedgerError::AccountExists { name } if name == "team"),
        "{error}"
    );
    assert_eq!(store.list_accounts().unwrap().len(), 1);
}

#[test]
fn a_prepaid_account_without_credit_is_refused() {
    let store = memory();
    let error = store
        .create_account("payer", AccountKind::Prepaid, 1_000)
        .unwrap_err();
    assert!(
        matches!(error, LedgerError::PrepaidWithoutCredit),
        "{error}"
    );
    assert!(store.list_accounts().unwrap().is_empty());
}

#[test]
fn s4_names_are_never_read_as_sql() {
    let store = memory();
    let names = [
        "' OR '1'='1",
        "x'; DROP TABLE account; --",
        "\" OR 1=1 --",
        "?1",
        "%",
        "team') ON CONFLICT DO UPDATE SET kind='prepaid' --",
    ];
    for name in names {
        assert_eq!(store.find_account(name).unwrap(), None, "{name}");
        account(&store, name);
        assert_eq!(store.find_account(name).unwrap().unwrap().name, name);
    }
    let accounts = store.list_accounts().unwrap();
    assert_eq!(accounts.len(), names.len());
    assert!(
        accounts
            .iter()
            .all(|account| account.kind == AccountKind::Metered)
    );
}

#[test]
fn a_bad_name_is_refused_in_words() {
    let error = memory()
        .create_account("a\nb", AccountKind::Metered, 1_000)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the name of an account must not contain control characters"
    );
}
