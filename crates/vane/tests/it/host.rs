//! S12: a request is answered only by the names of this server (DNS rebinding).

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use vane::config::Config;

use crate::client::{Ask, Connection, answered, within};
use crate::door::{DOORS, Door};
use crate::world::World;

/// The statuses of a request by these host headers, one request each.
async fn status(world: &World, ask: Ask, hosts: &[&str]) -> u16 {
    let ask = hosts.iter().fold(ask, |ask, host| ask.header("host", host));
    world.ask(&ask).await.status
}

fn named(config: &mut Config) {
    config.hosts = vec!["vane.example.com".to_owned()];
}

fn everywhere(config: &mut Config) {
    config.listen = SocketAddr::from(([0, 0, 0, 0], 0));
}

const OURS: [&str; 9] = [
    "localhost",
    "LOCALHOST:8787",
    "localhost.",
    "app.localhost:1",
    "127.0.0.1",
    "127.0.0.1:65535",
    "[::1]:8787",
    "10.0.0.7",
    "[2001:db8::1]",
];
const FOREIGN: [&str; 6] = [
    "evil.example",
    "evil.example:8787",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "vane.example.com.evil.example",
    "gateway",
];

#[tokio::test]
async fn s12_on_loopback_only_own_names_and_addresses_are_answered() {
    for names in [false, true] {
        let world = World::with(|config| {
            if names {
                named(config);
            }
        })
        .await;
        for path in ["/", "/v1/models", "/metrics"] {
            let ask = || Ask::get(path).key(&world.key);
            for host in OURS {
                assert_eq!(status(&world, ask(), &[host]).await, 200, "{path} {host}");
            }
            for host in FOREIGN {
                assert_eq!(status(&world, ask(), &[host]).await, 421, "{path} {host}");
            }
            let expected = if names { 200 } else { 421 };
            let host = ["Vane.Example.com:443"];
            assert_eq!(status(&world, ask(), &host).await, expected, "{path}");
        }
        // Told in a page's own words, a name changes nothing.
        let ask = Ask::get("/v1/models").header("x-forwarded-host", "localhost");
        assert_eq!(
            status(&world, ask.key(&world.key), &["evil.example"]).await,
            421
        );
    }
}

#[tokio::test]
async fn s12_everywhere_else_keys_decide_until_names_are_given() {
    let open = World::with(everywhere).await;
    let strict = World::with(|config| {
        everywhere(config);
        named(config);
    })
    .await;
    for (world, name, expected) in [
        (&open, "gateway", 200),
        (&open, "vane.example.com", 200),
        (&open, "10.0.0.7:8787", 200),
        (&strict, "gateway", 421),
        (&strict, "vane.example.com:8443", 200),
        (&strict, "10.0.0.7:8787", 200),
    ] {
        let ask = Ask::get("/v1/models").key(&world.key);
        assert_eq!(status(world, ask, &[name]).await, expected, "{name}");
        // Whoever balances load asks for health by any name.
        let ask = Ask::get("/health/ready");
        assert_eq!(status(world, ask, &[name]).await, 200, "{name}");
    }
    // A browser on this machine could be led here by any name: what no key protects is not told.
    let ask = || Ask::get("/metrics");
    assert_eq!(status(&open, ask(), &["evil.example"]).await, 421);
    assert_eq!(status(&open, ask(), &["localhost"]).await, 200);
    assert_eq!(
        status(&open, Ask::get("/v1/models"), &["localhost"]).await,
        401
    );
}

#[tokio::test]
async fn s12_without_keys_no_foreign_page_gets_a_call_through() {
    let world = World::with(|config| config.auth = false).await;
    let call = || {
        Ask::post(
            "/v1/chat/completions",
            Door::Chat.request("lab-m", "Hi", false),
        )
    };
    assert_eq!(status(&world, call(), &["evil.example"]).await, 421);
    for (origin, expected) in [
        ("https://evil.example", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:8787", 200),
    ] {
        let asked = status(&world, call().header("origin", origin), &["localhost"]).await;
        assert_eq!(asked, expected, "{origin}");
    }
    assert_eq!(world.fake.calls().len(), 2);
    // With keys, pages of any origin may call: they bring the key.
    let keyed = World::start().await;
    let ask = call()
        .key(&keyed.key)
        .header("origin", "https://app.example");
    assert_eq!(status(&keyed, ask, &["localhost"]).await, 200);
}

#[tokio::test]
async fn s12_a_host_that_is_missing_or_said_twice_is_a_400() {
    let world = World::start().await;
    let ask = || Ask::get("/v1/models").key(&world.key);
    for hosts in [
        &["localhost", "localhost"][..],
        &["localhost", "evil.example"],
        &[""],
        &["a b"],
        &["me@localhost"],
        &["::1"],
        &["localhost:port"],
    ] {
        assert_eq!(status(&world, ask(), hosts).await, 400, "{hosts:?}");
    }
    let key = &world.key;
    for (line, headers, expected) in [
        ("GET /v1/models HTTP/1.1", "", 400),
        ("GET /v1/models HTTP/1.0", "", 400),
        (
            "GET http://localhost/v1/models HTTP/1.1",
            "host: localhost\r\n",
            200,
        ),
        (
            "GET http://evil.example/v1/models HTTP/1.1",
            "host: evil.example\r\n",
            421,
        ),
        (
            "GET http://evil.example/v1/models HTTP/1.1",
            "host: localhost\r\n",
            400,
        ),
        (
            "GET http://localhost/v1/models HTTP/1.1",
            "host: evil.example\r\n",
            400,
        ),
    ] {
        let text = format!("{line}\r\n{headers}authorization: Bearer {key}\r\n\r\n");
        let mut connection = Connection::open(world.address).await;
        connection.write(text.as_bytes()).await;
        let reply = answered(&mut connection).await;
        assert_eq!(reply.status, expected, "{line} {headers}: {}", reply.text());
    }
}

#[tokio::test]
async fn s12_the_authority_of_http2_is_a_host_like_any_other() {
    let world = World::start().await;
    let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    for (authority, host, expected) in [
        ("localhost:8787", None, 200),
        ("[::1]:8787", None, 200),
        ("evil.example", None, 421),
        ("localhost", Some("localhost"), 200),
        ("localhost", Some("evil.example"), 400),
        ("evil.example", Some("localhost"), 400),
    ] {
        let mut request = http::Request::get(format!("http://{authority}/v1/models"))
            .header("authorization", format!("Bearer {}", world.key));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Full::new(bytes::Bytes::new())).unwrap();
        let answer = within("an answer", sender.clone().send_request(request))
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{authority} {host:?}");
        within("its body", answer.into_body().collect())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn s12_the_refusal_is_told_in_the_callers_dialect() {
    let world = World::start().await;
    for door in DOORS {
        let ask = Ask::post(door.path(), door.request("lab-m", "Hi", false))
            .key(&world.key)
            .header("host", "evil.example");
        let reply = world.ask(&ask).await;
        assert_eq!(reply.status, 421, "{door:?}");
        door.error_type(&reply.json());
        assert!(reply.text().contains("`hosts`"), "{}", reply.text());
        assert!(reply.header("access-control-allow-origin").is_none());
    }
    assert!(world.fake.calls().is_empty());
}
