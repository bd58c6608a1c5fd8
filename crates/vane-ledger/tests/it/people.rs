//! People: sessions, links that are used once, signing up, and sealed keys of providers.

use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Source};
use vane_ledger::{
    AccountId, Author, LedgerError, Password, Role, SignedUp, SigningUp, Spans, Store,
};

use crate::{account, memory};

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
        store.form_token(&first).unwrap(),
        store.form_token(&second).unwrap()
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
