//! The benchmark backend: prebuilt bytes by path, nothing recorded, nothing parsed.
//!
//! It must never be the bottleneck of what is measured through it: a request is found by its head
//! end and `content-length`, and answered with one write of bytes made at the start.
//!
//! The chunks of a paced stream say when they were sent: `@` and nineteen digits and `@`, the
//! nanoseconds since 1970, so that whoever reads them on the same machine knows their way's time.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem::Finder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::answers::{
    Frame, Said, anthropic_messages, llama_infill, mistral_chat, openai_chat, openai_completions,
    openai_responses,
};
use crate::ask::Ask;
use crate::exchange::lines;
use crate::route::Door;
use crate::script::{Answer, Usage};
use crate::shape::Lines;

/// How many chunks a stream has and how they are timed.
#[derive(Debug, Clone, Copy)]
pub struct Bench {
    pub chunks: usize,
    /// Milliseconds between chunks; 0 sends them without delay, each in a write of its own, as a
    /// model server does.
    pub pace_ms: u64,
}

/// What a chunk says until it is sent.
const STAMP: &str = "@0000000000000000000@";

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

/// The answers of one path.
#[derive(Debug)]
struct Prebuilt {
    path: &'static [u8],
    unary: Bytes,
    /// HTTP chunks, one for each event, head and end included.
    stream: Vec<Bytes>,
}

#[derive(Debug)]
struct Shared {
    answers: Vec<Prebuilt>,
    bench: Bench,
    head_end: Finder<'static>,
    stream: [Finder<'static>; 2],
}

/// Serves until the listener fails.
pub async fn serve(listener: TcpListener, bench: Bench) -> Result<()> {
    let shared = Arc::new(Shared {
        answers: answers(bench),
        bench,
        head_end: Finder::new(b"\r\n\r\n"),
        stream: [
            Finder::new(b"\"stream\":true"),
            Finder::new(b"\"stream\": true"),
        ],
    });
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            // A client that leaves ends its connection, nothing else.
            let _ = connection(socket, &shared).await;
        });
    }
}

async fn connection(mut socket: TcpStream, shared: &Shared) -> Result<()> {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    loop {
        let head = loop {
            if let Some(head) = shared.head_end.find(&buffer) {
                break head + 4;
            }
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let whole = head + content_length(&buffer[..head])?;
        buffer.reserve(whole.saturating_sub(buffer.len()));
        while buffer.len() < whole {
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let request = &buffer[..whole];
        let target = request
            .split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default();
        let path = target
            .split(|byte| *byte == b'?')
            .next()
            .unwrap_or_default();
        let answer = shared
            .answers
            .iter()
            .find(|answer| path.ends_with(answer.path));
        let answer = answer.or(shared.answers.first()).context("no answers")?;
        let body = &request[head..];
        if shared
            .stream
            .iter()
            .any(|stream| stream.find(body).is_some())
        {
            stream(&mut socket, answer, shared.bench).await?;
        } else {
            socket.write_all(&answer.unary).await?;
        }
        buffer.advance(whole);
    }
}

async fn stream(socket: &mut TcpStream, answer: &Prebuilt, bench: Bench) -> Result<()> {
    if bench.pace_ms == 0 {
        for chunk in &answer.stream {
            socket.write_all(chunk).await?;
        }
        return Ok(());
    }
    let mut clock = tokio::time::interval(Duration::from_millis(bench.pace_ms));
    let mut stamped = Vec::new();
    for chunk in &answer.stream {
        clock.tick().await;
        stamped.clear();
        stamped.extend_from_slice(chunk);
        stamp(&mut stamped)?;
        socket.write_all(&stamped).await?;
    }
    Ok(())
}

/// Writes the time into a chunk that has room for it.
#[expect(
    clippy::disallowed_methods,
    reason = "read by another process, as no other clock can be"
)]
fn stamp(chunk: &mut [u8]) -> Result<()> {
    if let Some(at) = memchr::memmem::find(chunk, STAMP.as_bytes()) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        chunk[at + 1..at + STAMP.len() - 1].copy_from_slice(format!("{now:019}").as_bytes());
    }
    Ok(())
}

/// The `content-length` of a head; 0 without one.
fn content_length(head: &[u8]) -> Result<usize> {
    let name = b"content-length:";
    for line in head.split(|byte| *byte == b'\n') {
        if line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name) {
            let value = std::str::from_utf8(&line[name.len()..])?;
            return value.trim().parse().context("content-length is no number");
        }
    }
    Ok(0)
}

/// Everything that can be said, said once at the start.
fn answers(bench: Bench) -> Vec<Prebuilt> {
    // About 1 KB of answer, as in the published measurements.
    let unary_text = "The quick brown fox jumps over the lazy dog. ".repeat(14);
    let word = if bench.pace_ms == 0 { "word" } else { STAMP };
    let stream_text = format!("{word} ").repeat(bench.chunks);
    let usage = Usage {
        prompt: 120,
        completion: 200,
        ..Usage::default()
    };
    let ask = Ask {
        model: "bench".into(),
        include_usage: true,
        ..Ask::default()
    };
    type Unary = fn(&Said<'_>) -> String;
    type Stream = fn(&Said<'_>) -> Vec<Frame>;
    let doors: [(&'static str, Door, Unary, Stream); 6] = [
        (
            "/chat/completions",
            Door::OpenAiChat,
            openai_chat::unary,
            openai_chat::frames,
        ),
        (
            "/messages",
            Door::AnthropicMessages,
            anthropic_messages::unary,
            anthropic_messages::frames,
        ),
        (
            "/fim/completions",
            Door::MistralFim,
            mistral_chat::unary,
            mistral_chat::frames,
        ),
        (
            "/infill",
            Door::LlamaInfill,
            llama_infill::unary,
            llama_infill::frames,
        ),
        (
            "/responses",
            Door::Responses(crate::Family::OpenAi),
            openai_responses::unary,
            openai_responses::frames,
        ),
        (
            "/completions",
            Door::OpenAiCompletions,
            openai_completions::unary,
            openai_completions::frames,
        ),
    ];
    let built = doors.into_iter().map(|(path, door, unary, frames)| {
        let short = Answer::text(&unary_text).usage(usage);
        let long = Answer::text(&stream_text).usage(usage);
        let frames = frames(&Said::new(&door, &ask, &long, 1));
        let body = unary(&Said::new(&door, &ask, &short, 1));
        let length = body.len();
        let stream = chunked(&lines(&frames, Lines::default()));
        Prebuilt {
            path: path.as_bytes(),
            unary: format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into(),
            stream,
        }
    });
    built.collect()
}

/// Events as HTTP chunks between the head and the end.
fn chunked(events: &[Bytes]) -> Vec<Bytes> {
    let chunk = |event: &Bytes| {
        let size = format!("{:x}\r\n", event.len());
        Bytes::from([size.as_bytes(), event, b"\r\n"].concat())
    };
    let mut stream = vec![Bytes::from_static(STREAM_HEAD.as_bytes())];
    stream.extend(events.iter().map(chunk));
    stream.push(Bytes::from_static(b"0\r\n\r\n"));
    stream
}
