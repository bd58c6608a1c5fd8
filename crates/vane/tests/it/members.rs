//! Members and their keys over sockets: what each role may change, and what nobody may.

use serde_json::{Value, json};
use vane_ledger::{AccountKind, Role};

use crate::client::{Ask, Reply};
use crate::till::Till;
use crate::world::{NOW, World};

async fn send(world: &World, key: &str, method: &'static str, path: &str, body: &str) -> Reply {
    let ask = Ask::new(method, path).key(key).body(body);
    world.ask(&ask).await
}

/// All that fields of a body could have changed, as the database has it.
fn kept(world: &World) -> String {
    let store = &world.gateway.store;
    let mut kept = String::new();
    for account in store.list_accounts().unwrap() {
        let id = account.id;
        let book = store.balance(id).unwrap();
        let (keys, members) = (
            store.list_keys(id).unwrap(),
            store.list_members(id).unwrap(),
        );
        let changes = store.changes(id, None, 1_000).unwrap();
        kept += &format!("{account:?} {book:?} {keys:?} {members:?} {changes:?}\n");
    }
    kept
}

/// Everything that somebody may hope to be taken.
const FIELDS: [&str; 46] = [
    "role",
    "roles",
    "is_admin",
    "admin",
    "owner",
    "owner_id",
    "user",
    "user_id",
    "member",
    "member_id",
    "id",
    "account",
    "account_id",
    "account_name",
    "kind",
    "prepaid",
    "metered",
    "balance",
    "credit",
    "credits",
    "posted",
    "held",
    "promotional",
    "amount",
    "scope",
    "scopes",
    "rights",
    "permissions",
    "budgets",
    "budget.amount",
    "limits",
    "spent",
    "frozen",
    "state",
    "status",
    "lineage",
    "hash",
    "secret",
    "key",
    "created_at",
    "revoked_at",
    "removed_at",
    "retires_at",
    "replaced_by",
    "__proto__",
    "fallback",
];

#[tokio::test]
async fn s7_no_field_of_any_body_gives_what_the_role_does_not() {
    let world = World::start().await;
    let (owner, owners) = world.member("ann", Role::Owner);
    let (viewer, viewers) = world.member("vic", Role::Viewer);
    let (member, members) = world.member("mel", Role::Member);
    let own = world.gateway.store.list_keys(world.account).unwrap();
    let own = own
        .iter()
        .find(|key| key.member.as_ref() == Some(&member.id))
        .unwrap();
    let before = kept(&world);
    let routes = [
        ("PATCH", "/v1/account".to_owned()),
        ("POST", "/v1/keys".to_owned()),
        ("PATCH", format!("/v1/keys/{}", own.id)),
        ("DELETE", format!("/v1/keys/{}", own.id)),
        ("POST", format!("/v1/keys/{}/rotate", own.id)),
        ("POST", "/v1/members".to_owned()),
        ("PATCH", format!("/v1/members/{}", viewer.id)),
        ("PATCH", format!("/v1/members/{}", owner.id)),
        ("DELETE", format!("/v1/members/{}", owner.id)),
        ("POST", "/v1/credits/top-ups".to_owned()),
    ];
    for key in [&viewers, &members, &world.key, &owners] {
        for (method, path) in &routes {
            for field in FIELDS {
                // What a route does know is no mass assignment: see the tests of each.
                if path.starts_with("/v1/members") && field == "role"
                    || field == "amount" && path.ends_with("top-ups")
                {
                    continue;
                }
                for value in [r#""owner""#, "1e9", r#"{"role":"owner"}"#] {
                    let body = format!(
                        r#"{{"name":"x","email":"x@example.com","role":"viewer","{field}":{value}}}"#
                    );
                    let body = if field == "role" {
                        format!(r#"{{"name":"x","role":{value}}}"#)
                    } else {
                        body
                    };
                    let reply = send(&world, key, method, path, &body).await;
                    let said = reply.json();
                    let error = &said["error"];
                    let refused = match reply.status {
                        // The first field that is not known is the one that is named.
                        400 => error["param"]
                            .as_str()
                            .is_some_and(|param| body.contains(param)),
                        403 => error["type"] == "permission_error",
                        404 => path.ends_with("top-ups"),
                        _ => false,
                    };
                    assert!(refused, "{method} {path} {body}: {} {said}", reply.status);
                }
            }
        }
        assert_eq!(kept(&world), before);
    }
}

#[tokio::test]
async fn s7_a_field_alone_is_named_where_it_is_not_known() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let key = world.gateway.store.list_keys(world.account).unwrap()[0]
        .id
        .clone();
    let before = kept(&world);
    for field in FIELDS {
        for (path, nested) in [
            ("/v1/account".to_owned(), false),
            (format!("/v1/keys/{key}"), false),
            (format!("/v1/keys/{key}"), true),
        ] {
            let body = match nested {
                false => json!({ field: "9" }),
                true if field == "amount" => continue,
                true => json!({ "budget": { "amount": "5", "period": "day", field: "9" } }),
            };
            let reply = send(&world, &owners, "PATCH", &path, &body.to_string()).await;
            let named = if nested {
                format!("budget.{field}")
            } else {
                field.to_owned()
            };
            let said = reply.json();
            assert_eq!(
                (reply.status, &said["error"]["param"]),
                (400, &json!(named)),
                "{body}: {said}"
            );
        }
    }
    assert_eq!(kept(&world), before);
}

#[tokio::test]
async fn a_member_makes_changes_rotates_and_ends_a_key() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let (member, members) = world.member("mel", Role::Member);
    let body = json!({
        "name": "laptop", "budget": { "amount": 5.25, "period": "week" }, "requests_per_minute": 60,
        "models": ["lab-m"], "expires_at": NOW + 86_400,
    });
    let made = send(&world, &members, "POST", "/v1/keys", &body.to_string())
        .await
        .ok()
        .json();
    assert_eq!(
        (&made["member"], &made["budget"]["amount"]),
        (&json!(member.id), &json!("5.25"))
    );
    let (id, text) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    world.ask(&Ask::get("/v1/models").key(text)).await.ok();
    let path = format!("/v1/keys/{id}");
    let shown = send(&world, &owners, "GET", &path, "").await.ok();
    assert!(!shown.text().contains(text), "{}", shown.text());
    let change = r#"{"name":"desk","budget":null,"models":null,"requests_per_minute":5,"tokens_per_minute":7,"concurrency":2}"#;
    let changed = send(&world, &owners, "PATCH", &path, change)
        .await
        .ok()
        .json();
    assert_eq!(
        (
            &changed["name"],
            &changed["budget"],
            &changed["models"],
            &changed["concurrency"],
            &changed["expires_at"]
        ),
        (
            &json!("desk"),
            &Value::Null,
            &Value::Null,
            &json!(2),
            &json!(NOW + 86_400)
        )
    );
}

#[tokio::test]
async fn who_has_all_keys_hands_out_keys_of_nobody() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let (_, members) = world.member("mel", Role::Member);
    let body = r#"{"name":"build","member":null,"budget":{"amount":"5","period":"day"}}"#;
    let refused = send(&world, &members, "POST", "/v1/keys", body).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("all_keys"), "{}", refused.text());
    let made = send(&world, &owners, "POST", "/v1/keys", body).await.ok();
    let made = made.json();
    assert_eq!(made["member"], Value::Null);
    let text = made["key"].as_str().unwrap();
    world.ask(&Ask::get("/v1/credits").key(text)).await.ok();
    let refused = send(&world, text, "POST", "/v1/keys", r#"{"name":"x"}"#).await;
    assert_eq!(refused.status, 403);
    let other = r#"{"name":"build","member":"mel"}"#;
    let refused = send(&world, &owners, "POST", "/v1/keys", other).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("`member`"), "{}", refused.text());
}

#[tokio::test]
async fn a_key_is_rotated_and_ended_and_the_trail_tells_it() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let (_, members) = world.member("mel", Role::Member);
    let made = send(&world, &members, "POST", "/v1/keys", r#"{"name":"laptop"}"#).await;
    let made = made.ok().json();
    let (id, text) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let path = format!("/v1/keys/{id}");
    send(&world, &owners, "PATCH", &path, r#"{"concurrency":2}"#)
        .await
        .ok();
    // Whom it acts for is told its text, and no other.
    let rotate = format!("{path}/rotate");
    assert_eq!(send(&world, &owners, "POST", &rotate, "").await.status, 403);
    let next = send(
        &world,
        &members,
        "POST",
        &rotate,
        r#"{"overlap_seconds":0}"#,
    )
    .await
    .ok()
    .json();
    assert_eq!(
        (&next["replaces"], &next["lineage"]),
        (&json!(id), &json!(id))
    );
    assert_eq!(
        world.ask(&Ask::get("/v1/models").key(text)).await.status,
        401
    );
    let text = next["key"].as_str().unwrap();
    world.ask(&Ask::get("/v1/models").key(text)).await.ok();
    assert_eq!(
        send(&world, &members, "POST", &rotate, "").await.status,
        409
    );
    let path = format!("/v1/keys/{}", next["id"].as_str().unwrap());
    let ended = send(&world, &owners, "DELETE", &path, "").await.ok().json();
    assert_eq!(ended["state"], "revoked");
    assert_eq!(
        world.ask(&Ask::get("/v1/models").key(text)).await.status,
        401
    );
    let changes = send(&world, &owners, "GET", "/v1/changes?limit=4", "")
        .await
        .ok()
        .json();
    let what: Vec<&str> = changes["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        what,
        ["key_revoked", "key_rotated", "key_changed", "key_made"]
    );
    assert_eq!(changes["data"][1]["email"], "mel@example.com");
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let world = World::start().await;
    world.member("ann", Role::Owner);
    let (_, members) = world.member("mel", Role::Member);
    let page = send(&world, &members, "GET", "/v1/keys?limit=2", "")
        .await
        .ok()
        .json();
    let after = page["after"].as_str().unwrap();
    let rest = send(
        &world,
        &members,
        "GET",
        &format!("/v1/keys?after={after}"),
        "",
    )
    .await
    .ok()
    .json();
    assert_eq!(
        (
            page["data"].as_array().unwrap().len(),
            rest["data"].as_array().unwrap().len()
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn members_are_managed_and_the_account_renamed() {
    let world = World::start().await;
    let (owner, owners) = world.member("ann", Role::Owner);
    let (_, admins) = world.member("bob", Role::Admin);
    let add =
        |role: &str| json!({ "email": format!("{role}-2@example.com"), "role": role }).to_string();
    assert_eq!(
        send(&world, &admins, "POST", "/v1/members", &add("owner"))
            .await
            .status,
        403
    );
    let made = send(&world, &admins, "POST", "/v1/members", &add("admin"))
        .await
        .ok()
        .json();
    assert_eq!(
        send(&world, &admins, "POST", "/v1/members", &add("admin"))
            .await
            .status,
        409
    );
    let path = format!("/v1/members/{}", made["id"].as_str().unwrap());
    let set = send(&world, &admins, "PATCH", &path, r#"{"role":"member"}"#)
        .await
        .ok()
        .json();
    assert_eq!(set["role"], "member");
    assert_eq!(
        send(&world, &admins, "PATCH", &path, r#"{"role":"owner"}"#)
            .await
            .status,
        403
    );
    let above = format!("/v1/members/{}", owner.id);
    for (method, body) in [("PATCH", r#"{"role":"viewer"}"#), ("DELETE", "")] {
        assert_eq!(
            send(&world, &admins, method, &above, body).await.status,
            403,
            "{method}"
        );
        // The last owner stays, also by the own hand.
        assert_eq!(
            send(&world, &owners, method, &above, body).await.status,
            409,
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_member_is_removed_once_and_the_account_renamed() {
    let world = World::start().await;
    world.member("ann", Role::Owner);
    let (_, admins) = world.member("bob", Role::Admin);
    let (gone, _) = world.member("mel", Role::Member);
    let path = format!("/v1/members/{}", gone.id);
    send(&world, &admins, "DELETE", &path, "").await.ok();
    assert_eq!(send(&world, &admins, "DELETE", &path, "").await.status, 404);
    for body in [
        r#"{"email":"ann","role":"viewer"}"#,
        r#"{"email":5,"role":"viewer"}"#,
    ] {
        let reply = send(&world, &admins, "POST", "/v1/members", body).await;
        assert_eq!(
            (reply.status, &reply.json()["error"]["param"]),
            (400, &json!("email")),
            "{body}"
        );
    }
    let list = send(&world, &admins, "GET", "/v1/members", "")
        .await
        .ok()
        .json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    let renamed = send(
        &world,
        &admins,
        "PATCH",
        "/v1/account",
        r#"{"name":"crew"}"#,
    )
    .await
    .ok()
    .json();
    assert_eq!(
        (&renamed["name"], &renamed["member"]["role"]),
        (&json!("crew"), &json!("admin"))
    );
    let other = world
        .gateway
        .store
        .create_account("other", AccountKind::Metered, NOW);
    other.unwrap();
    assert_eq!(
        send(
            &world,
            &admins,
            "PATCH",
            "/v1/account",
            r#"{"name":"other"}"#
        )
        .await
        .status,
        409
    );
}

#[tokio::test]
async fn a_removed_or_demoted_member_can_do_no_more_with_any_key() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let (member, members) = world.member("mel", Role::Admin);
    let path = format!("/v1/members/{}", member.id);
    send(&world, &members, "GET", "/v1/changes", "").await.ok();
    send(&world, &owners, "PATCH", &path, r#"{"role":"viewer"}"#)
        .await
        .ok();
    assert_eq!(
        send(&world, &members, "GET", "/v1/changes", "")
            .await
            .status,
        403
    );
    let call = r#"{"model":"lab-m","messages":[{"role":"user","content":"Hi"}]}"#;
    let reply = send(&world, &members, "POST", "/v1/chat/completions", call).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(world.fake.calls().is_empty());
    send(&world, &owners, "DELETE", &path, "").await.ok();
    assert_eq!(
        send(&world, &members, "GET", "/v1/credits", "")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn s8_what_is_another_accounts_is_not_there_on_any_route() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let store = &world.gateway.store;
    let other = store
        .create_account("other", AccountKind::Metered, NOW)
        .unwrap()
        .id;
    let (member, _) = world.member_of(other, "eve", Role::Owner);
    world.member_of(other, "eva", Role::Owner);
    let key = store.list_keys(other).unwrap()[0].id.clone();
    let before = kept(&world);
    for (method, path, body) in [
        ("GET", format!("/v1/keys/{key}"), ""),
        ("PATCH", format!("/v1/keys/{key}"), r#"{"name":"mine"}"#),
        ("DELETE", format!("/v1/keys/{key}"), ""),
        ("POST", format!("/v1/keys/{key}/rotate"), ""),
        (
            "PATCH",
            format!("/v1/members/{}", member.id),
            r#"{"role":"viewer"}"#,
        ),
        ("DELETE", format!("/v1/members/{}", member.id), ""),
        ("GET", "/v1/keys/%2e%2e".to_owned(), ""),
        ("GET", format!("/v1/keys/{key}%00"), ""),
    ] {
        let reply = send(&world, &owners, method, &path, body).await;
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    let reply = send(&world, &owners, "GET", "/v1/keys?after=%00", "").await;
    let said = reply.json();
    assert_eq!(
        (reply.status, &said["error"]["param"]),
        (400, &json!("after"))
    );
    let reply = send(&world, &owners, "GET", &format!("/v1/keys?after={key}"), "")
        .await
        .ok();
    assert_eq!(reply.json()["data"], json!([]));
    let listed = send(&world, &owners, "GET", "/v1/members", "").await.ok();
    assert!(!listed.text().contains("eve"), "{}", listed.text());
    assert_eq!(kept(&world), before);
}

#[tokio::test]
async fn m11_a_key_is_made_once_for_an_idempotency_key_and_its_text_is_kept_nowhere() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let ask = |body: &str| {
        Ask::post("/v1/keys", body)
            .key(&owners)
            .header("idempotency-key", "once")
    };
    // What was refused gives the key back.
    assert_eq!(world.ask(&ask(r#"{"name":""}"#)).await.status, 400);
    let made = world.ask(&ask(r#"{"name":"ci"}"#)).await.ok().json();
    let before = kept(&world);
    for _ in 0..2 {
        let again = world.ask(&ask(r#"{"name":"ci"}"#)).await;
        assert_eq!(again.status, 409, "{}", again.text());
        assert!(
            again.text().contains(made["id"].as_str().unwrap()),
            "{}",
            again.text()
        );
        assert!(!again.text().contains(made["key"].as_str().unwrap()));
    }
    let other = world.ask(&ask(r#"{"name":"cd"}"#)).await;
    assert_eq!(other.status, 409, "{}", other.text());
    assert_eq!(kept(&world), before);
}

#[tokio::test]
async fn m11_a_top_up_is_begun_once_for_an_idempotency_key() {
    let till = Till::open().await;
    let ask = |body: &str| {
        let ask = Ask::post("/v1/credits/top-ups", body).key(&till.payer);
        ask.header("idempotency-key", "once")
    };
    // What was refused gives the key back.
    assert_eq!(till.world.ask(&ask(r#"{"amount":"1"}"#)).await.status, 400);
    let sessions = till.stripe.sessions().len();
    let first = till.world.ask(&ask(r#"{"amount":"25"}"#)).await.ok();
    let again = till.world.ask(&ask(r#"{"amount":"25"}"#)).await.ok();
    assert_eq!(again.body, first.body);
    assert_eq!(
        again.header("vane-replayed-from"),
        first.header("vane-request-id")
    );
    let other = till.world.ask(&ask(r#"{"amount":"26"}"#)).await;
    assert_eq!(other.status, 409, "{}", other.text());
    assert_eq!(till.stripe.sessions().len(), sessions + 1);
}

#[tokio::test]
async fn changes_of_an_account_are_bounded_in_a_minute() {
    let world = World::start().await;
    let (_, owners) = world.member("ann", Role::Owner);
    let mut refused = None;
    for n in 0..130 {
        let body = format!(r#"{{"name":"crew {n}"}}"#);
        let reply = send(&world, &owners, "PATCH", "/v1/account", &body).await;
        if reply.status == 429 {
            refused = Some((n, reply));
            break;
        }
        reply.ok();
    }
    let (n, reply) = refused.expect("a script that has run away is held up");
    assert_eq!((n, reply.header("retry-after")), (120, Some("60")));
}
