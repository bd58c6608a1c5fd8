//! Routes for machines, and everything that is no route.

use std::sync::atomic::Ordering::Relaxed;

use crate::client::Ask;
use crate::world::World;

#[tokio::test]
async fn health_needs_no_key() {
    let world = World::start().await;
    assert_eq!(
        world.ask(&Ask::get("/health/live")).await.ok().json()["status"],
        "live"
    );
    assert_eq!(
        world.ask(&Ask::get("/health/ready")).await.ok().json()["status"],
        "ready"
    );
    world.gateway.draining.store(true, Relaxed);
    assert_eq!(world.ask(&Ask::get("/health/ready")).await.status, 503);
    assert_eq!(world.ask(&Ask::get("/health/live")).await.status, 200);
}

#[tokio::test]
async fn metrics_are_told_on_loopback() {
    let world = World::start().await;
    world.get("/v1/models").await.ok();
    let reply = world.ask(&Ask::get("/metrics")).await.ok();
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(
        reply.text().lines().any(|line| line.starts_with("vane_")),
        "{}",
        reply.text()
    );
}

#[tokio::test]
async fn probes_of_the_origin_are_answered() {
    let world = World::start().await;
    let head = world.ask(&Ask::new("HEAD", "/")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let page = world.ask(&Ask::get("/")).await.ok();
    assert!(page.text().contains("Vane"), "{}", page.text());
}

#[tokio::test]
async fn an_unknown_route_is_a_404_in_json() {
    let world = World::start().await;
    for path in [
        "/v1/nothing",
        "/v2/messages",
        "/%00",
        "/v1/chat/completions/x",
        "//v1/models",
        "/v1",
    ] {
        for method in ["GET", "POST", "DELETE", "PUT"] {
            let reply = world.ask(&Ask::new(method, path)).await;
            assert_eq!(reply.status, 404, "{method} {path}");
            assert!(reply.json()["error"]["message"].is_string(), "{path}");
            assert!(reply.header("vane-request-id").is_some());
        }
    }
    let ask = Ask::get("/v1/nothing").header("anthropic-version", "2023-06-01");
    assert_eq!(
        world.ask(&ask).await.json()["error"]["type"],
        "not_found_error"
    );
}

#[tokio::test]
async fn a_base_url_without_v1_is_told_in_json_and_a_browser_shows_it() {
    let world = World::start().await;
    let key = &world.key;
    for ask in [
        Ask::get("/models").key(key),
        Ask::get("/models").header("x-api-key", key),
        Ask::get("/models").header("accept", "application/json"),
        Ask::get("/models/lab-m").key(key),
        Ask::post("/chat/completions", "{}").key(key),
    ] {
        let reply = world.ask(&ask).await;
        assert_eq!(reply.status, 404, "{}", reply.text());
        let error = &reply.json()["error"];
        assert_eq!(error["code"], "route_not_found");
        assert!(error["message"].to_string().contains("`/v1`"), "{error}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    }
    for path in ["/models", "/chat/completions", "/v2/nothing"] {
        let reply = world.ask(&Ask::new("OPTIONS", path)).await;
        assert_eq!(reply.status, 204, "{path}");
        let allowed = reply.header("access-control-allow-headers");
        assert!(allowed.unwrap().contains("authorization"), "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    }
    // People have pages there, also behind a proxy with passwords of its own, and so has who only reads.
    let person = Ask::get("/models").header("accept", "text/html,*/*");
    for ask in [
        person.key(key),
        Ask::get("/models"),
        Ask::get("/models").header("accept", "*/*"),
        Ask::get("/models.json").key(key),
    ] {
        let page = world.ask(&ask).await.ok();
        assert_eq!(page.header("access-control-allow-origin"), None);
    }
    let doubled = world.ask(&Ask::get("/v1//models").key(key)).await.ok();
    assert!(doubled.json()["data"].is_array());
}

#[tokio::test]
async fn a_wrong_method_is_a_405_that_says_the_right_one() {
    let world = World::start().await;
    for (method, path, allow) in [
        ("GET", "/v1/messages", "POST"),
        ("PUT", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET"),
        ("DELETE", "/v1/models/lab-m", "GET"),
    ] {
        let reply = world.ask(&Ask::new(method, path)).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
        reply.json();
    }
}

#[tokio::test]
async fn any_page_may_call_the_key_routes() {
    let world = World::start().await;
    let preflight = Ask::new("OPTIONS", "/v1/chat/completions")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-stainless-os",
        );
    let reply = world.ask(&preflight).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert!(
        reply
            .header("access-control-allow-headers")
            .unwrap()
            .contains("authorization")
    );
    assert!(
        reply
            .header("access-control-allow-methods")
            .unwrap()
            .contains("POST")
    );
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    let reply = world.get("/v1/models").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    for path in ["/health/live", "/metrics", "/"] {
        let reply = world.ask(&Ask::get(path)).await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn a_doubled_v1_and_a_last_slash_are_forgiven() {
    let world = World::start().await;
    for path in ["/v1/v1/models", "/v1/models/", "/v1/v1/models/lab-m"] {
        world.get(path).await.ok();
    }
    let body = crate::door::Door::Chat.request("lab-m", "Hi", false);
    world.post("/v1/v1/chat/completions", body).await.ok();
}
