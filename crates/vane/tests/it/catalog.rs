//! Changes of prices: reviewed, applied, taken by a running server.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use vane::config::CatalogFile;
use vane_catalog::{Date, Overlay};
use vane_ledger::Clock;
use vane_testkit::{Answer, FakeUpstream, Settings};

use crate::cli::{Folder, stderr, stdout};
use crate::client::Ask;
use crate::door::Door;
use crate::serving::Serving;
use crate::world::{self, NOW, PROVIDER_KEY, World, cost_in};

const MODELS: &str = include_str!("../../../../catalog/models.json");
const MODEL: &str = "codestral-latest";

/// A file in which the model costs what `lab-m` costs, or twice that, from a day on.
fn file(times: u32, from: &str) -> String {
    let whole: Value = serde_json::from_str(MODELS).unwrap();
    let mut rows = whole["offers"].as_array().unwrap().iter();
    let mut row = rows.find(|row| row["id"] == MODEL).unwrap().clone();
    row["prices"] =
        json!({"input": times.to_string(), "output": (2 * times).to_string(), "cache_read": "0.1"});
    row["effective_from"] = from.into();
    json!({
        "schema_version": 1, "currency": "USD", "price_unit": "per_1m_tokens",
        "as_of": "2026-11-21", "offers": [row],
    })
    .to_string()
}

fn cost(text: &str) -> String {
    cost_in(&text.replace(": vane-cost=", "\"cost\":")).to_owned()
}

async fn cost_of(world: &World, model: &str) -> String {
    let body = Door::Chat.request(model, "Hi", false);
    cost(world.post(Door::Chat.path(), body).await.ok().text())
}

#[tokio::test]
async fn m9_an_announced_price_bills_from_its_instant_on_and_not_a_second_earlier() {
    let overlay = Overlay::read(&file(1, "2026-12-01")).unwrap();
    let world = World::with(|config| {
        let path = "catalog.json".into();
        config.catalog = Some(CatalogFile { path, overlay });
    })
    .await;
    let Clock::Manual(hand) = &world.gateway.clock else {
        panic!("made manual")
    };
    let (today, new) = (cost_of(&world, MODEL).await, cost_of(&world, "lab-m").await);
    assert_ne!(today, new);
    let instant = Date::parse("2026-12-01").unwrap().starts_at();
    assert!(NOW < instant);
    hand.store(instant - 1, Ordering::Relaxed);
    assert_eq!(cost_of(&world, MODEL).await, today);
    hand.store(instant, Ordering::Relaxed);
    assert_eq!(cost_of(&world, MODEL).await, new);
}

#[tokio::test]
async fn m9_an_applied_price_is_taken_by_sighup_and_a_running_call_keeps_its_own() {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    };
    let fake = FakeUpstream::with(settings).await.unwrap();
    let folder = world::Folder::new();
    let url = fake.mistral_url();
    let text = format!(
        "database = \"sqlite:vane.db\"\ncatalog = \"catalog.json\"\n\
         [[provider]]\nid = \"mistral\"\nbase_url = \"{url}\"\napi_key = \"env:LAB_KEY\"\n"
    );
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
    let serving = Serving::start(&folder, &[("LAB_KEY", PROVIDER_KEY)]);
    let call = |stream| {
        let body = Door::Chat.request(MODEL, "Hi", stream);
        Ask::post(Door::Chat.path(), body).key(&serving.key)
    };
    fake.always(Answer::text("One two three").gate("g"));
    fake.gate("g").open_for_good();
    let old = cost(serving.ask(&call(true)).await.ok().text());
    fake.always(Answer::text("One two three").gate("h"));
    fake.gate("h").open(3);
    let mut running = serving.connect().await.begin(&call(true)).await;
    running.until("One", 1).await;
    let mut seen = vec![old.clone()];
    for (at, times) in [1, 2].into_iter().enumerate() {
        let day = format!("2026-08-0{times}");
        std::fs::write(folder.0.join("prices.json"), file(times, &day)).unwrap();
        let mut apply =
            crate::serving::vane(&folder, &["catalog", "apply", "prices.json", "--yes"]);
        let output = apply.env("LAB_KEY", PROVIDER_KEY).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        serving.signal("-HUP");
        let anew = "the configuration was read anew";
        serving.log.until_times(anew, at + 1).await;
        fake.always(Answer::text("One two three").gate("g"));
        seen.push(cost(serving.ask(&call(true)).await.ok().text()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 3, "{seen:?}");
    fake.gate("h").open_for_good();
    assert_eq!(cost(running.rest().await.text()), old);
}

#[test]
fn a_change_is_shown_and_applied_once_and_only_when_it_is_confirmed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("prices.json", &file(1, "2099-12-01"));
    let diff = folder.run(&["catalog", "diff", "prices.json"]);
    assert_eq!(
        stdout(&diff),
        "~ codestral-latest: input: $0.3 -> $1 (+233.3%), announced for 2099-12-01\n\
         ~ codestral-latest: output: $0.9 -> $2 (+122.2%), announced for 2099-12-01\n\
         ~ codestral-latest: cache_read: $0.03 -> $0.1 (+233.3%), announced for 2099-12-01\n"
    );
    let apply = ["catalog", "apply", "prices.json", "--yes"];
    assert!(
        stderr(&folder.run(&apply)).contains("catalog = "),
        "no file is named"
    );
    folder.write("vane.toml", "catalog = \"catalog.json\"\n");
    let output = folder.run(&apply[..3]);
    assert!(!output.status.success() && stderr(&output).contains("--yes"));
    let written = folder.0.join("catalog.json");
    assert!(!written.exists());
    assert!(folder.run(&apply).status.success());
    let mode = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(&written, mode).unwrap();
    assert_eq!(
        stdout(&folder.run(&["catalog", "diff", "prices.json"])),
        "nothing changes\n"
    );
    folder.write("prices.json", &file(2, "2099-12-01"));
    let json = folder.json(&[&apply[..], &["--json"]].concat());
    assert_eq!(
        (&json["applied"], &json["changes"][0]["percent"]),
        (&json!(true), &json!("+100.0%"))
    );
    let kept = std::fs::metadata(&written).unwrap().permissions().mode();
    assert_eq!(kept & 0o777, 0o640);
    let models = folder.json(&["models", "codestral-latest", "--json"]);
    let models = models["models"].as_array().unwrap();
    let model = models.iter().find(|model| model["id"] == MODEL).unwrap();
    assert_eq!(model["announced"]["from"], "2099-12-01");
    assert_eq!(model["announced"]["input_per_million"], "2");
    let told = stdout(&folder.run(&["models", MODEL]));
    assert!(
        told.contains("codestral-latest: $2 in, $4 out from 2099-12-01 on\n"),
        "{told}"
    );
    folder.write("prices.json", &file(3, "2026-01-01"));
    let refused = folder.run(&["catalog", "diff", "prices.json"]);
    assert!(!refused.status.success());
    assert!(
        stderr(&refused).contains("codestral-latest: `effective_from`"),
        "{}",
        stderr(&refused)
    );
}

#[test]
fn a_broken_file_of_offers_is_a_problem_of_the_configuration() {
    let folder = Folder::new();
    folder.write("vane.toml", "catalog = \"catalog.json\"\n");
    let check = stdout(&folder.run(&["check"]));
    assert!(
        check.contains("warning") && check.contains("not there yet"),
        "{check}"
    );
    let row = json!({"id": "x", "prices": {"input": "-1", "output": "1"}});
    for text in ["{", &json!({"schema_version": 1, "currency": "USD", "price_unit": "per_1m_tokens", "as_of": "2026-11-21", "offers": [row]}).to_string()] {
        folder.write("catalog.json", text);
        let check = folder.run(&["check"]);
        assert!(!check.status.success());
        assert!(stdout(&check).contains("`catalog` names a file that is no catalogue"), "{}", stdout(&check));
    }
    assert!(stdout(&folder.run(&["check"])).contains("x: `prices.input`"));
}
