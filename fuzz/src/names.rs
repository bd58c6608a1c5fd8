//! Keys and model ids are attacker input.

use std::sync::LazyLock;
use vane_catalog::Catalog;
use vane_ledger::Key;

static CATALOG: LazyLock<Option<Catalog>> = LazyLock::new(|| Catalog::embedded().ok());

pub fn key(bytes: &[u8]) {
    let presented = String::from_utf8_lossy(bytes);
    if let Some(key) = Key::parse(&presented) {
        assert_eq!(key.expose(), presented, "one spelling for each key");
        assert!(!key.id().is_empty());
        let shown = format!("{key:?}");
        let secret = &key.expose()[key.expose().len() - 20..];
        assert!(!shown.contains(secret), "a key shows its secret: {shown}");
    }
}

pub fn model(bytes: &[u8]) {
    let id = String::from_utf8_lossy(bytes);
    let Some(catalog) = CATALOG.as_ref() else {
        panic!("the embedded catalogue does not load");
    };
    if let Some(resolved) = catalog.resolve(&id) {
        assert!(!resolved.offers.is_empty(), "{id:?} means no offer");
        let again = catalog.resolve(resolved.id).is_some();
        assert!(
            again,
            "{id:?} is known as {:?}, which means nothing",
            resolved.id
        );
    }
    let near = catalog.near(&id);
    assert!(near.len() <= 5, "{id:?} is near {near:?}");
    for name in near {
        assert!(
            catalog.resolve(name).is_some(),
            "{name:?} is offered and means nothing"
        );
    }
}
