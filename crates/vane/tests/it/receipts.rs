//! What a receipt keeps of time: when attempts were made, how long they took, what they left out.

use serde_json::{Value, json};
use vane_testkit::{Answer, Fault, Script, When};

use crate::client::Ask;
use crate::door::Door;
use crate::world::World;

fn ms(value: &Value, name: &str) -> u64 {
    value[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

/// A stream whose first attempt fails; each frame of the second one takes its time.
async fn fell_back(world: &World) -> Value {
    let slow = Answer::text("One two three").delay_ms(15);
    let script = Script::new()
        .on(When::default().first(1), Answer::fault(Fault::status(500)))
        .on(When::default(), slow);
    world.fake.script(script);
    let body = Door::Chat.request("lab-m", "Hi", true);
    let reply = world.post(Door::Chat.path(), body).await.ok();
    told(world, reply.header("vane-request-id").unwrap()).await
}

async fn told(world: &World, id: &str) -> Value {
    let ask = Ask::get(&format!("/v1/receipts/{id}")).key(&world.key);
    world.ask(&ask).await.ok().json()
}

fn times_hold(receipt: &Value) {
    let [failed, done] = receipt["attempts"].as_array().unwrap().as_slice() else {
        panic!("{receipt}")
    };
    assert_eq!(receipt["stream"], true);
    let end = |attempt: &Value| ms(attempt, "began_ms") + ms(attempt, "took_ms");
    assert_eq!(failed["first_content_ms"], Value::Null, "{receipt}");
    // The second try waits for a fifth of a second.
    assert!(ms(done, "began_ms") >= end(failed) + 200 - 1, "{receipt}");
    let first = ms(done, "first_content_ms");
    assert!(
        first >= 15 && ms(done, "took_ms") >= first + 15,
        "{receipt}"
    );
    assert_eq!(
        ms(receipt, "first_content_ms"),
        ms(done, "began_ms") + first
    );
    assert!(ms(receipt, "took_ms") >= end(done), "{receipt}");
}

#[tokio::test]
async fn a_receipt_keeps_when_each_attempt_began_and_how_long_it_took() {
    let world = World::start().await;
    times_hold(&fell_back(&world).await);
}

#[cfg(feature = "test-postgres")]
#[tokio::test]
async fn a_receipt_keeps_its_times_in_postgresql_too() {
    use crate::postgres::{Database, Schema};
    use crate::world::Folder;
    let (schema, folder) = (Schema::new(), Folder::new());
    let world = World::with(|config| {
        config.database.0 = schema.url();
        config.journal = Some(folder.0.join("journal"));
    })
    .await;
    times_hold(&fell_back(&world).await);
}

#[tokio::test]
async fn a_receipt_keeps_what_a_translation_left_out() {
    let world = World::start().await;
    let many: Vec<String> = (0..40).map(|n| format!("unknown_{n}")).collect();
    for stream in [false, true] {
        let mut body = Door::Chat.request("claude-m", "Hi", stream);
        body["logit_bias"] = json!({"5": 1});
        let reply = world.post(Door::Chat.path(), &body).await.ok();
        let receipt = told(&world, reply.header("vane-request-id").unwrap()).await;
        assert_eq!(receipt["stream"], stream);
        assert_eq!(receipt["attempts"][0]["dropped"], "logit_bias");
        let first_content = &receipt["first_content_ms"];
        assert!(first_content.is_u64(), "of a whole answer too: {receipt}");
        for name in &many {
            body[name] = json!(1);
        }
        let reply = world.post(Door::Chat.path(), &body).await.ok();
        let all = reply.header("vane-dropped").unwrap().to_owned();
        let receipt = told(&world, reply.header("vane-request-id").unwrap()).await;
        let kept = receipt["attempts"][0]["dropped"].as_str().unwrap();
        let names = kept.strip_suffix(",...").unwrap();
        assert!(all.starts_with(&format!("{names},")), "{kept} of {all}");
        assert!((150..=204).contains(&kept.len()), "{kept}");
    }
    let body = Door::Chat.request("lab-m", "Hi", false);
    let reply = world.post(Door::Chat.path(), body).await.ok();
    let receipt = told(&world, reply.header("vane-request-id").unwrap()).await;
    assert_eq!(receipt["attempts"][0]["dropped"], Value::Null);
}
