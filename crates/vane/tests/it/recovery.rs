//! A password that was forgotten, and one that is changed: over sockets.

use std::sync::atomic::Ordering;

use vane_ledger::{AccountKind, Clock, Role};

use crate::client::Reply;
use crate::people::{Browser, PASSWORD};
use crate::world::{NOW, World};

const DAY: i64 = 86_400;
const ANOTHER: &str = "a horse of another colour";

/// A browser of an operator.
pub(crate) async fn operator(world: &World) -> Browser {
    let link = world.gateway.store.link_setup(NOW, NOW + DAY).unwrap();
    let mut op = Browser::default();
    op.get(world, &format!("/setup?token={}", link.expose()))
        .await;
    let form = [("email", "op@example.com"), ("password", PASSWORD)];
    let made = op.post(world, "/setup", &form).await;
    assert_eq!(made.status, 303, "{}", made.text());
    op
}

/// The token of the link that a page shows.
fn token_on(page: &Reply) -> String {
    let link = page.text().split("/recover?token=").nth(1);
    let link = link.unwrap_or_else(|| panic!("no link: {}", page.text()));
    link.split('<').next().unwrap().to_owned()
}

async fn signs_in(world: &World, email: &str, password: &str) -> bool {
    let form = [("email", email), ("password", password)];
    let reply = Browser::default().post(world, "/login", &form).await;
    reply.status == 303
}

/// Opens a link and sends the form behind it.
async fn recover(world: &World, token: &str, password: &str) -> (Browser, Reply) {
    let mut browser = Browser::default();
    let to = browser.get(world, &format!("/recover?token={token}")).await;
    assert_eq!((to.status, to.header("location")), (303, Some("/recover")));
    let set = browser
        .post(world, "/recover", &[("password", password)])
        .await;
    (browser, set)
}

fn whats(world: &World) -> Vec<String> {
    let changes = world.gateway.store.changes(world.account, None, 9).unwrap();
    changes.into_iter().map(|change| change.what).collect()
}

#[tokio::test]
async fn s16_a_forgotten_password_is_set_anew_by_a_link_of_an_admin_and_all_sessions_end() {
    let world = World::start().await;
    let mut admin = Browser::of(&world, world.account, "admin@example.com", Role::Admin).await;
    let mut bob = Browser::of(&world, world.account, "bob@example.com", Role::Member).await;
    let store = &world.gateway.store;
    let member = |email: &str| {
        let found = store.find_member_by_email(world.account, email).unwrap();
        found.unwrap().id
    };
    let (owners, bobs) = (member("first@example.com"), member("bob@example.com"));
    let own = member("admin@example.com");
    // Of oneself a session must not be enough, nor a lower role of a higher one.
    for (of, by_admin) in [
        (&own, true),
        (&owners, true),
        (&owners, false),
        (&own, false),
    ] {
        let browser = if by_admin { &mut admin } else { &mut bob };
        let form = [("do", "recover"), ("member", of.as_str())];
        let refused = browser.send(&world, "/console/members", &form).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert!(!refused.text().contains("/recover?token="));
    }
    let form = [("do", "recover"), ("member", bobs.as_str())];
    let old = token_on(&admin.send(&world, "/console/members", &form).await.ok());
    let token = token_on(&admin.send(&world, "/console/members", &form).await.ok());
    let (_, over) = recover(&world, &old, ANOTHER).await;
    assert_eq!(over.status, 403, "a newer link is there");
    let (mut anew, short) = recover(&world, &token, "too short").await;
    assert_eq!(short.status, 422, "{}", short.text());
    let set = anew
        .post(&world, "/recover", &[("password", ANOTHER)])
        .await;
    assert_eq!(set.header("location"), Some("/console"), "{}", set.text());
    assert_eq!(anew.get(&world, "/console").await.status, 200);
    assert_eq!(bob.get(&world, "/console").await.status, 303, "signed out");
    assert!(!signs_in(&world, "bob@example.com", PASSWORD).await);
    assert!(signs_in(&world, "bob@example.com", ANOTHER).await);
    let (_, again) = recover(&world, &token, PASSWORD).await;
    assert_eq!(again.status, 403, "it was used");
    assert_eq!(
        whats(&world)[..3],
        ["password_set", "password_linked", "password_linked"]
    );
}

#[tokio::test]
async fn s16_an_admin_sets_no_password_of_who_belongs_elsewhere_or_was_never_here() {
    let world = World::start().await;
    let store = &world.gateway.store;
    let other = store
        .create_account("other", AccountKind::Metered, NOW)
        .unwrap();
    let mut admin = Browser::of(&world, world.account, "admin@example.com", Role::Owner).await;
    Browser::of(&world, other.id, "ann@example.com", Role::Owner).await;
    let mut said = Vec::new();
    // Whoever writes an address down learns nothing of it.
    for email in ["ann@example.com", "nobody@example.com"] {
        let by = vane_ledger::Author::operator(NOW);
        let member = store
            .add_member(&by, world.account, email, Role::Viewer)
            .unwrap();
        let form = [("do", "recover"), ("member", member.id.as_str())];
        let refused = admin.send(&world, "/console/members", &form).await;
        assert_eq!(refused.status, 403);
        let alert = refused.text().split("role=\"alert\">").nth(1).unwrap();
        said.push(alert.split('<').next().unwrap().to_owned());
    }
    assert_eq!(said[0], said[1]);
    // Who comes to belong elsewhere after the link was made is out of its reach.
    let mut bob = Browser::of(&world, world.account, "bob@example.com", Role::Member).await;
    let id = store
        .find_member_by_email(world.account, "bob@example.com")
        .unwrap()
        .unwrap()
        .id;
    let form = [("do", "recover"), ("member", id.as_str())];
    let token = token_on(&admin.send(&world, "/console/members", &form).await.ok());
    Browser::of(&world, other.id, "bob@example.com", Role::Viewer).await;
    let (_, refused) = recover(&world, &token, ANOTHER).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(bob.get(&world, "/console").await.status, 200);
    let refused = admin.send(&world, "/console/members", &form).await;
    assert!(
        refused.text().contains("belongs to other accounts too"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn s16_the_operator_makes_a_link_for_anybody_and_nobody_else_does() {
    let world = World::start().await;
    let mut op = operator(&world).await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let form = [("email", "Ann@example.com")];
    assert_eq!(ann.get(&world, "/admin/people").await.status, 403);
    assert_eq!(ann.send(&world, "/admin/people", &form).await.status, 403);
    for email in ["nobody@example.com", "op@example.com", "none"] {
        let refused = op.send(&world, "/admin/people", &[("email", email)]).await;
        assert_eq!(refused.status, 400, "{email} {}", refused.text());
    }
    let listed = op.get(&world, "/admin/people").await.ok();
    assert!(listed.text().contains("ann@example.com"));
    let token = token_on(&op.send(&world, "/admin/people", &form).await.ok());
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("a world's clock stands still")
    };
    hand.fetch_add(DAY, Ordering::Relaxed);
    let (_, late) = recover(&world, &token, ANOTHER).await;
    assert_eq!(late.status, 403, "a day is over");
    let token = token_on(&op.send(&world, "/admin/people", &form).await.ok());
    let (_, set) = recover(&world, &token, ANOTHER).await;
    assert_eq!(set.status, 303, "{}", set.text());
    assert_eq!(ann.get(&world, "/console").await.status, 303, "signed out");
    let changes = world.gateway.store.changes(world.account, None, 9).unwrap();
    let made = changes.iter().find(|one| one.what == "password_linked");
    assert_eq!(made.unwrap().detail["by"], "op@example.com");
}

#[tokio::test]
async fn s16_a_password_is_changed_by_who_knows_it_and_other_sessions_end() {
    let world = World::start().await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let mut phone = Browser::default();
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    assert_eq!(phone.post(&world, "/login", &form).await.status, 303);
    let stolen = ann.session().unwrap().to_owned();
    let path = "/console/settings";
    for (former, password, status) in [
        ("not the one", ANOTHER, 403),
        ("", ANOTHER, 403),
        (PASSWORD, "short", 400),
    ] {
        let form = [
            ("do", "password"),
            ("former", former),
            ("password", password),
        ];
        let refused = ann.send(&world, path, &form).await;
        assert_eq!(refused.status, status, "{former} {}", refused.text());
    }
    assert_eq!(phone.get(&world, "/console").await.status, 200);
    let form = [
        ("do", "password"),
        ("former", PASSWORD),
        ("password", ANOTHER),
    ];
    // Without the token of the session it is nobody's wish.
    assert_eq!(ann.post(&world, path, &form).await.status, 403);
    let changed = ann.send(&world, path, &form).await;
    assert_eq!(changed.status, 303, "{}", changed.text());
    assert_eq!(phone.get(&world, "/console").await.status, 303);
    assert_ne!(ann.session(), Some(stolen.as_str()));
    assert_eq!(ann.get(&world, "/console").await.status, 200);
    assert!(signs_in(&world, "ann@example.com", ANOTHER).await);
    assert!(!signs_in(&world, "ann@example.com", PASSWORD).await);
    assert_eq!(whats(&world)[0], "password_set");
    // And out, wherever that is.
    let form = [("email", "ann@example.com"), ("password", ANOTHER)];
    assert_eq!(phone.post(&world, "/login", &form).await.status, 303);
    let out = ann.send(&world, path, &[("do", "leave")]).await;
    assert_eq!(out.header("location"), Some("/login"));
    assert_eq!(ann.session(), None);
    assert_eq!(phone.get(&world, "/console").await.status, 303);
}

#[tokio::test]
async fn s16_whoever_guesses_links_or_a_former_password_is_held_up() {
    let world = World::start().await;
    let mut browser = Browser::default();
    for token in ["A".repeat(43), "junk".to_owned(), String::new()] {
        browser
            .get(&world, &format!("/recover?token={token}"))
            .await;
        let none = browser.get(&world, "/recover").await;
        assert_eq!(none.status, 403, "{}", none.text());
    }
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let form = [
        ("do", "password"),
        ("former", "a guess of many"),
        ("password", ANOTHER),
    ];
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(ann.send(&world, "/console/settings", &form).await.status);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}
