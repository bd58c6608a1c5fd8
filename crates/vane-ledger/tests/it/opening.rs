use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use rusqlite::Connection;
use vane_ledger::{KeyRing, Secret, Store};

use crate::{Folder, account, key};

fn refusal(url: &str) -> String {
    Store::open(url).err().expect("must be refused").to_string()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_database_opens_again_with_its_keys() {
    let folder = Folder::new();
    let made = {
        let store = folder.store();
        key(&store, account(&store, "team"))
    };
    let ring = KeyRing::open(&folder.store()).unwrap();
    assert_eq!(
        ring.lookup(made.expose(), 1_000).unwrap().account_name,
        "team"
    );
}

#[test]
fn s6_files_are_for_their_owner_only() {
    let folder = Folder::new();
    let _store = folder.store();
    for entry in fs::read_dir(&folder.0).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let digits = fs::read_to_string(folder.secret()).unwrap();
    assert_eq!(digits.trim().len(), 64);
}

#[test]
fn a_given_secret_leaves_no_file() {
    let folder = Folder::new();
    Store::open_with(&folder.url(), Secret::random().unwrap()).unwrap();
    assert!(!folder.secret().exists());
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    fs::set_permissions(folder.secret(), Permissions::from_mode(0o640)).unwrap();
    let message = refusal(&folder.url());
    assert!(message.contains("(mode 640); run `chmod 600`"), "{message}");
}

#[test]
fn a_cut_secret_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    fs::write(folder.secret(), "abcdef").unwrap();
    let message = refusal(&folder.url());
    assert!(
        message.contains("must be 64 hexadecimal digits"),
        "{message}"
    );
    assert!(!message.contains("abcdef"), "{message}");
}

#[test]
fn a_lost_secret_is_not_replaced() {
    let folder = Folder::new();
    drop(folder.store());
    fs::remove_file(folder.secret()).unwrap();
    let message = refusal(&folder.url());
    assert!(
        message.contains("is missing, but the database has keys made with it"),
        "{message}"
    );
    assert!(!folder.secret().exists());
}

#[test]
fn another_secret_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    let other = Store::open_with(&folder.url(), Secret::random().unwrap());
    let message = other.err().unwrap().to_string();
    assert!(message.starts_with("this is not the secret"), "{message}");
}

#[test]
fn processes_that_start_together_agree() {
    let folder = Folder::new();
    let url = folder.url();
    let stores: Vec<Store> = thread::scope(|scope| {
        let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(&url))).collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap().unwrap())
            .collect()
    });
    let made = key(&stores[0], account(&stores[0], "team"));
    for store in &stores {
        assert!(
            KeyRing::open(store)
                .unwrap()
                .lookup(made.expose(), 1_000)
                .is_ok()
        );
    }
    assert_eq!(
        fs::read_dir(&folder.0).unwrap().count(),
        4,
        "no draft is left behind"
    );
}

#[test]
fn addresses_that_are_not_understood_are_not_repeated() {
    for url in ["", "vane.db", "sqlite:", "mysql://vane:hunter2@db/vane"] {
        let message = refusal(url);
        assert!(message.contains("write `sqlite:PATH`"), "{message}");
        assert!(!message.contains("hunter2"));
    }
}

#[test]
fn a_file_that_is_no_database_of_ours_is_refused_untouched() {
    let folder = Folder::new();
    fs::write(folder.database(), "once upon a time ".repeat(1_000)).unwrap();
    let before = fs::read(folder.database()).unwrap();
    let message = refusal(&folder.url());
    assert!(
        message.contains("vane.db: the file is not a database"),
        "{message}"
    );
    assert_eq!(fs::read(folder.database()).unwrap(), before);

    fs::remove_file(folder.database()).unwrap();
    Connection::open(folder.database())
        .unwrap()
        .execute_batch("CREATE TABLE recipe (x)")
        .unwrap();
    let before = fs::read(folder.database()).unwrap();
    let message = refusal(&folder.url());
    assert!(message.contains("belongs to another program"), "{message}");
    assert_eq!(fs::read(folder.database()).unwrap(), before);
    assert!(!folder.secret().exists());
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let message = refusal(&format!("sqlite:{}/missing/vane.db", folder.0.display()));
    assert!(message.contains("missing/vane.db: "), "{message}");
    assert!(
        message.contains("check that its folder exists"),
        "{message}"
    );
}

#[test]
fn a_folder_is_no_database() {
    let folder = Folder::new();
    let message = refusal(&format!("sqlite:{}", folder.0.display()));
    assert!(message.contains("check that it is a file"), "{message}");
}

#[test]
fn a_newer_database_is_refused() {
    let folder = Folder::new();
    drop(folder.store());
    Connection::open(folder.database())
        .unwrap()
        .execute(
            "INSERT INTO schema_migration (version, name, checksum) VALUES (999, 'x', x'')",
            (),
        )
        .unwrap();
    let message = refusal(&folder.url());
    assert!(
        message.contains("written by a newer Vane (schema 999"),
        "{message}"
    );
}

#[test]
fn stores_in_memory_are_apart() {
    let (one, other) = (crate::memory(), crate::memory());
    account(&one, "team");
    assert!(other.list_accounts().unwrap().is_empty());
    assert_eq!(one.list_accounts().unwrap().len(), 1);
}

#[test]
fn s6_the_text_of_a_key_is_nowhere_on_disk() {
    let folder = Folder::new();
    let store = folder.store();
    let key = key(&store, account(&store, "team"));
    let (_, secret) = key.expose().rsplit_once('-').unwrap();
    let mut found_id = false;
    for entry in fs::read_dir(&folder.0).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let holds = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        // Any eight letters of the secret would already be a leak.
        assert!(
            !secret
                .as_bytes()
                .windows(8)
                .any(|part| holds(str::from_utf8(part).unwrap()))
        );
        found_id |= holds(key.id());
    }
    assert!(found_id, "the search finds what is there");
}
