//! Bodies that nobody reads.

use crate::client::{Ask, within};
use crate::world::World;

/// More than any body of a list may be, of which not a byte is sent.
const LENGTH: usize = 32 << 20;

async fn status(world: &World, ask: &Ask) -> u16 {
    let mut connection = world.connect().await;
    connection.write(&ask.bytes()).await;
    let head = within("a head", connection.head()).await;
    head.unwrap().reply.status
}

#[tokio::test]
async fn s14_nobody_who_has_no_key_is_waited_for_with_a_body() {
    let world = World::start().await;
    for (method, path) in [
        ("GET", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("GET", "/v1/models/lab-m"),
        ("GET", "/mistral/v1/models"),
        ("HEAD", "/mistral/v1/models/lab-m"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/messages/count_tokens"),
    ] {
        let ask = Ask::new(method, path).header("content-length", LENGTH);
        assert_eq!(status(&world, &ask).await, 401, "{method} {path}");
    }
    for (method, path) in [("GET", "/v1/credits"), ("POST", "/v1/keys")] {
        let ask = Ask::new(method, path).header("content-length", 1000);
        assert_eq!(status(&world, &ask).await, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_body_where_none_is_meant_is_not_waited_for() {
    let world = World::start().await;
    for path in ["/v1/models", "/v1/models/lab-m"] {
        let ask = Ask::get(path).key(&world.key);
        let ask = ask.header("content-length", LENGTH);
        assert_eq!(status(&world, &ask).await, 200, "{path}");
    }
}
