//! Connections that wait, and what becomes of them.

use super::*;
use crate::config::Environment;
use bytes::Bytes;
use std::convert::Infallible;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn pool() -> Pool {
    let (config, _) = Config::load(None, &Environment::default()).unwrap();
    Pool::new(&config, Arc::new(Fleet::new(&config))).unwrap()
}

fn request(listener: &TcpListener) -> Request<Parts> {
    let address = listener.local_addr().unwrap();
    let body = Parts::from(vec![Bytes::from_static(b"{}")]);
    let request = Request::post(format!("http://{address}/"));
    request.body(body).unwrap()
}

async fn read_request(socket: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"{}") {
        assert!(socket.read_buf(&mut read).await.unwrap() > 0);
    }
}

/// Makes calls that all run at once; returns the upstream's ends of their connections.
async fn rush(pool: &Pool, listener: &TcpListener, calls: usize) -> Vec<TcpStream> {
    let sent = (0..calls).map(|_| {
        let (pool, request) = (pool.clone(), request(listener));
        tokio::spawn(async move {
            let mut body = pool.send(request, false).await.unwrap().into_body();
            while body.data().await.is_some() {}
        })
    });
    let sent: Vec<_> = sent.collect();
    let mut sockets = Vec::new();
    for _ in 0..calls {
        let (mut socket, _) = listener.accept().await.unwrap();
        read_request(&mut socket).await;
        sockets.push(socket);
    }
    for socket in &mut sockets {
        socket.write_all(ANSWER).await.unwrap();
    }
    for call in sent {
        call.await.unwrap();
    }
    sockets
}

fn waiting(pool: &Pool) -> usize {
    let idle = pool.idle.lock().unwrap();
    idle.iter().map(|(_, waiting)| waiting.len()).sum()
}

#[tokio::test]
async fn m11_a_call_that_makes_an_upstream_close_is_not_sent_on_every_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool();
    let sockets = rush(&pool, &listener, 5).await;
    let (seen, mut all_seen) = tokio::sync::mpsc::unbounded_channel();
    for mut socket in sockets {
        let seen = seen.clone();
        tokio::spawn(async move {
            read_request(&mut socket).await;
            seen.send(()).unwrap();
        });
    }
    let fresh = {
        let (pool, request) = (pool.clone(), request(&listener));
        tokio::spawn(async move { pool.send(request, false).await.map(drop) })
    };
    let (mut socket, _) = listener.accept().await.unwrap();
    read_request(&mut socket).await;
    drop(socket);
    assert!(matches!(fresh.await.unwrap(), Err(Unsent::Broken(_))));
    assert!(all_seen.try_recv().is_ok() && all_seen.try_recv().is_err());
    assert_eq!(waiting(&pool), 4);
}

/// An upstream that answers one call, takes the next and says so, and ends after `pause` what it has
/// of that: `begun`, or nothing.
async fn takes_and_ends(begun: &'static [u8], pause: Duration) -> Result<(), Unsent> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool();
    let mut sockets = rush(&pool, &listener, 1).await;
    let mut socket = sockets.remove(0);
    // Only now, and where it pauses: what waits for a socket would have its limit of time at once.
    if !pause.is_zero() {
        tokio::time::pause();
    }
    let upstream = async {
        read_request(&mut socket).await;
        socket.write_all(begun).await.unwrap();
        tokio::time::sleep(pause).await;
        drop(socket);
        // Whoever asks again is answered.
        let (mut again, _) = listener.accept().await.unwrap();
        read_request(&mut again).await;
        again.write_all(ANSWER).await.unwrap();
        std::future::pending::<Infallible>().await
    };
    let sent = tokio::select! {
        sent = pool.send(request(&listener), false) => sent.map(drop),
        never = upstream => match never {},
    };
    if !pause.is_zero() {
        tokio::time::resume();
    }
    sent
}

#[tokio::test]
async fn m11_a_call_that_was_taken_and_then_cut_is_not_sent_again_unseen() {
    const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\n\r\n";
    for (begun, pause_ms) in [(&b""[..], 1_500), (b"", 60_000), (INTERIM, 0)] {
        let cut = takes_and_ends(begun, Duration::from_millis(pause_ms)).await;
        assert!(matches!(cut, Err(Unsent::Broken(_))), "{pause_ms}: {cut:?}");
    }
}

#[tokio::test]
async fn r4_a_connection_that_was_closed_as_the_call_came_costs_no_try() {
    takes_and_ends(b"", Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn r1_connections_of_a_rush_are_closed_though_no_call_follows() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool();
    let sockets = rush(&pool, &listener, 20).await;
    assert_eq!(waiting(&pool), 20);
    // Only now: a clock that jumps where nothing runs would time out calls over real sockets.
    tokio::time::pause();
    tokio::spawn(pool.clone().swept());
    tokio::time::sleep(IDLE + SWEEP * 2).await;
    tokio::time::resume();
    for mut socket in sockets {
        assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0);
    }
    assert_eq!(waiting(&pool), 0);
}

#[tokio::test]
async fn r1_a_connection_that_the_upstream_closed_is_not_kept_half_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pool = pool();
    let sockets = rush(&pool, &listener, 20).await;
    let closed = Instant::now();
    drop(sockets);
    pool.sweep();
    while waiting(&pool) > 0 {
        assert!(closed.elapsed() < IDLE, "they were closed for their age");
        tokio::time::sleep(Duration::from_millis(2)).await;
        pool.sweep();
    }
}
