//! The binary under load: accounts of every kind, clients at every door, and what each was told.
//!
//! Nothing of the product decides what is right: receipts are held against what clients read off
//! their sockets and what the fake upstream wrote down.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use vane_catalog::Money;
use vane_ledger::book::{Act, Op, Period, Receipt, Source};
use vane_ledger::{AccountId, AccountKind, Store};
use vane_testkit::{FakeUpstream, Settings};

use crate::client::Ask;
use crate::door::{DOORS, UPSTREAMS};
use crate::serving::Serving;
use crate::world::{Folder, NOW, PROVIDER_KEY, configuration, named, pico};

#[expect(
    clippy::disallowed_methods,
    reason = "the length of a test is no setting of the product"
)]
pub(crate) fn long() -> bool {
    std::env::var_os("VANE_TEST_LONG").is_some()
}

/// Splitmix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = usize::try_from((z ^ (z >> 31)) >> 1).unwrap();
        drawn % n
    }

    /// A request at some door: its path and its body.
    pub(crate) fn request(&mut self, text: &str) -> (&'static str, Value) {
        let stream = self.below(4) > 0;
        let gap = |model: &str| {
            json!({"model": model, "prompt": text, "suffix": "end", "max_tokens": 2_000,
                "stream": stream})
        };
        let fim = ["codestral-m", "lab-m"][self.below(2)];
        match self.below(7) {
            0 => ("/v1/fim/completions", gap(fim)),
            1 => ("/v1/completions", gap(fim)),
            2 => (
                "/v1/embeddings",
                json!({"model": "lab-e", "input": text, "encoding_format": "float"}),
            ),
            _ => {
                let door = DOORS[self.below(4)];
                let body = door.request(UPSTREAMS[self.below(4)], text, stream);
                (door.path(), body)
            }
        }
    }
}

/// A key and who pays for it.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) key_id: String,
    pub(crate) key: String,
}

/// A database, two fakes, and a configuration for the binary.
pub(crate) struct Site {
    pub(crate) folder: Folder,
    pub(crate) fake: FakeUpstream,
    _second: FakeUpstream,
    pub(crate) store: Store,
    pub(crate) team: AccountId,
    pub(crate) prepaid: AccountId,
}

/// What the prepaid account begins with.
pub(crate) const OPENING: Money = Money::from_pico(200_000_000_000_000);

impl Site {
    pub(crate) async fn new() -> Self {
        let settings = Settings {
            key: Some(PROVIDER_KEY.to_owned()),
            ..Settings::default()
        };
        let fake = FakeUpstream::with(settings.clone()).await.unwrap();
        let second = FakeUpstream::with(settings).await.unwrap();
        let folder = Folder::new();
        let database = format!("sqlite:{}", folder.0.join("vane.db").display());
        let text = configuration(&fake, &second).replace("sqlite::memory:", &database);
        std::fs::write(folder.0.join("vane.toml"), text).unwrap();
        let store = Store::open(&database).unwrap();
        let team = store.create_account("team", AccountKind::Metered, NOW);
        let grant = |account| Op {
            id: "opening".into(),
            at: NOW,
            instance: 0,
            act: Act::Grant {
                account,
                amount: OPENING,
                source: Source::Cash,
                reason: "paid".into(),
            },
        };
        let prepaid = store.create_credited("payer", grant, NOW).unwrap().id;
        Self {
            folder,
            fake,
            _second: second,
            store,
            team: team.unwrap().id,
            prepaid,
        }
    }

    /// Keys for so many clients: metered, prepaid, and of both some with a budget.
    pub(crate) fn payers(&self, count: usize) -> Vec<Payer> {
        let payer = |n: usize| {
            let account = [self.team, self.prepaid][n % 2];
            let key = self
                .store
                .create_key(account, &named(&format!("key {n}")), NOW);
            let key = key.unwrap();
            if n % 4 > 1 {
                self.budget(key.id());
            }
            Payer {
                key_id: key.id().to_owned(),
                key: key.expose().to_owned(),
            }
        };
        (0..count).map(payer).collect()
    }

    fn budget(&self, key: &str) {
        let budget = Some((Money::parse("10").unwrap(), Period::Month));
        let op = Op {
            id: format!("budget {key}"),
            at: NOW,
            instance: 0,
            act: Act::SetBudget {
                key: key.to_owned(),
                budget,
            },
        };
        self.store.apply(&[op]).unwrap().remove(0).unwrap();
    }

    pub(crate) fn serve(&self) -> Serving {
        Serving::again(&self.folder)
    }

    /// Receipts after those of `known`, by account; the newest become known.
    pub(crate) fn receipts(&self, known: &mut BTreeMap<i64, i64>) -> Vec<Receipt> {
        let mut all = Vec::new();
        for account in [self.team, self.prepaid] {
            let known = known.entry(account.0).or_default();
            let (mut before, last) = (None, *known);
            loop {
                let page = self.store.receipts(account, before, 1_000).unwrap();
                let new: Vec<Receipt> = page.into_iter().filter(|one| one.n > last).collect();
                let Some(oldest) = new.last() else { break };
                before = Some(oldest.n);
                *known = (*known).max(new[0].n);
                all.extend(new);
            }
        }
        all
    }

    /// Nothing is held, open or kept aside, and all of it adds up to `charged`, by account.
    #[track_caller]
    pub(crate) fn settled(&self, charged: &BTreeMap<i64, Money>) {
        assert_eq!(self.store.open_calls(1).unwrap(), []);
        assert_eq!(self.store.open_leases(1).unwrap(), []);
        assert_eq!(self.store.strays().unwrap(), 0);
        for (account, opening) in [(self.team, Money::ZERO), (self.prepaid, OPENING)] {
            let book = self.store.balance(account).unwrap();
            let paid = charged.get(&account.0).copied().unwrap_or_default();
            assert_eq!(book.held, Money::ZERO);
            assert_eq!(Some(book.posted), opening.checked_sub(paid));
        }
        let audited = self.store.audit().unwrap();
        assert!(audited.is_ok(), "{audited:?}");
    }
}

/// Adds what receipts charge, by account.
pub(crate) fn charge(charged: &mut BTreeMap<i64, Money>, receipts: &[Receipt]) {
    for receipt in receipts {
        let sum = charged.entry(receipt.settlement.account.0).or_default();
        *sum = sum.checked_add(receipt.charged).unwrap();
    }
}

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
