//! HTTP/1.1 towards clients: a call is read, answered and its answer written by the one task of
//! its connection, so that a chunk of a stream costs no switch between tasks and no copy that can
//! be avoided.
//!
//! Framing that is ambiguous is refused, never guessed. A connection that waits holds no buffers.
//! A client that closes its side before it has its answer has left: no model client waits so, and
//! those that leave look the same.

mod head;
mod telling;
mod wire;

pub(super) use wire::Reading;

use super::body::Body;
use super::worker::Setup;
use super::{CLOSING, IDLE_MAX};
use crate::relay::{Body as Answer, Response};
use crate::rescue::rescue;
use crate::router;
use crate::socket::Socket;
use crate::upstream::Pool;
use bytes::BytesMut;
use head::{Head, Style};
use http::{Request, StatusCode};
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use telling::Telling;
use tokio::time::{Instant, Sleep};
use vane_dialect::{Dialect, Fault};
use wire::Wire;

/// Why no more calls are read from a connection.
pub(super) enum Ended {
    Closed,
    /// The client speaks HTTP/2 and has sent these bytes of it.
    Http2(Socket, BytesMut),
}

/// What comes first on a connection that is ready for a call.
enum Next {
    Call(Box<Head>),
    Http2,
    Closed,
    /// No call can be read: the client is told why, and the connection closed.
    Refused(StatusCode, &'static str),
}

/// Serves the calls of one connection, one after the other. One that is `late`, for it came during
/// the drain, is told to come back, if it asks anything.
pub(super) async fn serve(
    setup: &Setup,
    pool: &Pool,
    socket: Socket,
    peer: IpAddr,
    late: bool,
) -> Ended {
    let wire = Arc::new(Wire::new(socket, setup.header_bytes_max));
    let mut stop = setup.stop.clone();
    let stopping = pin!(async move {
        let _ = stop.wait_for(|stop| *stop).await;
    });
    let idle = pin!(tokio::time::sleep(IDLE_MAX));
    let mut patience = Patience { stopping, idle };
    let mut first = true;
    loop {
        let head = match next(setup, &wire, first, first && late, &mut patience).await {
            Next::Call(head) => head,
            Next::Closed => return Ended::Closed,
            Next::Http2 => {
                let parts = Arc::into_inner(wire).map(Wire::into_parts);
                return parts.map_or(Ended::Closed, |(socket, bytes)| Ended::Http2(socket, bytes));
            }
            Next::Refused(status, why) => {
                let fault = Fault::invalid("", why);
                let id = setup.gateway.request_id();
                let mut response = rescue(Dialect::OpenaiChat, &fault, &id);
                *response.status_mut() = status;
                let response = router::finished(response, &id);
                if tell(setup, &wire, response, Style::LAST).await {
                    close(&wire).await;
                }
                return Ended::Closed;
            }
        };
        first = false;
        let mut style = head.style;
        let Some(response) = answered(setup, pool, &wire, *head, peer).await else {
            return Ended::Closed;
        };
        // What was not read of the body cannot be told from the next call.
        style.keep_alive &= wire.is_read() && !*setup.stop.borrow();
        // HTTP/1.0 knows a stream's end by the connection's.
        style.keep_alive &= !style.old || matches!(response.body(), Answer::Whole(_));
        if !tell(setup, &wire, response, style).await {
            return Ended::Closed;
        }
        if !style.keep_alive {
            close(&wire).await;
            return Ended::Closed;
        }
    }
}

/// What ends the wait for a next call. Kept from call to call: to begin both anew costs more than
/// the rest of the wait.
struct Patience<'p, Stopping> {
    stopping: Pin<&'p mut Stopping>,
    idle: Pin<&'p mut Sleep>,
}

/// Waits for a call: idly until its first byte, from then on within the time of a head.
async fn next(
    setup: &Setup,
    wire: &Wire,
    first: bool,
    late: bool,
    patience: &mut Patience<'_, impl Future<Output = ()>>,
) -> Next {
    patience.idle.as_mut().reset(Instant::now() + IDLE_MAX);
    let begun = tokio::select! {
        biased;
        begun = poll_fn(|cx| wire.poll_begun(cx)) => begun,
        () = &mut patience.stopping, if !late => false,
        () = &mut patience.idle => false,
    };
    if !begun {
        return Next::Closed;
    }
    let head = poll_fn(|cx| wire.poll_head(cx, first));
    // Who sends half a head is not told: it may be no client of HTTP at all.
    let head = tokio::time::timeout(setup.head_time_max, head).await;
    head.unwrap_or(Next::Closed)
}

/// Answers a call; `None` if the client left meanwhile.
async fn answered(
    setup: &Setup,
    pool: &Pool,
    wire: &Arc<Wire>,
    head: Head,
    peer: IpAddr,
) -> Option<Response> {
    let body = Body::http1(Reading::new(wire.clone()));
    let request = Request::from_parts(head.parts, body);
    // Boxed, so that a connection holds the room of a call only while it has one.
    let answer = router::answer(setup.gateway.clone(), pool.clone(), peer, request);
    let mut answer = Box::pin(answer);
    poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => wire.poll_gone(cx).map(|()| None),
    })
    .await
}

/// Writes an answer; says whether the client is still there.
async fn tell(setup: &Setup, wire: &Wire, response: Response, style: Style) -> bool {
    let mut telling = Telling::new(response, style, setup.gateway.clock.now());
    poll_fn(|cx| telling.poll(wire, cx)).await.is_ok()
}

/// Ends a connection so that the client can read all that was written: a socket that is closed
/// with unread bytes in it takes the answer back.
async fn close(wire: &Wire) {
    let closing = poll_fn(|cx| wire.poll_close(cx));
    let _ = tokio::time::timeout(CLOSING, closing).await;
}
