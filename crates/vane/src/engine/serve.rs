//! The server of the child: HTTP/1.1 on a Unix socket, for the gateway alone.
//!
//! Invariant: an answer that nobody reads any more stops being made: it is dropped with its
//! connection, and cancels what the engine does for it.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use vane_engine::{Engine, Fault, Piece, Pieces};
use vane_ledger::Clock;

use super::answer::{self, Gathered, Telling};
use super::ask::{Ask, Shape};
use crate::local::REALM;

/// More than the gateway takes itself.
const BODY_BYTES_MAX: usize = 1 << 30;
/// What runs when the parent wants no more of it may end.
const LAST_WORDS: Duration = Duration::from_secs(5);

struct Server {
    engine: Arc<Engine>,
    requests: AtomicU64,
    running: AtomicUsize,
    /// When the last answer ended.
    quiet_since: Mutex<Instant>,
}

/// Serves until standard input ends. `ready` is called when it can be reached.
pub(super) async fn until_orphaned(
    engine: Arc<Engine>,
    socket: &Path,
    ready: impl FnOnce(),
) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    let server = Arc::new(Server {
        engine,
        requests: AtomicU64::new(0),
        running: AtomicUsize::new(0),
        quiet_since: Mutex::new(Instant::now()),
    });
    // The process ends with this function: it waits for no pass that the engine still makes.
    std::mem::forget(server.clone());
    ready();
    let (retire, retired) = watch::channel(false);
    let (mut orphaned, mut news) = (std::pin::pin!(end_of_input(retire)), retired.clone());
    let mut connections = JoinSet::new();
    // One that was retired ends with the last of its answers.
    while !(*retired.borrow() && connections.is_empty()) {
        let connection = tokio::select! {
            () = &mut orphaned => break,
            Ok(()) = news.changed() => continue,
            Some(_) = connections.join_next() => continue,
            connection = listener.accept() => connection,
        };
        if let Ok((stream, _)) = connection {
            connections.spawn(converse(server.clone(), stream, retired.clone()));
        }
    }
    let _ = tokio::time::timeout(LAST_WORDS, server.silence()).await;
    Ok(())
}

/// Anything that is said there retires the process; the end of it ends the process.
async fn end_of_input(retire: watch::Sender<bool>) {
    let mut input = tokio::io::stdin();
    let mut bytes = [0; 64];
    while input.read(&mut bytes).await.is_ok_and(|read| read > 0) {
        retire.send_replace(true);
    }
}

/// Answers on a connection. Once the process is retired, one more call at most: the next one is not
/// for this model.
async fn converse(server: Arc<Server>, stream: UnixStream, mut retired: watch::Receiver<bool>) {
    let service = hyper::service::service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request).await) }
    });
    let is_last = *retired.borrow();
    let http = http1::Builder::new()
        .keep_alive(!is_last)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = std::pin::pin!(http);
    if !is_last {
        tokio::select! {
            // A client that goes away is no failure of ours.
            _ = http.as_mut() => return,
            _ = retired.wait_for(|retired| *retired) => http.as_mut().graceful_shutdown(),
        }
    }
    let _ = http.await;
}

impl Server {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Said> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/health") => self.health().await,
            (&Method::POST, "/v1/chat/completions") => self.run(Shape::Chat, request).await,
            (&Method::POST, "/v1/completions") => self.run(Shape::Completion, request).await,
            _ => said(
                404,
                &json!({"error": {"message": "there is no such address"}}),
            ),
        }
    }

    /// Asked of the engine's own thread, so that one that hangs does not answer.
    async fn health(&self) -> Response<Said> {
        let engine = self.engine.clone();
        let load = tokio::task::spawn_blocking(move || engine.load()).await;
        let Ok(Ok(load)) = load else {
            let (status, body) = answer::refusal(&Fault::Stopped);
            return said(status, &body);
        };
        let running = self.running.load(Relaxed);
        let since = *self.quiet();
        let quiet_ms = if running > 0 {
            0
        } else {
            u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
        };
        said(
            200,
            &json!({"running": load.running, "waiting": load.waiting, "quiet_ms": quiet_ms,
                "blocks_used": load.blocks_used, "blocks_max": load.blocks_max}),
        )
    }

    async fn run(self: Arc<Self>, shape: Shape, request: Request<Incoming>) -> Response<Said> {
        let busy = Busy::new(self.clone());
        let realm = request.headers().get(REALM);
        let realm = realm.and_then(|realm| realm.to_str().ok()?.parse().ok());
        let Ok(body) = Limited::new(request.into_body(), BODY_BYTES_MAX)
            .collect()
            .await
        else {
            return said(400, &json!({"error": {"message": "the body broke off"}}));
        };
        let (body, realm) = (body.to_bytes(), realm.unwrap_or_default());
        // Prompts are cut to tokens here and schemas compiled, which takes a while for long ones.
        let begun = tokio::task::spawn_blocking({
            let server = self.clone();
            move || server.begin(shape, &body, realm)
        });
        let (pieces, telling, stream) = match begun.await {
            Ok(Ok(begun)) => begun,
            Ok(Err((status, body))) => return said(status, &body),
            Err(_) => return refused(&Fault::Stopped),
        };
        if stream {
            return streamed(Stream {
                pieces,
                telling,
                over: false,
                _busy: busy,
            });
        }
        match gathered(pieces, &telling).await {
            Ok(body) => said(200, &body),
            Err(fault) => refused(&fault),
        }
    }

    /// Submits a request, or says why not with a status. True of one that is streamed.
    fn begin(
        &self,
        shape: Shape,
        body: &[u8],
        realm: u64,
    ) -> Result<(Pieces, Telling, bool), (u16, Json)> {
        let marks_gaps = self.engine.model().tokenizer().marks_gaps();
        let ask = Ask::read(shape, body, realm, marks_gaps).map_err(|why| answer::unread(&why))?;
        let number = self.requests.fetch_add(1, Relaxed);
        let telling = Telling::of(&ask, number, Clock::System.now());
        let pieces = self.engine.submit(ask.request);
        let pieces = pieces.map_err(|fault| answer::refusal(&fault))?;
        Ok((pieces, telling, ask.stream))
    }

    fn quiet(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Until no answer is being made.
    async fn silence(&self) {
        while self.running.load(Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Held while an answer is made.
struct Busy(Arc<Server>);

impl Busy {
    fn new(server: Arc<Server>) -> Self {
        server.running.fetch_add(1, Relaxed);
        Self(server)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        *self.0.quiet() = Instant::now();
        self.0.running.fetch_sub(1, Relaxed);
    }
}

async fn gathered(mut pieces: Pieces, telling: &Telling) -> Result<Json, Fault> {
    let mut gathered = Gathered::default();
    loop {
        let next = std::future::poll_fn(|cx| pieces.poll_next(cx)).await;
        match next.unwrap_or(Err(Fault::Stopped))? {
            Piece::Text {
                text,
                mut likelihoods,
            } => {
                gathered.text += &text;
                gathered.likelihoods.append(&mut likelihoods);
            }
            Piece::Thought(text) => gathered.thought += &text,
            Piece::Call(call) => gathered.calls.push(call),
            Piece::End { finish, usage } => return Ok(telling.whole(&gathered, finish, usage)),
        }
    }
}

fn refused(fault: &Fault) -> Response<Said> {
    let (status, body) = answer::refusal(fault);
    said(status, &body)
}

fn said(status: u16, body: &Json) -> Response<Said> {
    let body = Said::Whole(Some(body.to_string().into()));
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn streamed(stream: Stream) -> Response<Said> {
    let mut response = Response::new(Said::Stream(Box::new(stream)));
    let events = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, events);
    response
}

/// The body of an answer.
enum Said {
    Whole(Option<Bytes>),
    Stream(Box<Stream>),
}

struct Stream {
    pieces: Pieces,
    telling: Telling,
    over: bool,
    _busy: Busy,
}

impl Body for Said {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = match self.get_mut() {
            Self::Whole(bytes) => return Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Stream(stream) => stream,
        };
        if stream.over {
            return Poll::Ready(None);
        }
        let mut out = Vec::new();
        match ready!(stream.pieces.poll_next(cx)) {
            Some(Ok(piece)) => {
                stream.over = matches!(piece, Piece::End { .. });
                stream.telling.tell(&piece, &mut out);
            }
            Some(Err(fault)) => {
                stream.over = true;
                answer::broken(&fault, &mut out);
            }
            None => return Poll::Ready(None),
        }
        Poll::Ready(Some(Ok(Frame::data(out.into()))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Self::Whole(bytes) => {
                let length = bytes.as_ref().map_or(0, Bytes::len);
                http_body::SizeHint::with_exact(length as u64)
            }
            Self::Stream(_) => http_body::SizeHint::default(),
        }
    }
}
