//! Who sees what behind the door: accounts are apart, and roles mean there what they mean over the
//! API.

use vane_ledger::{AccountKind, Author, Role};

use crate::client::Ask;
use crate::people::{Browser, PASSWORD, field, invited, open};
use crate::playground::{CHAT, chat, from_page};
use crate::world::{NOW, World};

#[tokio::test]
async fn who_was_written_down_by_another_looks_at_nothing() {
    let world = World::with(open).await;
    let store = &world.gateway.store;
    // Somebody took the address first.
    let mut squatter = Browser::default();
    let form = [("email", "ann@example.com"), ("password", PASSWORD)];
    squatter.post(&world, "/signup", &form).await;
    squatter.post(&world, "/login", &form).await;
    let by = Author::operator(NOW);
    let ann = store
        .add_member(&by, world.account, "ann@example.com", Role::Owner)
        .unwrap();
    let page = squatter.get(&world, "/console").await.ok();
    assert!(!page.text().contains("team"), "{}", page.text());
    let taken = squatter
        .send(&world, "/console/seat", &[("member", &ann.id)])
        .await;
    assert_eq!(taken.status, 404);
    // Neither does an invitation give away who is there: it wants the password of the address.
    let token = invited(&world, world.account, "ann@example.com", Role::Owner);
    let mut holder = Browser::default();
    holder
        .get(&world, &format!("/signup?invitation={}", token.expose()))
        .await;
    let guess = holder
        .post(&world, "/signup", &[("password", "another password")])
        .await;
    assert_eq!(guess.status, 422);
    assert_eq!(holder.session(), None);
    assert_eq!(holder.post(&world, "/signup", &form).await.status, 303);
    assert_eq!(
        holder
            .send(&world, "/console/seat", &[("member", &ann.id)])
            .await
            .status,
        303
    );
    assert!(
        holder
            .get(&world, "/console")
            .await
            .ok()
            .text()
            .contains("<h1>team</h1>")
    );
}

#[tokio::test]
async fn s8_a_session_sees_nothing_of_another_account() {
    let world = World::start().await;
    let key = world.prepaid_key();
    let payer = world.gateway.store.find_account("payer").unwrap().unwrap();
    let body = r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#;
    let call = Ask::post("/v1/chat/completions", body).key(key.expose());
    let request = world
        .ask(&call)
        .await
        .ok()
        .header("vane-request-id")
        .unwrap()
        .to_owned();
    let owner = Browser::of(&world, payer.id, "payer@example.com", Role::Owner).await;
    let mut browsers = vec![(Some(200), owner)];
    for role in Role::ALL {
        let email = format!("{}@example.com", role.as_str());
        browsers.push((None, Browser::of(&world, world.account, &email, role).await));
    }
    for (seen, mut browser) in browsers {
        let status = seen.unwrap_or(404);
        let receipt = browser
            .get(&world, &format!("/console/receipts/{request}"))
            .await;
        assert_eq!(receipt.status, status);
        let path = format!("/console/keys/{}", key.id());
        assert_eq!(browser.get(&world, &path).await.status, status);
        for path in ["/console", "/console/keys", "/console/receipts"] {
            let page = browser.get(&world, path).await.ok();
            let shows = page.text().contains(&request) || page.text().contains(key.id());
            assert_eq!(shows, seen.is_some(), "{path} {}", page.text());
        }
        let form = [("do", "revoke"), ("sure", "yes")];
        if seen.is_none() {
            let refused = browser.send(&world, &path, &form).await;
            assert!(matches!(refused.status, 403 | 404), "{}", refused.status);
        }
    }
    assert!(
        world
            .gateway
            .store
            .find_key(key.id())
            .unwrap()
            .unwrap()
            .revoked_at
            .is_none()
    );
}

#[tokio::test]
async fn s7_a_role_does_in_the_console_what_it_may_do_over_the_api() {
    let world = World::start().await;
    for role in Role::ALL {
        let email = format!("{}@example.com", role.as_str());
        let mut browser = Browser::of(&world, world.account, &email, role).await;
        for path in ["/console", "/console/keys", "/console/receipts"] {
            assert_eq!(
                browser.get(&world, path).await.status,
                200,
                "{path} {role:?}"
            );
        }
        let made = browser
            .send(&world, "/console/keys", &[("name", "mine")])
            .await;
        let may = role >= Role::Member;
        assert_eq!(
            made.status,
            if may { 200 } else { 403 },
            "{role:?} {}",
            made.text()
        );
        let form = [("name", "machine"), ("nobody", "yes")];
        let made = browser.send(&world, "/console/keys", &form).await;
        let may = role >= Role::Admin;
        assert_eq!(
            made.status,
            if may { 200 } else { 403 },
            "{role:?} {}",
            made.text()
        );
    }
}

#[tokio::test]
async fn s7_a_member_gets_another_role_and_goes_by_who_may_and_the_last_owner_stays() {
    let world = World::start().await;
    let store = &world.gateway.store;
    let mut admin = Browser::of(&world, world.account, "admin@example.com", Role::Admin).await;
    let mut bob = Browser::of(&world, world.account, "bob@example.com", Role::Member).await;
    let of = |email: &str| store.find_member_by_email(world.account, email).unwrap();
    let page = |email: &str| format!("/console/members/{}", of(email).unwrap().id);
    let (bobs, owners) = (page("bob@example.com"), page("first@example.com"));
    let key = bob.send(&world, "/console/keys", &[("name", "mine")]).await;
    assert_eq!(key.status, 200);
    let viewer = [("do", "role"), ("role", "viewer")];
    let end = [("do", "end"), ("sure", "yes")];

    // Who may not is offered nothing, and refused if they send it all the same.
    let shown = bob.get(&world, &bobs).await.ok();
    assert!(shown.text().contains("owners and admins"));
    assert!(!shown.text().contains("name=\"do\""), "{}", shown.text());
    for form in [&viewer, &end] {
        assert_eq!(bob.send(&world, &owners, form).await.status, 403);
    }
    let shown = admin.get(&world, &owners).await.ok();
    assert!(shown.text().contains("only an owner changes"));
    assert_eq!(admin.send(&world, &owners, &end).await.status, 403);
    let above = [("do", "role"), ("role", "owner")];
    let refused = admin.send(&world, &bobs, &above).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("does not reach"));

    let set = admin.send(&world, &bobs, &viewer).await;
    assert_eq!((set.status, set.header("location")), (303, Some(&*bobs)));
    assert_eq!(of("bob@example.com").unwrap().role, Role::Viewer);
    let unsure = admin.send(&world, &bobs, &[("do", "end")]).await;
    assert_eq!(unsure.status, 400, "{}", unsure.text());
    assert!(of("bob@example.com").is_some());
    let ended = admin.send(&world, &bobs, &end).await;
    assert_eq!(ended.header("location"), Some("/console/members"));
    assert!(of("bob@example.com").is_none());
    let keys = store.list_keys(world.account).unwrap();
    let mine = keys.iter().find(|key| key.name == "mine").unwrap();
    assert!(mine.revoked_at.is_some(), "their keys end with them");
    assert_eq!(admin.get(&world, &bobs).await.status, 404);

    // The only owner is told what to do first, and refused in words.
    let mut owner = Browser::of(&world, world.account, "own@example.com", Role::Owner).await;
    let own = page("own@example.com");
    assert_eq!(owner.send(&world, &owners, &end).await.status, 303);
    let shown = owner.get(&world, &own).await.ok();
    assert!(shown.text().contains("make another member an owner first"));
    for form in [&viewer, &end] {
        let refused = owner.send(&world, &own, form).await;
        assert_eq!(refused.status, 409);
        let said = refused.text();
        assert!(
            said.contains("An account keeps at least one owner"),
            "{said}"
        );
    }
    // With another one there, who made the account may leave it.
    let admins = page("admin@example.com");
    assert_eq!(owner.send(&world, &admins, &above).await.status, 303);
    let left = owner.send(&world, &own, &end).await;
    assert_eq!(left.header("location"), Some("/console"));
    assert!(of("own@example.com").is_none());
}

#[tokio::test]
async fn s15_a_form_of_one_account_changes_nothing_in_another() {
    let world = World::start().await;
    let store = &world.gateway.store;
    let other = store.create_account("other", AccountKind::Metered, NOW);
    let other = other.unwrap().id;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let link = invited(&world, other, "ann@example.com", Role::Admin);
    let path = format!("/signup?invitation={}", link.expose());
    ann.get(&world, &path).await;
    let joined = ann.post(&world, "/signup", &[("password", PASSWORD)]).await;
    assert_eq!(joined.status, 303, "{}", joined.text());
    let members = store.list_members(other).unwrap();
    let seat = members.iter().find(|one| one.email == "ann@example.com");
    let seat = &seat.unwrap().id;
    let written = async |ann: &mut Browser, path: &str| {
        let page = ann.get(&world, path).await.ok();
        field(page.text(), "csrf").unwrap()
    };
    // One tab shows a form of the first account while another goes to the second.
    let first = written(&mut ann, "/console/keys").await;
    let played = written(&mut ann, "/playground").await;
    let taken = ann.send(&world, "/console/seat", &[("member", seat)]).await;
    assert_eq!(taken.status, 303);
    let second = written(&mut ann, "/console/keys").await;
    let refused = async |ann: &mut Browser, csrf: &str| {
        let form = [("name", "x"), ("csrf", csrf)];
        let reply = ann.post(&world, "/console/keys", &form).await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        assert!(reply.text().contains("load the page again"));
    };
    refused(&mut ann, &first).await;
    let call = async |ann: &Browser, csrf: &str| {
        let ask = from_page(CHAT, chat("lab-m"))
            .header("cookie", format!("vane={}", ann.session().unwrap()))
            .header("vane-csrf", csrf);
        world.ask(&ask).await.status
    };
    assert_eq!(call(&ann, &played).await, 403);
    let keys = store.list_keys(other).unwrap();
    assert!(keys.iter().all(|key| key.name != "x"), "{keys:?}");
    let played = written(&mut ann, "/playground").await;
    assert_eq!(call(&ann, &played).await, 200);
    // Who was removed there meanwhile acts in the first account again, and not by this form.
    let by = Author::operator(NOW);
    store.remove_member(&by, other, seat).unwrap();
    refused(&mut ann, &second).await;
    let made = ann.send(&world, "/console/keys", &[("name", "x")]).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let keys = store.list_keys(world.account).unwrap();
    assert_eq!(keys.iter().filter(|key| key.name == "x").count(), 1);
}
