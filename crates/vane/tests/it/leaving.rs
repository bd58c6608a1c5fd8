//! Clients that leave, and a server that has to.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use vane_testkit::{Answer, Call, Ended, Fault, Script, When};

use crate::client::{Ask, PATIENCE, within};
use crate::door::{DOORS, Door};
use crate::site::long;
use crate::world::World;

/// How long an upstream may go on after its client left, where nothing else keeps the machine busy.
const AT_MOST: Duration = Duration::from_secs(1);

/// Longer than what any test lets through.
const SAID: &str = "One two three four five six seven eight";

/// A door with a model of its own dialect, and one of another.
fn paths() -> Vec<(Door, &'static str)> {
    let other = |door| {
        if door == Door::Messages {
            "lab-m"
        } else {
            "claude-m"
        }
    };
    DOORS
        .into_iter()
        .flat_map(|door| [(door, door.own_model()), (door, other(door))])
        .collect()
}

pub(crate) async fn left(world: &World, index: usize) -> Call {
    let at_most = if long() { AT_MOST } else { PATIENCE };
    let closed = tokio::time::timeout(at_most, world.fake.wait_closed(index)).await;
    let call = closed.expect("the upstream ran on").unwrap();
    assert_eq!(call.ended, Some(Ended::ClientLeft));
    call
}

pub(crate) fn is_gone(line: &Value) {
    assert_eq!(
        (&line["status"], &line["outcome"]),
        (&json!(499), &json!("client_gone")),
        "{line}"
    );
}

#[tokio::test]
async fn r12_leaving_in_the_middle_closes_the_upstream() {
    for (door, model) in paths() {
        let world = World::start().await;
        world
            .fake
            .always(Answer::text(SAID).with_fault(Fault::Stall(5)));
        let mut stream = world
            .stream(door.path(), door.request(model, "Hi", true))
            .await;
        stream.until("One", 1).await;
        drop(stream);
        left(&world, 0).await;
        let line = &world.log.lines(1).await[0];
        is_gone(line);
        assert!(
            line["cost"].is_number() && line["input"].as_u64() > Some(0),
            "{line}"
        );
    }
}

#[tokio::test]
async fn r12_leaving_before_the_head_closes_the_upstream() {
    for (door, model) in paths() {
        for stream in [true, false] {
            let world = World::start().await;
            world.fake.always(Answer::text("Never").head_gate("never"));
            let mut connection = world.connect().await;
            let ask = Ask::post(door.path(), door.request(model, "Hi", stream)).key(&world.key);
            connection.write(&ask.bytes()).await;
            within("the call", world.fake.wait_call(0)).await;
            drop(connection);
            left(&world, 0).await;
            is_gone(&world.log.lines(1).await[0]);
        }
    }
}

#[tokio::test]
async fn r12_leaving_before_the_first_content_or_a_whole_body_closes_the_upstream() {
    for (door, model) in paths() {
        for stream in [true, false] {
            let world = World::start().await;
            world
                .fake
                .always(Answer::text("Never").with_fault(Fault::Stall(0)));
            let mut connection = world.connect().await;
            let ask = Ask::post(door.path(), door.request(model, "Hi", stream)).key(&world.key);
            connection.write(&ask.bytes()).await;
            within("the call", world.fake.wait_call(0)).await;
            drop(connection);
            left(&world, 0).await;
            is_gone(&world.log.lines(1).await[0]);
        }
    }
}

#[tokio::test]
async fn r12_leaving_after_a_forced_head_closes_the_upstream() {
    for (door, model) in paths() {
        let world = World::with(|config| {
            config.timeouts.forced_head = Duration::from_millis(10);
            config.timeouts.keep_alive = Duration::from_millis(10);
        })
        .await;
        world.fake.always(Answer::text("Never").head_gate("never"));
        let mut stream = world
            .stream(door.path(), door.request(model, "Hi", true))
            .await;
        stream.until("ping", 1).await;
        drop(stream);
        left(&world, 0).await;
        is_gone(&world.log.lines(1).await[0]);
    }
}

#[tokio::test]
async fn m4_a_hundred_disconnects_are_a_hundred_lines() {
    let world = World::start().await;
    world
        .fake
        .always(Answer::text(SAID).with_fault(Fault::Stall(5)));
    let mut streams = Vec::new();
    for number in 0..100 {
        let (door, model) = paths()[number % 8];
        let mut stream = world
            .stream(door.path(), door.request(model, "Hi", true))
            .await;
        stream.until("One", 1).await;
        streams.push(stream);
    }
    drop(streams);
    let lines = world.log.lines(100).await;
    lines.iter().for_each(is_gone);
    let mut ids: Vec<&str> = lines
        .iter()
        .map(|line| line["id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
    for index in 0..100 {
        left(&world, index).await;
    }
}

#[tokio::test]
async fn m4_a_client_that_closes_after_the_stop_and_the_counts_is_done() {
    let world = World::start().await;
    world.fake.always(Answer::text("One").gate("g"));
    world.fake.gate("g").open(4);
    let mut stream = world
        .stream(
            "/v1/chat/completions",
            Door::Chat.request("lab-m", "Hi", true),
        )
        .await;
    stream.until("\"cost\":", 1).await;
    drop(stream);
    let line = &world.log.lines(1).await[0];
    assert_eq!(
        (&line["status"], &line["outcome"]),
        (&json!(200), &json!("done")),
        "{line}"
    );
}

#[tokio::test]
async fn r12_a_reset_of_one_stream_leaves_the_others_of_its_connection() {
    let world = World::start().await;
    world
        .fake
        .always(Answer::text(SAID).with_fault(Fault::Stall(4)));
    let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let ask = || {
        let body = Door::Chat.request("lab-m", "Hi", true).to_string();
        let request = http::Request::post("http://localhost/v1/chat/completions")
            .header("authorization", format!("Bearer {}", world.key))
            .body(Full::new(bytes::Bytes::from(body)));
        sender.clone().send_request(request.unwrap())
    };
    let mut first = within("a head", ask()).await.unwrap();
    let mut second = within("a head", ask()).await.unwrap();
    for response in [&mut first, &mut second] {
        assert_eq!(response.version(), http::Version::HTTP_2);
        within("a frame", response.frame()).await.unwrap().unwrap();
    }
    drop(first);
    left(&world, 0).await;
    assert_eq!(world.fake.calls()[1].ended, None);
    drop(second);
    left(&world, 1).await;
    world.log.lines(2).await.iter().for_each(is_gone);
}

#[tokio::test]
async fn s14_a_reader_of_http2_that_takes_nothing_holds_no_call_beyond_the_time_of_a_stream() {
    let world = World::with(|config| config.timeouts.stream = Duration::from_secs(2)).await;
    world.fake.always(Answer::text(&"Hello ".repeat(30_000)));
    // The default of HTTP/2 lets the answer begin, the other one not even that.
    for (window, calls) in [(65_535, 1), (0, 2)] {
        let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let handshake = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(window)
            .handshake(TokioIo::new(socket));
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post("http://localhost/v1/chat/completions")
            .header("authorization", format!("Bearer {}", world.key))
            .body(Full::new(bytes::Bytes::from(
                Door::Chat.request("lab-m", "Hi", true).to_string(),
            )));
        let answer = within("a head", sender.send_request(request.unwrap())).await;
        is_gone(&world.log.lines(calls).await[calls - 1]);
        drop(answer);
        connection.abort();
    }
}

#[tokio::test]
async fn s14_rapid_resets_do_not_stop_the_server() {
    let world = World::start().await;
    for _ in 0..3 {
        let socket = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let handshake =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        for _ in 0..500 {
            let request = http::Request::get("http://localhost/v1/models")
                .body(Full::new(bytes::Bytes::new()));
            if sender.ready().await.is_err() {
                break;
            }
            let mut answer = Box::pin(sender.send_request(request.unwrap()));
            // Sent, and taken back at once.
            let _ = polled_once(&mut answer).await;
            drop(answer);
        }
        drop(sender);
        connection.abort();
    }
    world.get("/v1/models").await.ok();
}

async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn r9_a_stopping_server_finishes_what_runs_and_refuses_what_comes() {
    for door in DOORS {
        let mut world = World::start().await;
        let first = When::default().first(1);
        let gated = Answer::text("One two three").gate("g");
        world.fake.script(Script::new().on(first, gated));
        let model = door.own_model();
        world
            .fake
            .gate("g")
            .open(if matches!(model, "resp-m" | "claude-m") {
                5
            } else {
                3
            });
        let mut stream = world
            .stream(door.path(), door.request(model, "Hi", true))
            .await;
        stream.until("One", 1).await;
        let server = world.take_server();
        let stopped = tokio::task::spawn_blocking(move || server.stop());
        let refused = within("a refusal", refused(&world, door)).await;
        let seen = (refused.status, refused.header("retry-after"));
        assert_eq!(seen, (503, Some("2")), "{door:?}: {}", refused.text());
        assert!(!stopped.is_finished(), "a stream still runs");
        world.fake.gate("g").open_for_good();
        let reply = stream.rest().await;
        assert_eq!(door.read(&reply).text, "One two three");
        drop(stream);
        within("the server to stop", stopped).await.unwrap();
    }
}

/// The first answer that is none, from connections made again and again: one that is not yet used
/// may be closed by a server that stops.
async fn refused(world: &World, door: Door) -> crate::client::Reply {
    loop {
        let ask = Ask::post(door.path(), door.request(door.own_model(), "Hi", false));
        let mut connection = world.connect().await;
        connection.write(&ask.key(&world.key).bytes()).await;
        let Some(head) = connection.head().await else {
            continue;
        };
        if head.reply.status == 503 {
            return head.reply;
        }
    }
}

#[tokio::test]
async fn r9_a_stream_that_outlasts_the_drain_is_cut_and_logged() {
    let mut world = World::with(|config| config.timeouts.drain = Duration::from_millis(50)).await;
    world
        .fake
        .always(Answer::text(SAID).with_fault(Fault::Stall(4)));
    let mut stream = world
        .stream("/v1/messages", Door::Messages.request("lab-m", "Hi", true))
        .await;
    stream.until("One", 1).await;
    let server = world.take_server();
    within(
        "the server to stop",
        tokio::task::spawn_blocking(move || server.stop()),
    )
    .await
    .unwrap();
    left(&world, 0).await;
    assert_eq!(world.running(), 0);
    world.log.lines(1).await;
}
