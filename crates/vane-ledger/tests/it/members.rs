//! Members: who may become, change and end what, and what is noted of it.

use serde_json::json;
use vane_catalog::Money;
use vane_ledger::book::Period;
use vane_ledger::{
    AccountId, Author, Denied, KeyRing, LedgerError, Limits, Member, NewKey, Role, Store, Who,
};

use crate::{account, key, memory};

const NOW: i64 = 1_000;

fn operator() -> Author {
    Author::operator(NOW)
}

fn by(member: &Member) -> Author {
    let id = member.id.clone();
    let key = "the-key".to_owned();
    Author {
        who: Who::Member { id, key },
        at: NOW,
    }
}

fn add(store: &Store, account: AccountId, name: &str, role: Role) -> Member {
    let email = format!("{name}@example.com");
    store
        .add_member(&operator(), account, &email, role)
        .unwrap()
}

/// One member of each role, from owner to viewer, and a second owner.
fn staff(store: &Store, account: AccountId) -> [Member; 5] {
    let second = add(store, account, "second", Role::Owner);
    let all = Role::ALL.map(|role| add(store, account, role.as_str(), role));
    let [owner, admin, member, viewer] = all;
    [owner, admin, member, viewer, second]
}

fn acting_for(member: &Member) -> NewKey {
    NewKey {
        name: "acting".into(),
        member: Some(member.id.clone()),
        ..NewKey::default()
    }
}

#[test]
fn a_member_is_known_by_one_address_and_may_come_back() {
    let store = memory();
    let team = account(&store, "team");
    let made = store
        .add_member(&operator(), team, "Ann@Example.com", Role::Owner)
        .unwrap();
    assert_eq!(
        (made.email.as_str(), made.role),
        ("ann@example.com", Role::Owner)
    );
    assert_eq!(
        store.list_members(team).unwrap(),
        std::slice::from_ref(&made)
    );
    assert_eq!(
        store.find_member_by_email(team, "ANN@example.com").unwrap(),
        Some(made.clone())
    );
    let again = store.add_member(&operator(), team, "ann@EXAMPLE.com", Role::Viewer);
    assert!(
        matches!(again, Err(LedgerError::MemberExists { .. })),
        "{again:?}"
    );
    let none = store.add_member(&operator(), AccountId(99), "bob@example.com", Role::Owner);
    assert!(
        matches!(none, Err(LedgerError::NoSuchAccount(AccountId(99)))),
        "{none:?}"
    );
    let wrong = store.add_member(&operator(), team, "bob", Role::Viewer);
    assert!(matches!(wrong, Err(LedgerError::Email)), "{wrong:?}");
    // Who was removed may come back, as somebody new.
    add(&store, team, "bob", Role::Owner);
    store.remove_member(&operator(), team, &made.id).unwrap();
    assert_eq!(store.find_member(team, &made.id).unwrap(), None);
    let back = add(&store, team, "ann", Role::Viewer);
    assert_ne!(back.id, made.id);
    assert_eq!(store.list_members(team).unwrap().len(), 2);
}

#[test]
fn an_account_keeps_an_owner_from_its_first_member_on() {
    let store = memory();
    let team = account(&store, "team");
    let first = store.add_member(&operator(), team, "ann@example.com", Role::Admin);
    assert!(matches!(first, Err(LedgerError::FirstOwner)), "{first:?}");
    let owner = add(&store, team, "ann", Role::Owner);
    let admin = add(&store, team, "bob", Role::Admin);
    for author in [operator(), by(&owner)] {
        let gone = store.remove_member(&author, team, &owner.id);
        assert!(matches!(gone, Err(LedgerError::LastOwner)), "{gone:?}");
        let less = store.set_role(&author, team, &owner.id, Role::Admin);
        assert!(matches!(less, Err(LedgerError::LastOwner)), "{less:?}");
    }
    store
        .set_role(&by(&owner), team, &admin.id, Role::Owner)
        .unwrap();
    store
        .set_role(&by(&owner), team, &owner.id, Role::Viewer)
        .unwrap();
    let roles: Vec<Role> = store
        .list_members(team)
        .unwrap()
        .iter()
        .map(|member| member.role)
        .collect();
    assert_eq!(roles, [Role::Viewer, Role::Owner]);
}

#[test]
fn s7_nobody_gives_changes_or_takes_a_role_above_the_own() {
    let store = memory();
    let team = account(&store, "team");
    let [owner, admin, member, viewer, second] = staff(&store, team);
    for author in [&owner, &admin, &member, &viewer] {
        for role in Role::ALL {
            let email = format!("{}-by-{}@example.com", role.as_str(), author.role.as_str());
            let added = store.add_member(&by(author), team, &email, role);
            let set = store.set_role(&by(author), team, &author.id, role);
            let may = author.role >= Role::Admin && role <= author.role;
            assert_eq!(added.is_ok(), may, "{author:?} adds {role:?}: {added:?}");
            assert_eq!(set.is_ok(), may, "{author:?} sets {role:?}: {set:?}");
            if may {
                store
                    .set_role(&operator(), team, &author.id, author.role)
                    .unwrap();
            }
        }
    }
    for author in [&admin, &member, &viewer] {
        let less = store.set_role(&by(author), team, &second.id, Role::Viewer);
        let gone = store.remove_member(&by(author), team, &second.id);
        for refused in [less.map(drop), gone] {
            let right = matches!(
                refused,
                Err(LedgerError::Above { .. } | LedgerError::MayNot { .. })
            );
            assert!(right, "{author:?}: {refused:?}");
        }
    }
    store.remove_member(&by(&owner), team, &second.id).unwrap();
    // What was removed may nothing any more, and neither may who is a member elsewhere.
    let late = store.set_role(&by(&second), team, &second.id, Role::Owner);
    assert!(
        matches!(late, Err(LedgerError::NoSuchMember { .. })),
        "{late:?}"
    );
}

#[test]
fn s8_members_and_their_keys_are_out_of_reach_of_another_account() {
    let store = memory();
    let (ours, theirs) = (account(&store, "ours"), account(&store, "theirs"));
    let owner = add(&store, ours, "ann", Role::Owner);
    let other = add(&store, theirs, "bob", Role::Owner);
    add(&store, theirs, "cid", Role::Owner);
    let foreign = store.create_key(theirs, &acting_for(&other), NOW).unwrap();
    let by = by(&owner);
    let none = |error: LedgerError| {
        let right = matches!(
            error,
            LedgerError::NoSuchMember { .. } | LedgerError::NoSuchKey { .. }
        );
        assert!(right, "{error}");
    };
    none(
        store
            .set_role(&by, ours, &other.id, Role::Viewer)
            .unwrap_err(),
    );
    none(store.remove_member(&by, ours, &other.id).unwrap_err());
    none(store.revoke_key_by(&by, ours, foreign.id()).unwrap_err());
    none(
        store
            .change_key(&by, ours, foreign.id(), |_| ())
            .unwrap_err(),
    );
    // Nor does it help to name the other account.
    none(
        store
            .set_role(&by, theirs, &other.id, Role::Viewer)
            .unwrap_err(),
    );
    none(store.revoke_key_by(&by, theirs, foreign.id()).unwrap_err());
    none(
        store
            .create_key_by(
                &by,
                theirs,
                &NewKey {
                    name: "k".into(),
                    ..NewKey::default()
                },
            )
            .unwrap_err(),
    );
    none(
        store
            .create_key(ours, &acting_for(&other), NOW)
            .unwrap_err(),
    );
    assert_eq!(store.find_member(ours, &other.id).unwrap(), None);
    assert_eq!(store.list_members(theirs).unwrap().len(), 2);
    assert_eq!(store.list_keys(theirs).unwrap()[0].revoked_at, None);
    assert!(
        store
            .keys_after(ours, Some(foreign.id()), 10)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_key_acts_for_a_member_with_the_role_of_now_until_that_one_is_removed() {
    let store = memory();
    let team = account(&store, "team");
    let [_, admin, ..] = staff(&store, team);
    let acting = store.create_key(team, &acting_for(&admin), NOW).unwrap();
    let rotated = store.rotate_key(team, acting.id(), 60, NOW).unwrap();
    let (nobodys, ring) = (key(&store, team), KeyRing::open(&store).unwrap());
    let role = |key: &vane_ledger::Key| {
        let caller = ring.lookup(key.expose(), NOW).unwrap();
        caller
            .acting
            .as_ref()
            .map(|acting| (acting.member.clone(), acting.role))
    };
    assert_eq!(role(&acting), Some((admin.id.clone(), Role::Admin)));
    assert_eq!(role(&rotated), role(&acting));
    assert_eq!(role(&nobodys), None);
    store
        .set_role(&operator(), team, &admin.id, Role::Viewer)
        .unwrap();
    assert!(ring.refresh().unwrap());
    assert_eq!(role(&rotated), Some((admin.id.clone(), Role::Viewer)));
    store.remove_member(&operator(), team, &admin.id).unwrap();
    assert!(ring.refresh().unwrap());
    for key in [&acting, &rotated] {
        assert_eq!(ring.lookup(key.expose(), NOW).unwrap_err(), Denied::Revoked);
    }
    assert!(ring.lookup(nobodys.expose(), NOW).is_ok());
}

#[test]
fn s7_who_may_change_a_key_and_who_is_told_its_text() {
    let store = memory();
    let team = account(&store, "team");
    let [owner, admin, member, viewer, _] = staff(&store, team);
    let all = [&owner, &admin, &member, &viewer];
    let nobodys = key(&store, team);
    for author in all {
        for of in all.map(Some).into_iter().chain([None]) {
            let id = match of {
                Some(of) => store
                    .create_key(team, &acting_for(of), NOW)
                    .unwrap()
                    .id()
                    .to_owned(),
                None => nobodys.id().to_owned(),
            };
            let own = of == Some(author);
            let reached = author.role >= Role::Admin && of.is_none_or(|of| of.role <= author.role);
            let may = (own && author.role != Role::Viewer) || reached;
            let changed = store.change_key(&by(author), team, &id, |terms| {
                terms.name = "renamed".into()
            });
            assert_eq!(
                changed.is_ok(),
                may,
                "{author:?} changes {of:?}: {changed:?}"
            );
            if of.is_some() {
                let rotated = store.rotate_key_by(&by(author), team, &id, 60);
                let told = own && author.role != Role::Viewer;
                assert_eq!(
                    rotated.is_ok(),
                    told,
                    "{author:?} rotates {of:?}: {rotated:?}"
                );
                let revoked = store.revoke_key_by(&by(author), team, &id);
                assert_eq!(
                    revoked.is_ok(),
                    may,
                    "{author:?} revokes {of:?}: {revoked:?}"
                );
            }
        }
        // What a member makes acts for that member, whatever it asks for.
        let made = store.create_key_by(&by(author), team, &acting_for(&owner));
        match made {
            Ok(key) => {
                let made = store.find_key(key.id()).unwrap().unwrap();
                assert_eq!(made.member, Some(author.id.clone()));
            }
            Err(error) => assert_eq!(author.role, Role::Viewer, "{error}"),
        }
    }
    assert!(
        store
            .rotate_key_by(&by(&admin), team, nobodys.id(), 60)
            .is_ok()
    );
}

#[test]
fn terms_of_a_key_change_all_or_none() {
    let store = memory();
    let team = account(&store, "team");
    let key = key(&store, team);
    let before = store.find_key(key.id()).unwrap().unwrap();
    let budget = |pico| Some((Money::from_pico(pico), Period::Day));
    // Each has a good half that was written first, or would have been.
    let refused = [
        store.change_key(&operator(), team, key.id(), |terms| {
            terms.name = "renamed".into();
            terms.budget = budget(-1);
        }),
        store.change_key(&operator(), team, key.id(), |terms| {
            terms.budget = budget(5);
            terms.limits.models = Some(Vec::new());
        }),
        store.change_key(&operator(), team, key.id(), |terms| {
            terms.budget = budget(5);
            terms.name = "a\nb".into();
        }),
    ];
    for refused in refused {
        assert!(refused.is_err(), "{refused:?}");
    }
    assert_eq!(store.find_key(key.id()).unwrap().unwrap(), before);
    let changed = store.change_key(&operator(), team, key.id(), |terms| {
        terms.budget = budget(5);
        terms.limits = Limits {
            expires_at: Some(9_000),
            ..Limits::default()
        };
    });
    let now = store.find_key(key.id()).unwrap().unwrap();
    assert_eq!(now.terms(), changed.unwrap());
    assert_eq!(
        (now.budget, now.limits.expires_at),
        (budget(5), Some(9_000))
    );
}

#[test]
fn changes_are_noted_with_their_author_and_without_secrets() {
    let store = memory();
    let (team, other) = (account(&store, "team"), account(&store, "other"));
    let owner = add(&store, team, "ann", Role::Owner);
    let made = NewKey {
        name: "laptop".into(),
        ..NewKey::default()
    };
    let key = store.create_key_by(&by(&owner), team, &made).unwrap();
    let rotated = store
        .rotate_key_by(&by(&owner), team, key.id(), 60)
        .unwrap();
    store
        .revoke_key_by(&by(&owner), team, rotated.id())
        .unwrap();
    // Again is no change, and what is refused is none either.
    store
        .revoke_key_by(&by(&owner), team, rotated.id())
        .unwrap();
    store
        .rotate_key_by(&by(&owner), team, key.id(), 60)
        .unwrap_err();
    store.rename_account(&by(&owner), team, "crew").unwrap();
    store
        .rename_account(&by(&owner), team, "other")
        .unwrap_err();
    let changes = store.changes(team, None, 100).unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.what.as_str(), change.subject.as_str()))
        .collect();
    let id = team.0.to_string();
    assert_eq!(
        told,
        [
            ("account_renamed", id.as_str()),
            ("key_revoked", rotated.id()),
            ("key_rotated", key.id()),
            ("key_made", key.id()),
            ("member_added", owner.id.as_str()),
        ]
    );
    assert_eq!(changes[4].author, operator());
    assert_eq!(
        (changes[0].author.clone(), changes[0].email.as_deref()),
        (by(&owner), Some("ann@example.com"))
    );
    assert_eq!(changes[0].detail, json!({ "name": "crew" }));
    for change in &changes {
        let said = format!("{change:?}");
        assert!(
            !said.contains(key.expose()) && !said.contains(rotated.expose()),
            "{said}"
        );
    }
    assert_eq!(
        store.changes(team, Some(changes[1].n), 2).unwrap(),
        changes[2..4]
    );
    assert!(store.changes(other, None, 100).unwrap().is_empty());
    assert_eq!(store.account(team).unwrap().name, "crew");
}

#[test]
fn keys_come_in_pages() {
    let store = memory();
    let team = account(&store, "team");
    for _ in 0..5 {
        key(&store, team);
    }
    let all = store.list_keys(team).unwrap();
    assert_eq!(store.keys_after(team, None, 2).unwrap(), all[..2]);
    assert_eq!(
        store.keys_after(team, Some(&all[1].id), 9).unwrap(),
        all[2..]
    );
    assert!(
        store
            .keys_after(team, Some("nobody"), 9)
            .unwrap()
            .is_empty()
    );
}
