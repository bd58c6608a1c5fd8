//! The first run: from a link to an operator, a provider's key, and the first call; and what only an
//! operator may do.

use std::sync::atomic::Ordering;

use vane::gateway::State;
use vane_ledger::{Clock, Role};
use vane_testkit::{Answer, FakeUpstream, Settings};

use crate::client::Ask;
use crate::people::{BODY, Browser, PASSWORD, field, key_on};
use crate::serving::Serving;
use crate::site::{Site, now};
use crate::world::{NOW, PROVIDER_KEY, World};

const FORM: [(&str, &str); 2] = [("email", "op@example.com"), ("password", PASSWORD)];

/// A world whose configuration gives `lab` no key, and a browser of its new operator.
async fn set_up() -> (World, Browser) {
    let world = World::with(|config| {
        let at = config.providers.iter().position(|row| row.id == "lab");
        let mut lab = config.providers.remove(at.unwrap());
        lab.api_key = None;
        config.keyless = vec![lab];
    })
    .await;
    world.fake.always(Answer::text("Hi."));
    let op = operator_of(&world).await;
    (world, op)
}

/// A browser of the first operator.
pub(crate) async fn operator_of(world: &World) -> Browser {
    let link = world.gateway.store.link_setup(NOW, NOW + 86_400).unwrap();
    let mut op = Browser::default();
    let to = op
        .get(world, &format!("/setup?token={}", link.expose()))
        .await;
    assert_eq!((to.status, to.header("location")), (303, Some("/setup")));
    assert!(op.get(world, "/setup").await.ok().text().contains("Step 1"));
    let made = op.post(world, "/setup", &FORM).await;
    assert_eq!(
        made.header("location"),
        Some("/setup/provider"),
        "{}",
        made.text()
    );
    op
}

#[tokio::test]
async fn the_first_run_leads_from_a_link_to_the_first_call() {
    let (world, mut op) = set_up().await;
    let page = op.get(&world, "/setup/provider").await.ok();
    assert!(
        page.text().contains("<option value=\"lab\""),
        "{}",
        page.text()
    );
    let wrong = [("provider", "lab"), ("key", "not-the-key")];
    let refused = op.send(&world, "/setup/provider", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(refused.text().contains("refuses this key") && !refused.text().contains("not-the-key"));
    assert!(world.gateway.store.provider_keys().unwrap().is_empty());
    let right = [("provider", "lab"), ("key", PROVIDER_KEY)];
    let kept = op.send(&world, "/setup/provider", &right).await;
    assert_eq!(
        kept.header("location"),
        Some("/setup/key"),
        "{}",
        kept.text()
    );
    let waiting = op.get(&world, "/setup/live").await.ok();
    assert!(waiting.header("refresh").is_some() && waiting.text().contains("Waiting"));
    let made = op.send(&world, "/setup/key", &[]).await.ok();
    let key = key_on(made.text());
    world
        .ask(&Ask::post("/v1/chat/completions", BODY).key(&key))
        .await
        .ok();
    let live = op.get(&world, "/setup/live").await.ok();
    assert!(
        live.header("refresh").is_none() && live.text().contains("It works"),
        "{}",
        live.text()
    );
    // A start with the same configuration reads the key again.
    let mut config = world.gateway.state().config.clone();
    let at = config
        .providers
        .iter()
        .position(|row| row.id == "lab")
        .unwrap();
    let mut lab = config.providers.remove(at);
    lab.api_key = None;
    config.keyless = vec![lab];
    let state = State::with_kept_keys(config, &world.gateway.store).unwrap();
    let lab = state
        .config
        .providers
        .iter()
        .find(|row| row.id == "lab")
        .unwrap();
    assert_eq!(lab.api_key.as_ref().unwrap().0, PROVIDER_KEY);
}

#[tokio::test]
async fn a_list_of_models_that_is_told_to_everybody_proves_no_key() {
    let (world, mut op) = set_up().await;
    let open = FakeUpstream::with(Settings::default()).await.unwrap();
    let mut config = world.gateway.state().config.clone();
    config.keyless[0].base_url = open.openai_url();
    world.gateway.reload(config).unwrap();
    let form = [("provider", "lab"), ("key", "not-the-key")];
    for path in ["/setup/provider", "/admin/providers"] {
        let refused = op.send(&world, path, &form).await;
        assert_eq!(refused.status, 422, "{}", refused.text());
        assert!(refused.text().contains("could not be learned"));
        assert!(refused.text().contains("tells its models to everybody"));
        assert!(world.gateway.store.provider_keys().unwrap().is_empty());
    }
    let untested = [form[0], form[1], ("untested", "yes")];
    let kept = op.send(&world, "/admin/providers", &untested).await;
    assert_eq!(kept.status, 303, "{}", kept.text());
}

#[tokio::test]
async fn a_start_names_the_providers_whose_keys_are_kept() {
    let site = Site::new().await;
    let url = site.fake.openai_url();
    let variables = [("VANE_DEEPSEEK_BASE_URL", url.as_str())];
    let greeted = || {
        let serving = Serving::again_with(&site.folder, &variables);
        let providers = serving.providers.clone();
        serving.stop();
        providers
    };
    assert!(!greeted().contains("deepseek"));
    let kept = site
        .store
        .keep_provider_key("deepseek", PROVIDER_KEY, now());
    kept.unwrap();
    assert!(greeted().contains("deepseek"));
}

#[tokio::test]
async fn who_signs_in_where_nobody_has_set_up_is_told_where_the_link_is() {
    let world = World::start().await;
    let shown = world.ask(&Ask::get("/login")).await.ok();
    assert!(shown.text().contains("Nobody has set this server up yet"));
    assert!(shown.text().contains("vane setup link"));
    operator_of(&world).await;
    let shown = world.ask(&Ask::get("/login")).await.ok();
    assert!(!shown.text().contains("Nobody has set this server up"));
}

#[tokio::test]
async fn a_link_of_setting_up_is_used_once_and_the_newest_alone_is_good() {
    let (world, _) = set_up().await;
    assert!(world.gateway.store.has_operator().unwrap());
    let store = &world.gateway.store;
    let [old, new] = [0, 1].map(|_| store.link_setup(NOW, NOW + 86_400).unwrap());
    for (link, status) in [(&old, 403), (&new, 200)] {
        let mut browser = Browser::default();
        browser
            .get(&world, &format!("/setup?token={}", link.expose()))
            .await;
        assert_eq!(browser.get(&world, "/setup").await.status, status);
    }
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("a world's clock stands still")
    };
    hand.fetch_add(86_400, Ordering::Relaxed);
    let mut late = Browser::default();
    late.get(&world, &format!("/setup?token={}", new.expose()))
        .await;
    assert_eq!(late.post(&world, "/setup", &FORM).await.status, 403);
    assert_eq!(Browser::default().get(&world, "/setup").await.status, 403);
}

#[tokio::test]
async fn an_operator_gives_credit_once_and_nobody_else_does() {
    let (world, mut op) = set_up().await;
    world.key_with("5");
    let payer = world.gateway.store.find_account("payer").unwrap().unwrap();
    let page = op.get(&world, "/admin/accounts").await.ok();
    let id = field(page.text(), "id").unwrap();
    let form = [
        ("id", id.as_str()),
        ("account", "payer"),
        ("amount", "2.50"),
        ("reason", "a gift"),
    ];
    for _ in 0..2 {
        let given = op.send(&world, "/admin/accounts", &form).await;
        assert_eq!(given.status, 303, "{}", given.text());
    }
    let balance = world.gateway.store.balance(payer.id).unwrap().posted;
    assert_eq!(balance.to_string(), "7.5");
    let mut ann = Browser::of(&world, payer.id, "ann@example.com", Role::Owner).await;
    for path in ["/admin/accounts", "/setup/provider"] {
        assert_eq!(ann.get(&world, path).await.status, 403, "{path}");
        assert_eq!(ann.send(&world, path, &form).await.status, 403, "{path}");
    }
    let credits = ann.get(&world, "/console/credits").await.ok();
    let says = "a gift (by op@example.com)";
    assert!(
        credits.text().contains(says) && credits.text().contains("$7.5"),
        "{}",
        credits.text()
    );
    let file = ann.get(&world, "/console/credits.csv").await.ok();
    assert!(
        file.text().contains(",2.5,7.5,,\"\",\"a gift"),
        "{}",
        file.text()
    );
    // Closed is closed: no owner invites.
    let asked = [("email", "bob@example.com"), ("role", "viewer")];
    let refused = ann.send(&world, "/console/members", &asked).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
}

#[tokio::test]
async fn accounts_are_shown_in_pages() {
    let (world, mut op) = set_up().await;
    let store = &world.gateway.store;
    for n in 0..120 {
        let name = format!("crowd & {n:03}");
        let kind = vane_ledger::AccountKind::Metered;
        store.create_account(&name, kind, NOW).unwrap();
    }
    world.key_with("5");
    let mut shown = Vec::new();
    let mut path = "/admin/accounts".to_owned();
    for most in [100, 22] {
        let page = op.get(&world, &path).await.ok();
        let names = page.text().split("<tr><th scope=\"row\">").skip(1);
        let names: Vec<String> = names
            .map(|row| row.split('<').next().unwrap().to_owned())
            .collect();
        assert_eq!(names.len(), most, "{path}");
        shown.extend(names);
        let next = page.text().split("href=\"/admin/accounts?after=").nth(1);
        let next = next.map(|rest| rest.split('"').next().unwrap());
        assert_eq!(next.is_some(), most == 100);
        path = format!("/admin/accounts?after={}", next.unwrap_or_default());
        assert_eq!(page.text().contains("$5.0000"), most == 22);
    }
    assert!(shown.is_sorted() && shown.contains(&"payer".to_owned()));
}

#[tokio::test]
async fn an_operator_who_gave_too_much_is_told_how_to_take_it_back() {
    let (world, mut op) = set_up().await;
    let store = &world.gateway.store;
    world.key_with("9200000");
    let give = async |op: &mut Browser, amount: &str| {
        let page = op.get(&world, "/admin/accounts").await.ok();
        let id = field(page.text(), "id").unwrap();
        let form = [("id", id.as_str()), ("account", "team"), ("reason", "gift")];
        let form: Vec<_> = form.into_iter().chain([("amount", amount)]).collect();
        op.send(&world, "/admin/accounts", &form).await
    };
    let mistaken = give(&mut op, "100001").await;
    assert_eq!(mistaken.status, 400, "{}", mistaken.text());
    assert!(mistaken.text().contains("100,000 at most"));
    let full = give(&mut op, "100000").await;
    assert!(
        full.text().contains("vane credit refund"),
        "{}",
        full.text()
    );
    assert_eq!(full.status, 400);
    let payer = store.find_account("payer").unwrap().unwrap().id;
    let refund = vane_ledger::book::Op {
        id: "a mistake".to_owned(),
        at: NOW,
        instance: 0,
        act: vane_ledger::book::Act::Refund {
            account: payer,
            amount: vane_catalog::Money::parse("9000000").unwrap(),
            reason: "a mistake".to_owned(),
        },
    };
    store.apply(&[refund]).unwrap().remove(0).unwrap();
    assert_eq!(give(&mut op, "100000").await.status, 303);
}

#[tokio::test]
async fn an_owner_invites_where_that_is_allowed_and_a_member_does_not() {
    let world = World::with(|config| config.people.entry = vane::config::Entry::Invited).await;
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let form = [("email", "bob@example.com"), ("role", "member")];
    let page = ann.send(&world, "/console/members", &form).await.ok();
    let link = page.text().split("/signup?invitation=").nth(1).unwrap();
    let token = link.split('<').next().unwrap();
    let mut bob = Browser::default();
    bob.get(&world, &format!("/signup?invitation={token}"))
        .await;
    let joined = bob.post(&world, "/signup", &[("password", PASSWORD)]).await;
    assert_eq!(joined.status, 303, "{}", joined.text());
    let form = [("email", "cid@example.com"), ("role", "viewer")];
    assert_eq!(
        bob.send(&world, "/console/members", &form).await.status,
        403
    );
}

#[tokio::test]
async fn a_kept_key_is_changed_once_it_was_tested_and_taken_away_by_operators_alone() {
    let (world, mut op) = set_up().await;
    let call = Ask::post("/v1/chat/completions", BODY).key(&world.key);
    let path = "/admin/providers";
    let keep = |key| [("do", "keep"), ("provider", "lab"), ("key", key)];
    assert_eq!(world.ask(&call).await.status, 404, "lab is off");
    let kept = op.send(&world, path, &keep(PROVIDER_KEY)).await;
    assert_eq!(kept.header("location"), Some(path), "{}", kept.text());
    world.ask(&call).await.ok();
    // Another one that the provider refuses leaves the first at work.
    let refused = op.send(&world, path, &keep("not-the-key")).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(!refused.text().contains("not-the-key"));
    world.ask(&call).await.ok();
    let of_the_file = [
        ("do", "keep"),
        ("provider", "openai"),
        ("key", PROVIDER_KEY),
    ];
    let refused = op.send(&world, path, &of_the_file).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    let page = op.get(&world, path).await.ok();
    crate::html::Document::read(page.text()).check();
    assert!(page.text().contains("kept here since") && !page.text().contains(PROVIDER_KEY));
    // What another process kept is followed, whatever this one had.
    let store = &world.gateway.store;
    store.keep_provider_key("lab", "another", NOW).unwrap();
    world.gateway.follow_kept_keys().unwrap();
    assert_ne!(world.ask(&call).await.status, 200);
    let again = op.send(&world, path, &keep(PROVIDER_KEY)).await;
    assert_eq!(again.status, 303, "{}", again.text());
    world.ask(&call).await.ok();
    let mut ann = Browser::of(&world, world.account, "ann@example.com", Role::Owner).await;
    let remove = [("do", "remove"), ("provider", "lab"), ("sure", "yes")];
    assert_eq!(ann.get(&world, path).await.status, 403);
    assert_eq!(ann.send(&world, path, &remove).await.status, 403);
    let unsure = op.send(&world, path, &remove[..2]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text());
    world.ask(&call).await.ok();
    let gone = op.send(&world, path, &remove).await;
    assert_eq!(gone.status, 303, "{}", gone.text());
    assert_eq!(world.ask(&call).await.status, 404);
    assert!(store.provider_keys().unwrap().is_empty());
    let none = op.send(&world, path, &remove).await;
    assert_eq!(none.status, 422, "{}", none.text());
}
