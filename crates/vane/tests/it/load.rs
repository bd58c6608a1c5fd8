//! Clients of the binary at every door, and what each was told.
//!
//! Nothing of the product decides what is right: receipts are held against what clients read off
//! their sockets and what the fake upstream wrote down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use vane_catalog::Money;

use crate::client::Ask;
use crate::serving::Serving;
use crate::site::{Dice, Payer};
use crate::world::pico;

/// What a client read of one answer before it ended, or was ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) client: usize,
    /// The words by which the fake's record has it.
    pub(crate) mark: String,
    pub(crate) input_bytes: usize,
    pub(crate) status: u16,
    pub(crate) id: Option<String>,
    pub(crate) body: String,
    /// The last byte is here.
    pub(crate) whole: bool,
}

impl Told {
    /// The exact cost that a whole answer says.
    #[track_caller]
    pub(crate) fn cost(&self) -> Money {
        let marks = ["\"cost\":", ": vane-cost="];
        let mut found = marks.iter().flat_map(|mark| self.body.split(mark).skip(1));
        let text = found
            .next()
            .unwrap_or_else(|| panic!("no cost: {}", self.body));
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        Money::from_pico(pico(&text[..end.unwrap_or(text.len())]))
    }

    /// Bytes of text that were delivered in whole events.
    pub(crate) fn text_bytes(&self) -> usize {
        let events = self.body.split("\n\n").filter_map(|event| {
            let data = event.lines().find_map(|line| line.strip_prefix("data:"))?;
            serde_json::from_str::<Value>(data.trim()).ok()
        });
        let text = |event: Value| {
            let choice = &event["choices"][0];
            [
                &choice["delta"]["content"],
                &choice["text"],
                &event["delta"]["text"],
                &event["delta"],
            ]
            .into_iter()
            .find_map(|said| said.as_str().map(str::len))
        };
        events.filter_map(text).sum()
    }
}

/// Asks on a connection of its own and reads whatever comes of it.
async fn exchange(address: SocketAddr, ask: &Ask) -> Vec<u8> {
    let mut read = Vec::new();
    if let Ok(mut socket) = TcpStream::connect(address).await
        && socket.write_all(&ask.bytes()).await.is_ok()
    {
        let _however_it_ends = socket.read_to_end(&mut read).await;
    }
    read
}

/// Clients that ask one call after the other.
pub(crate) struct Load {
    address: SocketAddr,
    payers: Vec<Payer>,
    /// Distinguishes the marks of this load from those of others.
    name: String,
    answered: Arc<AtomicUsize>,
    bell: Arc<Notify>,
    over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<Vec<Told>>>,
}

impl Load {
    /// Begins: `calls` of each client at most.
    pub(crate) fn start(
        serving: &Serving,
        payers: &[Payer],
        name: &str,
        dice: &mut Dice,
        calls: usize,
    ) -> Self {
        let mut load = Self {
            address: serving.address,
            payers: payers.to_vec(),
            name: name.to_owned(),
            answered: Arc::default(),
            bell: Arc::default(),
            over: Arc::default(),
            clients: Vec::new(),
        };
        for client in 0..payers.len() {
            let dice = Dice(u64::try_from(dice.below(usize::MAX >> 1)).unwrap());
            load.client(client, dice, calls);
        }
        load
    }

    fn client(&mut self, client: usize, mut dice: Dice, calls: usize) {
        let (address, key) = (self.address, self.payers[client].key.clone());
        let (answered, bell) = (self.answered.clone(), self.bell.clone());
        let (over, name) = (self.over.clone(), self.name.clone());
        self.clients.push(tokio::spawn(async move {
            let mut all = Vec::new();
            for call in 0..calls {
                if over.load(Relaxed) {
                    break;
                }
                let mark = format!("<{name}.{client}.{call}>");
                let (path, body) = dice.request(&mark);
                let ask = Ask::post(path, &body)
                    .key(&key)
                    .header("connection", "close");
                let told = told(
                    client,
                    mark,
                    body.to_string().len(),
                    &exchange(address, &ask).await,
                );
                let whole = told.whole;
                all.push(told);
                if !whole {
                    break;
                }
                answered.fetch_add(1, Relaxed);
                bell.notify_one();
            }
            all
        }));
    }

    /// Waits until so many answers were read to their end.
    pub(crate) async fn answered(&self, count: usize) {
        while self.answered.load(Relaxed) < count {
            crate::client::within("an answer", self.bell.notified()).await;
        }
    }

    /// Nothing new is asked.
    pub(crate) fn stop(&self) {
        self.over.store(true, Relaxed);
    }

    /// What each client was told, in its order.
    pub(crate) async fn end(self) -> Vec<Told> {
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.unwrap());
        }
        all
    }
}

fn told(client: usize, mark: String, input_bytes: usize, read: &[u8]) -> Told {
    let text = String::from_utf8_lossy(read).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or(("", ""));
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
    let headers: BTreeMap<&str, &str> = lines.filter_map(|line| line.split_once(": ")).collect();
    let (body, whole) = match headers.get("content-length") {
        Some(length) => (body.to_owned(), length.parse() == Ok(body.len())),
        None => dechunked(body),
    };
    Told {
        client,
        mark,
        input_bytes,
        status,
        id: headers.get("vane-request-id").map(ToString::to_string),
        body,
        whole: whole && status > 0,
    }
}

/// What of a chunked body is here, and whether that is all of it.
fn dechunked(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, chunk)) = rest.split_once("\r\n") {
        match usize::from_str_radix(size, 16) {
            Ok(0) => return (body, chunk == "\r\n"),
            Ok(size) => {
                body += chunk.get(..size.min(chunk.len())).unwrap_or_default();
                rest = chunk.get(size + 2..).unwrap_or_default();
            }
            Err(_) => break,
        }
    }
    (body, false)
}
