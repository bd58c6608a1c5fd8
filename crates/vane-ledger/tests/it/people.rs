//! People: sessions, links that are used once, signing up, and sealed keys of providers.

use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Source};
use vane_ledger::{
    AccountId, Author, LedgerError, Password, Role, SignedUp, SigningUp, Spans, Store,
};

use crate::{Memory, account, memory};

const NOW: i64 = 1_000;
const SPANS: Spans = Spans {
    idle: 1_000,
    whole: 5_000,
};

fn opening(account: AccountId) -> Op {
    Op {
        id: format!("opening of {account}"),
        at: NOW,
        instance: 0,
        act: Act::Grant {
            account,
            amount: Money::from_pico(5),
            source: Source::Cash,
            reason: "sign-up credit".to_owned(),
        },
    }
}

fn come(store: &Store, email: &str, at: i64) -> SignedUp {
    let new = SigningUp {
        email,
        hash: "a hash",
        at,
        per_day_max: 2,
    };
    store.sign_up(&new, opening).unwrap()
}

#[test]
fn who_signs_up_owns_an_account_with_its_credit() {
    let store = memory();
    // Somebody else's account may have that name.
    account(&store, "ann@example.com");
    assert_eq!(come(&store, "Ann@Example.com", NOW), SignedUp::Made);
    assert_eq!(come(&store, "ann@example.com", NOW), SignedUp::Known);
    let (user, hash) = store.find_password("ann@example.com").unwrap().unwrap();
    assert_eq!(hash, "a hash");
    let token = store.begin_session(&user, None, NOW, SPANS).unwrap();
    let visit = store.visit(&token, NOW, SPANS).unwrap().unwrap();
    let seat = visit.seat.unwrap();
    assert_eq!((seat.role, visit.user.is_operator), (Role::Owner, false));
    assert!(seat.account.name.starts_with("ann@example.com "));
    assert_eq!(
        store.balance(seat.account.id).unwrap().posted,
        Money::from_pico(5)
    );
    assert_eq!(come(&store, "bob@example.com", NOW), SignedUp::Made);
    assert_eq!(come(&store, "cid@example.com", NOW), SignedUp::TooMany);
    assert_eq!(
        come(&store, "cid@example.com", NOW + 86_401),
        SignedUp::Made
    );
    assert!(store.audit().unwrap().is_ok());
}

#[test]
fn an_address_that_somebody_wrote_down_can_sign_up_and_sees_its_own_account_alone() {
    let store = memory();
    let team = account(&store, "team");
    let by = Author::operator(NOW);
    for email in ["ann@example.com", "op@example.com"] {
        store.add_member(&by, team, email, Role::Owner).unwrap();
    }
    let seats = |email| {
        let (user, _) = store.find_password(email).unwrap().unwrap();
        let token = store.begin_session(&user, None, NOW, SPANS).unwrap();
        let visit = store.visit(&token, NOW, SPANS).unwrap().unwrap();
        let accounts = visit.seats.iter().map(|seat| seat.account.id);
        (visit.user.is_operator, accounts.collect::<Vec<_>>())
    };
    assert_eq!(come(&store, "ann@example.com", NOW), SignedUp::Made);
    assert_eq!(come(&store, "ann@example.com", NOW), SignedUp::Known);
    let (operates, accounts) = seats("ann@example.com");
    assert!(!operates && accounts.len() == 1 && !accounts.contains(&team));
    assert_eq!(come(&store, "bob@example.com", NOW), SignedUp::Made);
    assert_eq!(
        come(&store, "op@example.com", NOW),
        SignedUp::TooMany,
        "ann counts among who came"
    );
    // So can who sets the server up.
    let link = store.link_setup(NOW, NOW + 100).unwrap();
    store.set_up(&link, "op@example.com", "hash", NOW).unwrap();
    assert_eq!(seats("op@example.com"), (true, vec![team]));
}

#[test]
fn s16_the_name_of_no_account_tells_who_signed_up() {
    let store = memory();
    let team = account(&store, "team");
    come(&store, "ann@example.com", NOW);
    assert_eq!(store.find_account("ann@example.com").unwrap(), None);
    let by = Author::operator(NOW);
    store.rename_account(&by, team, "ann@example.com").unwrap();
}

#[test]
fn s16_a_session_ends_when_it_is_replaced_unused_old_or_ended() {
    let store = memory();
    come(&store, "ann@example.com", NOW);
    let (user, _) = store.find_password("ann@example.com").unwrap().unwrap();
    let is_good = |token, at| store.visit(token, at, SPANS).unwrap().is_some();
    let first = store.begin_session(&user, None, NOW, SPANS).unwrap();
    let second = store
        .begin_session(&user, Some(&first), NOW, SPANS)
        .unwrap();
    assert!(!is_good(&first, NOW) && is_good(&second, NOW + 999));
    // Used just before its end, so it goes on, but not for ever.
    for at in [1_900, 2_800, 3_700, 4_600, 5_500] {
        assert!(is_good(&second, NOW - 1_000 + at), "{at}");
    }
    assert!(!is_good(&second, NOW + 5_000));
    let third = store.begin_session(&user, None, NOW, SPANS).unwrap();
    assert!(!is_good(&third, NOW + 1_000));
    store.end_session(&third).unwrap();
    assert!(!is_good(&third, NOW));
    assert_ne!(
        store.form_token(&first, None).unwrap(),
        store.form_token(&second, None).unwrap()
    );
}

#[test]
fn a_user_has_so_many_sessions_and_the_oldest_give_way() {
    let store = memory();
    come(&store, "ann@example.com", NOW);
    let (user, _) = store.find_password("ann@example.com").unwrap().unwrap();
    let begin = |at| store.begin_session(&user, None, at, SPANS).unwrap();
    let tokens: Vec<_> = (NOW..NOW + 25).map(begin).collect();
    let good = |token| store.visit(token, NOW + 25, SPANS).unwrap().is_some();
    let alive: Vec<bool> = tokens.iter().map(good).collect();
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 20);
    assert!(alive.is_sorted());
}

#[test]
fn an_invitation_is_used_once_while_its_maker_may_invite() {
    let store = memory();
    let team = account(&store, "team");
    let by = Author::operator(NOW);
    let ends = NOW + 100;
    let invite = |by: &Author, email, role| store.invite(by, team, email, role, ends);
    let early = invite(&by, "bob@example.com", Role::Viewer);
    assert!(matches!(early, Err(LedgerError::FirstOwner)), "{early:?}");
    let link = invite(&by, "ann@example.com", Role::Owner).unwrap();
    assert!(store.invitation(&link, ends).unwrap().is_none());
    store.join(&link, Password::First("hash"), NOW).unwrap();
    let again = store.join(&link, Password::First("hash"), NOW);
    assert!(matches!(again, Err(LedgerError::LinkOver)), "{again:?}");
    // A password that is there is never changed by a link of another account.
    let other = account(&store, "other");
    let link = store
        .invite(&by, other, "ann@example.com", Role::Owner, ends)
        .unwrap();
    let taken = store.join(&link, Password::First("another"), NOW);
    assert!(
        matches!(taken, Err(LedgerError::OtherPassword)),
        "{taken:?}"
    );
    let user = store.join(&link, Password::Shown("hash"), NOW).unwrap();
    let token = store.begin_session(&user, None, NOW, SPANS).unwrap();
    let visit = store.visit(&token, NOW, SPANS).unwrap().unwrap();
    assert_eq!(visit.seats.len(), 2);
    let second = &visit.seats[1].member;
    assert!(store.take_seat(&token, &user, second).unwrap());
    let visit = store.visit(&token, NOW, SPANS).unwrap().unwrap();
    assert_eq!(visit.seat.unwrap().account.id, other);
    // What an admin began is over when that one is no admin any more.
    let admin = store
        .add_member(&by, team, "admin@example.com", Role::Admin)
        .unwrap();
    let who = vane_ledger::Who::Member {
        id: admin.id.clone(),
        key: "console".to_owned(),
    };
    let link = invite(&Author { who, at: NOW }, "cid@example.com", Role::Admin).unwrap();
    assert!(store.invitation(&link, NOW).unwrap().is_some());
    store.set_role(&by, team, &admin.id, Role::Member).unwrap();
    assert!(store.invitation(&link, NOW).unwrap().is_none());
}

#[test]
fn who_sets_up_operates_and_owns_the_first_account() {
    let store = memory();
    assert!(!store.has_operator().unwrap());
    let old = store.link_setup(NOW, NOW + 100).unwrap();
    let link = store.link_setup(NOW, NOW + 100).unwrap();
    assert!(!store.is_setup(&old, NOW).unwrap() && store.is_setup(&link, NOW).unwrap());
    assert!(!store.is_setup(&link, NOW + 100).unwrap());
    assert!(store.invitation(&link, NOW).unwrap().is_none());
    let user = store.set_up(&link, "op@example.com", "hash", NOW).unwrap();
    assert!(!store.is_setup(&link, NOW).unwrap() && store.has_operator().unwrap());
    let token = store.begin_session(&user, None, NOW, SPANS).unwrap();
    let visit = store.visit(&token, NOW, SPANS).unwrap().unwrap();
    assert!(visit.user.is_operator);
    assert_eq!(visit.seat.unwrap().account.name, "default");
    // A new password ends what was begun with the old one.
    let link = store.link_setup(NOW, NOW + 100).unwrap();
    store
        .set_up(&link, "op@example.com", "another", NOW)
        .unwrap();
    assert!(store.visit(&token, NOW, SPANS).unwrap().is_none());
}

#[test]
fn keys_of_providers_come_back_whole() {
    let store = memory();
    for (provider, key) in [
        ("mistral", "first"),
        ("openai", "other"),
        ("mistral", "second"),
    ] {
        store.keep_provider_key(provider, key, NOW).unwrap();
    }
    let kept = [("mistral", "second"), ("openai", "other")];
    let kept = kept.map(|(provider, key)| (provider.to_owned(), key.to_owned()));
    assert_eq!(store.provider_keys().unwrap(), kept);
}

/// Lets somebody come to an account by a link, with the password `hash` where there is none yet.
fn join(store: &Store, account: AccountId, email: &str, role: Role) -> String {
    let by = Author::operator(NOW);
    let link = store.invite(&by, account, email, role, NOW + 100).unwrap();
    let known = store.find_password(email).unwrap();
    let hash = known.map(|(_, hash)| hash);
    let password = match &hash {
        None => Password::First("hash"),
        Some(hash) => Password::Shown(hash),
    };
    store.join(&link, password, NOW).unwrap()
}

/// An account with an owner, an admin who makes links, and bob.
struct Team {
    store: Memory,
    id: AccountId,
    admin: Author,
    bob: String,
    bobs: String,
}

const ENDS: i64 = NOW + 100;

impl Team {
    fn new() -> Self {
        let store = memory();
        let id = account(&store, "team");
        join(&store, id, "ann@example.com", Role::Owner);
        join(&store, id, "admin@example.com", Role::Admin);
        let bob = join(&store, id, "bob@example.com", Role::Member);
        let member = |email| store.find_member_by_email(id, email).unwrap().unwrap().id;
        let who = vane_ledger::Who::Member {
            id: member("admin@example.com"),
            key: "console".to_owned(),
        };
        Self {
            bobs: member("bob@example.com"),
            admin: Author { who, at: NOW },
            id,
            bob,
            store,
        }
    }

    fn make(&self, of: &str) -> Result<(String, vane_ledger::Token), LedgerError> {
        let by = &self.admin;
        self.store.link_recovery_of_member(by, self.id, of, ENDS)
    }
}

#[test]
fn s16_a_link_to_another_password_is_good_once_and_while_its_maker_may_make_one() {
    let team = Team::new();
    let store: &Store = &team.store;
    let ann = store.find_member_by_email(team.id, "ann@example.com");
    let owners = team.make(&ann.unwrap().unwrap().id);
    assert!(
        matches!(owners, Err(LedgerError::Above { .. })),
        "{owners:?}"
    );
    let admin = team.admin.member().unwrap();
    let own = team.make(&admin);
    assert!(matches!(own, Err(LedgerError::Oneself)), "{own:?}");
    // A link that is over by its time, by a newer one, and by its maker's role.
    let (email, link) = team.make(&team.bobs).unwrap();
    assert_eq!(email, "bob@example.com");
    assert_eq!(store.recovery(&link, ENDS).unwrap(), None);
    assert!(store.invitation(&link, NOW).unwrap().is_none());
    assert!(!store.is_setup(&link, NOW).unwrap());
    let (_, newer) = team.make(&team.bobs).unwrap();
    assert_eq!(store.recovery(&link, NOW).unwrap(), None);
    let by = Author::operator(NOW);
    store.set_role(&by, team.id, &admin, Role::Member).unwrap();
    assert_eq!(store.recovery(&newer, NOW).unwrap(), None);
    let over = store.recover(&newer, "other", NOW);
    assert!(matches!(over, Err(LedgerError::LinkOver)), "{over:?}");
    store.set_role(&by, team.id, &admin, Role::Admin).unwrap();
    let token = store.begin_session(&team.bob, None, NOW, SPANS).unwrap();
    assert_eq!(store.recover(&newer, "other", NOW).unwrap(), team.bob);
    assert!(store.visit(&token, NOW, SPANS).unwrap().is_none());
    let again = store.recover(&newer, "third", NOW);
    assert!(matches!(again, Err(LedgerError::LinkOver)), "{again:?}");
    let (_, hash) = store.find_password("bob@example.com").unwrap().unwrap();
    assert_eq!(hash, "other");
}

#[test]
fn s16_who_belongs_elsewhere_gets_a_link_of_the_operator_only_and_all_hear_of_it() {
    let team = Team::new();
    let store: &Store = &team.store;
    let other = account(store, "other");
    let (_, early) = team.make(&team.bobs).unwrap();
    join(store, other, "bob@example.com", Role::Owner);
    assert_eq!(store.recovery(&early, NOW).unwrap(), None);
    let late = team.make(&team.bobs);
    assert!(matches!(late, Err(LedgerError::NotAlone)), "{late:?}");
    let link = |email| store.link_recovery(email, "op@example.com", NOW, ENDS);
    let nobodys = link("eve@example.com");
    assert!(
        matches!(nobodys, Err(LedgerError::NoPassword)),
        "{nobodys:?}"
    );
    let bobs = link("bob@example.com").unwrap();
    store.recover(&bobs, "fourth", NOW).unwrap();
    for account in [team.id, other] {
        let changes = store.changes(account, None, 2).unwrap();
        let whats: Vec<&str> = changes.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(whats, ["password_set", "password_linked"]);
        assert_eq!(changes[1].detail["by"], "op@example.com");
    }
    // Who knows the password needs no link, and a link is over with another password.
    let unused = link("bob@example.com").unwrap();
    let change = |former, hash| store.change_password(&team.bob, former, hash, NOW).unwrap();
    assert!(!change("third", "fifth"));
    assert!(change("fourth", "fifth"));
    assert_eq!(store.recovery(&unused, NOW).unwrap(), None);
}

#[test]
fn s7_an_admin_does_not_become_an_owner_by_an_invitation() {
    let team = Team::new();
    let store: &Store = &team.store;
    let by = Author::operator(NOW);
    let eve = store.add_member(&by, team.id, "eve@example.com", Role::Owner);
    let eve = eve.unwrap().id;
    let invite = |by: &Author| store.invite(by, team.id, "eve@example.com", Role::Viewer, ENDS);
    let owners = invite(&team.admin);
    assert!(
        matches!(owners, Err(LedgerError::Above { .. })),
        "{owners:?}"
    );
    // Nor by one that was made before the other was an owner.
    store.set_role(&by, team.id, &eve, Role::Viewer).unwrap();
    let link = invite(&team.admin).unwrap();
    assert!(store.invitation(&link, NOW).unwrap().is_some());
    store.set_role(&by, team.id, &eve, Role::Owner).unwrap();
    assert!(store.invitation(&link, NOW).unwrap().is_none());
    let late = store.join(&link, Password::First("admins"), NOW);
    assert!(matches!(late, Err(LedgerError::LinkOver)), "{late:?}");
    // Who reaches the role invites, and the role stays.
    let link = invite(&by).unwrap();
    store.join(&link, Password::First("eves"), NOW).unwrap();
    let eve = store.find_member(team.id, &eve).unwrap().unwrap();
    assert_eq!(eve.role, Role::Owner);
}

#[test]
fn who_was_removed_does_not_come_back_by_an_invitation_that_is_still_open() {
    let team = Team::new();
    let store: &Store = &team.store;
    let other = account(store, "other");
    let by = Author::operator(NOW);
    let invite = |account| store.invite(&by, account, "bob@example.com", Role::Owner, ENDS);
    let (here, there) = (invite(team.id).unwrap(), invite(other).unwrap());
    store
        .remove_member(&team.admin, team.id, &team.bobs)
        .unwrap();
    assert!(store.invitation(&here, NOW).unwrap().is_none());
    assert!(store.invitation(&there, NOW).unwrap().is_some());
}

#[test]
fn s16_setting_up_anew_ends_links_to_another_password_and_is_noted() {
    let team = Team::new();
    let store: &Store = &team.store;
    let link = store.link_recovery("bob@example.com", "op@example.com", NOW, ENDS);
    let link = link.unwrap();
    let setup = store.link_setup(NOW, ENDS).unwrap();
    let user = store.set_up(&setup, "bob@example.com", "another", NOW);
    assert_eq!(user.unwrap(), team.bob);
    assert_eq!(store.recovery(&link, NOW).unwrap(), None);
    let newest = store.changes(team.id, None, 1).unwrap().remove(0);
    assert_eq!(
        (newest.what.as_str(), &newest.subject),
        ("password_set", &team.bobs)
    );
}
