//! Providers behind a proxy: what it is shown, what it is not, and what becomes of its refusals.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use vane::config::Config;
use vane_testkit::{Authority, Proxy, Role, Settings};

use crate::client::{Ask, Reply};
use crate::door::Door;
use crate::world::{Folder, PROVIDER_KEY, World, read};

const USER: &str = "proxy-user-canary";
const PASSWORD: &str = "proxy:password/canary";

/// The proxy with a user and a password, as one writes it in a URL.
fn url(proxy: &Proxy) -> String {
    let password = PASSWORD.replace(':', "%3A").replace('/', "%2F");
    format!("http://{USER}:{password}@{}", proxy.address())
}

fn credential() -> String {
    let text = format!("{USER}:{PASSWORD}");
    format!("Basic {}", BASE64_STANDARD.encode(text))
}

fn plain() -> Settings {
    Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    }
}

async fn ask(world: &World, model: &str, stream: bool) -> Reply {
    let body = Door::Chat.request(model, "Hi", stream);
    let ask = Ask::post(Door::Chat.path(), body).key(&world.key);
    world.ask(&ask).await
}

/// A world whose first fake is reached by `https` or `http`, and the spare always directly.
async fn behind(proxy: &Proxy, secure: bool, change: impl FnOnce(&mut Config)) -> World {
    let (authority, folder) = (Authority::new("private").unwrap(), Folder::new());
    let certificate = authority.certificate("localhost").unwrap();
    let first = Settings {
        tls: secure.then_some(certificate),
        ..plain()
    };
    let path = folder.0.join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    World::of(first, plain(), |config| {
        config.workers = 1;
        config.retries.per_offer_max = 1;
        config.outbound.extra_ca = vec![path];
        let spare = config.providers.iter_mut().find(|row| row.id == "spare");
        let spare = spare.unwrap();
        if secure {
            config.outbound.https_proxy = Some(url(proxy));
        } else {
            spare.base_url = spare.base_url.replace("127.0.0.1", "localhost");
            config.outbound.no_proxy = Some("localhost".to_owned());
            config.outbound.http_proxy = Some(url(proxy));
        }
        change(config);
    })
    .await
}

#[tokio::test]
async fn an_https_provider_is_reached_by_a_tunnel_that_shows_only_its_host() {
    let proxy = Proxy::start(Role::Forward).await.unwrap();
    let world = behind(&proxy, true, |_| {}).await;
    for stream in [false, true] {
        ask(&world, "lab-m", stream).await.ok();
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1, "one connection is used again");
    let request = &requests[0];
    let target = format!("localhost:{}", world.fake.address().port());
    assert_eq!((&*request.method, &*request.path), ("CONNECT", &*target));
    assert_eq!(request.header("proxy-authorization"), Some(&*credential()));
    assert_eq!(request.header("host"), Some(&*target));
    assert_eq!(request.headers.len(), 2, "{:?}", request.headers);
    let tunnelled = proxy.tunnelled();
    assert_eq!(tunnelled[0], 0x16, "a TLS handshake");
    for shown in ["chat/completions", PROVIDER_KEY, USER, "messages"] {
        let found = memchr::memmem::find(&tunnelled, shown.as_bytes());
        assert_eq!(found, None, "{shown}");
    }
    for call in world.fake.calls() {
        assert_eq!(call.request.header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn an_http_provider_is_asked_by_its_whole_address() {
    let proxy = Proxy::start(Role::Forward).await.unwrap();
    let world = behind(&proxy, false, |_| {}).await;
    for stream in [false, true] {
        ask(&world, "lab-m", stream).await.ok();
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2);
    for request in requests {
        let address = format!("{}/chat/completions", world.fake.openai_url());
        assert_eq!((&*request.method, &*request.path), ("POST", &*address));
        assert_eq!(request.header("proxy-authorization"), Some(&*credential()));
        let host = world.fake.address().to_string();
        assert_eq!(request.header("host"), Some(&*host));
    }
    assert_eq!(world.fake.calls().len(), 2);
}

#[tokio::test]
async fn a_proxy_that_does_not_serve_is_named_and_the_next_offer_answers() {
    for (secure, role, said) in [
        (true, Role::Refuse(407), "authorization required"),
        (true, Role::Refuse(502), "unsuccessful"),
        (true, Role::Hang, "within the time limit"),
        (false, Role::Refuse(407), "wants a credential"),
        (false, Role::Refuse(502), "says"),
        (false, Role::Hang, "did not begin to answer"),
    ] {
        let proxy = Proxy::start(role).await.unwrap();
        // Only who hangs must be given up, at the place where it does: who refuses has the time to
        // say so.
        let quick = Duration::from_secs(2);
        let world = behind(&proxy, secure, |config| match (role, secure) {
            (Role::Hang, true) => config.timeouts.connect = quick,
            (Role::Hang, false) => config.timeouts.upstream_head = quick,
            _ => {}
        })
        .await;
        ask(&world, "two-m", true).await.ok();
        assert_eq!(world.second.calls().len(), 1);
        let alone = ask(&world, "lab-m", false).await;
        let status = if (secure, role) == (false, Role::Hang) {
            504
        } else {
            502
        };
        let place = format!("{role:?}, secure {secure}: {}", alone.text());
        assert_eq!(alone.status, status, "{place}");
        assert!(alone.text().contains(said), "{place}");
        let name = proxy.address().to_string();
        // One that takes a request and is silent cannot be told from the provider.
        assert_eq!(alone.text().contains(&name), status == 502, "{place}");
        world.log.lines(2).await;
        let log = world.log.text();
        assert!(log.contains("\"failed\":[\"lab/two-m: "), "{log}");
        for hidden in [USER, "password", "canary", &credential()[6..], PROVIDER_KEY] {
            assert!(!log.contains(hidden), "{log}");
            assert!(!alone.text().contains(hidden), "{place}");
        }
        // No credential at the provider was refused: that would bench all its offers.
        assert!(!alone.text().contains("provider_credential"), "{place}");
    }
}

#[tokio::test]
async fn no_proxy_takes_names_what_is_below_them_addresses_ranges_and_a_star() {
    for (host, no_proxy, direct) in [
        ("localhost", "localhost", true),
        ("localhost", "LOCALHOST, other.test", true),
        ("localhost", "ocalhost", false),
        ("api.localhost", "localhost", true),
        ("api.localhost", ".localhost", true),
        ("api.localhost", "pi.localhost", false),
        ("127.0.0.1", "127.0.0.1", true),
        ("127.0.0.1", "other.test,127.0.0.0/8", true),
        ("127.0.0.1", "127.0.0.0/32", false),
        ("127.0.0.1", "10.0.0.0/8, localhost", false),
        ("127.0.0.1", "*", true),
        ("localhost", "*", true),
        ("localhost", "", false),
    ] {
        let proxy = Proxy::start(Role::Refuse(502)).await.unwrap();
        let world = World::with(|config| {
            config.outbound.http_proxy = Some(url(&proxy));
            config.outbound.no_proxy = Some(no_proxy.to_owned());
            config.retries.per_offer_max = 1;
            let lab = config.providers.iter_mut().find(|row| row.id == "lab");
            let lab = lab.unwrap();
            lab.base_url = lab.base_url.replace("127.0.0.1", host);
        })
        .await;
        ask(&world, "lab-m", false).await;
        let place = format!("{host} with no_proxy = {no_proxy:?}");
        assert_eq!(proxy.requests().is_empty(), direct, "{place}");
    }
}

#[tokio::test]
async fn http2_without_tls_is_not_given_to_a_proxy() {
    let proxy = Proxy::start(Role::Forward).await.unwrap();
    let world = behind(&proxy, false, |config| {
        let lab = config.providers.iter_mut().find(|row| row.id == "lab");
        lab.unwrap().h2c = true;
    })
    .await;
    ask(&world, "two-m", true).await.ok();
    let line = &world.log.lines(1).await[0];
    assert!(line["failed"].to_string().contains("no_proxy"), "{line}");
    assert!(proxy.requests().is_empty());
}

#[test]
fn r7_the_usual_variables_name_the_proxies() {
    let folder = Folder::new();
    let proxies = |variables: &[(&str, &str)]| {
        let config = read(&folder, "", variables).unwrap();
        let outbound = config.outbound;
        [outbound.https_proxy, outbound.http_proxy, outbound.no_proxy]
            .map(Option::unwrap_or_default)
    };
    let (a, b) = ("http://a:1", "http://b:2");
    for (variables, expected) in [
        (&[("HTTPS_PROXY", a), ("HTTP_PROXY", b)][..], [a, b, ""]),
        (&[("https_proxy", a), ("http_proxy", b)], [a, b, ""]),
        (&[("ALL_PROXY", a)], [a, a, ""]),
        (&[("all_proxy", a), ("HTTPS_PROXY", b)], [b, a, ""]),
        (
            &[("VANE_OUTBOUND_HTTPS_PROXY", a), ("HTTPS_PROXY", b)],
            [a, "", ""],
        ),
        (
            &[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "x.test")],
            [a, "", "x.test"],
        ),
        (&[("no_proxy", "y.test")], ["", "", "y.test"]),
        // Set for other programs; that it is not taken is warned of.
        (&[("ALL_PROXY", "socks5://u:p@c:3")], ["", "", ""]),
        (&[], ["", "", ""]),
    ] {
        assert_eq!(proxies(variables), expected, "{variables:?}");
    }
    let refused = read(&folder, "", &[("ALL_PROXY", "ftp://u:canary@c:3")]).unwrap_err();
    assert!(
        refused.contains("ALL_PROXY") && !refused.contains("canary"),
        "{refused}"
    );
}
