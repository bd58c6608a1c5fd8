//! One bound over the bodies of all requests.

use vane_testkit::Answer;

use crate::client::{Ask, within};
use crate::door::{DOORS, Door};
use crate::world::World;

const MAX: usize = 100_000;

async fn world() -> World {
    World::with(|config| config.limits.bodies_bytes_max = MAX).await
}

/// A body of at least so many bytes.
fn body(door: Door, bytes: usize) -> String {
    let text = "word ".repeat(bytes / 5);
    door.request(door.own_model(), &text, false).to_string()
}

#[tokio::test]
async fn s14_what_is_unpacked_counts_among_the_bytes_of_all_bodies() {
    let world = world().await;
    for door in DOORS {
        let packed = zstd::encode_all(body(door, 10 * MAX).as_bytes(), 3).unwrap();
        assert!(packed.len() < MAX / 10);
        let ask = Ask::new("POST", door.path()).key(&world.key).body(packed);
        let refused = world.ask(&ask.header("content-encoding", "zstd")).await;
        assert_eq!(refused.status, 503, "{door:?}: {}", refused.text());
        assert_eq!(refused.header("retry-after"), Some("1"), "{door:?}");
        assert!(refused.text().contains("limits.bodies_bytes_max"));
    }
    assert!(world.fake.calls().is_empty());
    // All of it was given back.
    world
        .post(Door::Chat.path(), body(Door::Chat, MAX / 2))
        .await
        .ok();
}

#[tokio::test]
async fn s14_a_running_call_holds_its_body_and_gives_it_back_at_its_end() {
    let world = world().await;
    let path = Door::Chat.path();
    let ask = Ask::post(path, body(Door::Chat, MAX * 6 / 10)).key(&world.key);
    world.fake.always(Answer::text("Hi").head_gate("first"));
    let (mut first, running) = (world.connect().await, ask.clone());
    let first = tokio::spawn(async move { first.ask(&running).await });
    within("the first call", world.fake.wait_call(0)).await;
    let refused = world.ask(&ask).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    world.fake.gate("first").open_for_good();
    within("its answer", first).await.unwrap().ok();
    world.ask(&ask).await.ok();
}
