//! The thread that talks to the server: one connection, questions and answers in one order.
//!
//! Whatever is not as it should be, an error, a reply that makes no sense, a second without an answer,
//! ends the connection; a new one is tried for with growing pauses. A question never waits for a
//! server that is away.

use super::address::{Line, connect};
use super::resp::{self, Reply};
use super::script::{BEAT, COUNT, PLACES, REPLICAS, WINDOW};
use super::{Question, State, Subject, Verdict};
use crate::config::{Outbound, SharedLimits, SharedServer};
use crate::limits::lane::Lane;
use crate::socket::Socket;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use vane_ledger::Clock;

const BEAT_EVERY: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Questions on their way at a time.
const SENT_MAX: usize = 1024;

/// Starts the thread; `tell` hears of the first connection, or of its failure.
pub(super) fn start(
    limits: &SharedLimits,
    outbound: &Outbound,
    state: Arc<State>,
    questions: Receiver<Question>,
    tell: std::sync::mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let tls = TlsConnector::from(crate::upstream::tls_without_alpn(&outbound.extra_ca)?);
    let talk = Talk {
        server: limits.server.clone(),
        wait: limits.answer,
        replica: replica_id()?,
        tls,
        state,
        questions,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("shared limits".to_owned())
        .spawn(move || runtime.block_on(talk.go_on(tell)))?;
    Ok(())
}

/// Nobody else's; told to nobody but the server.
fn replica_id() -> anyhow::Result<String> {
    let mut bytes = [0; 12];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

struct Talk {
    server: SharedServer,
    /// An answer that takes longer is none.
    wait: Duration,
    replica: String,
    tls: TlsConnector,
    state: Arc<State>,
    questions: Receiver<Question>,
}

/// Why a connection ended.
enum Over {
    /// Nobody will ask any more.
    Asked,
    Lost(String),
}

/// What was asked, in the order in which it is answered.
struct Sent {
    about: About,
    until: Instant,
}

enum About {
    Question(Question),
    Beat,
}

impl Talk {
    async fn go_on(mut self, tell: std::sync::mpsc::Sender<()>) {
        let mut pause = PAUSE_MIN;
        loop {
            let lost = match self.open().await {
                Ok((line, scripts)) => {
                    pause = PAUSE_MIN;
                    self.state.found();
                    let _ = tell.send(());
                    match self.talk(line, &scripts).await {
                        Over::Asked => return,
                        Over::Lost(why) => why,
                    }
                }
                Err(why) => why,
            };
            self.state.lost(&lost);
            let _ = tell.send(());
            if !self.pause(pause).await {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Lets time pass; false if nobody will ask any more.
    async fn pause(&mut self, pause: Duration) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                question = self.questions.recv() => match question {
                    Some(question) => question.unanswered(),
                    None => return false,
                },
            }
        }
    }

    /// Connects and says who this is; the scripts are known to the server by their names then.
    async fn open(&self) -> Result<(Line, Scripts), String> {
        let mut line = connect(&self.server, &self.tls, self.wait).await?;
        let window = script(&mut line, WINDOW, self.wait).await?;
        let places = script(&mut line, PLACES, self.wait).await?;
        let count = script(&mut line, COUNT, self.wait).await?;
        let beat = script(&mut line, BEAT, self.wait).await?;
        let scripts = Scripts {
            window,
            places,
            count,
            beat,
        };
        let said = line
            .ask(&scripts.beat(&self.replica, true), self.wait)
            .await?;
        self.heard(&said)?;
        Ok((line, scripts))
    }

    fn heard(&self, said: &Reply) -> Result<(), String> {
        let Reply::Integer(replicas) = said else {
            return Err(nonsense());
        };
        let replicas = u64::try_from(*replicas).map_err(|_| nonsense())?;
        self.state.replicas.store(replicas, Relaxed);
        Ok(())
    }

    async fn talk(&mut self, line: Line, scripts: &Scripts) -> Over {
        let (read, write) = tokio::io::split(line.socket);
        let mut sent = VecDeque::new();
        let over = self
            .exchange(read, write, line.unread, scripts, &mut sent)
            .await;
        // Before anybody is told that it will hear nothing: who asks again must know.
        if let Over::Lost(why) = &over {
            self.state.lost(why);
        }
        for sent in sent {
            if let About::Question(question) = sent.about {
                question.unanswered();
            }
        }
        over
    }

    async fn exchange(
        &mut self,
        mut read: ReadHalf<Socket>,
        mut write: WriteHalf<Socket>,
        mut unread: Vec<u8>,
        scripts: &Scripts,
        sent: &mut VecDeque<Sent>,
    ) -> Over {
        let mut beats = interval(BEAT_EVERY);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beats.tick().await;
        let mut out = Vec::new();
        loop {
            let oldest = sent.front().map(|sent| sent.until);
            tokio::select! {
                question = self.questions.recv(), if sent.len() < SENT_MAX => {
                    let Some(question) = question else {
                        scripts.beat(&self.replica, false).encode(&mut out);
                        let _ = timeout(self.wait, write.write_all(&out)).await;
                        let _ = timeout(self.wait, write.shutdown()).await;
                        return Over::Asked;
                    };
                    self.put(question, scripts, sent, &mut out);
                    while sent.len() < SENT_MAX && let Ok(question) = self.questions.try_recv() {
                        self.put(question, scripts, sent, &mut out);
                    }
                }
                _ = beats.tick() => {
                    scripts.beat(&self.replica, true).encode(&mut out);
                    sent.push_back(Sent { about: About::Beat, until: Instant::now() + self.wait });
                }
                got = read.read_buf(&mut unread) => {
                    match got {
                        Ok(0) => return Over::Lost("it closed the connection".to_owned()),
                        Ok(_) => {}
                        Err(error) => return Over::Lost(error.to_string()),
                    }
                    if let Err(why) = self.take(&mut unread, sent) {
                        return Over::Lost(why);
                    }
                }
                () = sleep_until(oldest.unwrap_or_else(Instant::now)), if oldest.is_some() => {
                    return Over::Lost("it did not answer in time".to_owned());
                }
            }
            if !out.is_empty() {
                let written = async {
                    write.write_all(&out).await?;
                    write.flush().await
                };
                match timeout(self.wait, written).await {
                    Ok(Ok(())) => out.clear(),
                    Ok(Err(error)) => return Over::Lost(error.to_string()),
                    Err(_) => return Over::Lost("it takes nothing".to_owned()),
                }
            }
        }
    }

    fn put(
        &self,
        question: Question,
        scripts: &Scripts,
        sent: &mut VecDeque<Sent>,
        out: &mut Vec<u8>,
    ) {
        scripts
            .ask(&question, &self.replica, &self.state.clock)
            .encode(out);
        self.state.asked.fetch_add(1, Relaxed);
        sent.push_back(Sent {
            about: About::Question(question),
            until: Instant::now() + self.wait,
        });
    }

    /// Takes all whole replies.
    fn take(&self, unread: &mut Vec<u8>, sent: &mut VecDeque<Sent>) -> Result<(), String> {
        let mut taken = 0;
        while let Some((reply, length)) =
            resp::decode(&unread[taken..]).map_err(|malformed| malformed.0.to_owned())?
        {
            taken += length;
            if let Reply::Error(error) = &reply {
                return Err(shown(error));
            }
            let answers = &mut sent.front_mut().ok_or_else(nonsense)?.about;
            match answers {
                About::Beat => self.heard(&reply)?,
                About::Question(question) => answer(question, &reply, self.state.clock.elapsed())?,
            }
            sent.pop_front();
        }
        unread.drain(..taken);
        Ok(())
    }
}

impl Question {
    fn unanswered(self) {
        match self {
            Self::Draw { lane, about } => lane.unanswered(about),
            // Who waits hears that nobody will tell.
            Self::Count { .. } => {}
        }
    }
}

fn answer(question: &mut Question, reply: &Reply, now: Duration) -> Result<(), String> {
    let (lane, about) = match question {
        Question::Draw { lane, about } => (lane, about),
        Question::Count { tell, .. } => {
            let Reply::Integer(count) = reply else {
                return Err(nonsense());
            };
            let count = u64::try_from(*count).map_err(|_| nonsense())?;
            // Who has waited long enough is gone.
            let _ = tell.take().map(|tell| tell.send(count));
            return Ok(());
        }
    };
    let done = match (&*about, reply) {
        (Subject::Places, Reply::Integer(taken)) => {
            let taken = u64::try_from(*taken).map_err(|_| nonsense())?;
            lane.seated(taken, now);
            Ok(())
        }
        (Subject::Requests | Subject::Tokens, Reply::List(items)) => {
            let said: Vec<i64> = items.iter().filter_map(integer).collect();
            Verdict::read(&said).and_then(|verdict| lane.counted(*about, &verdict, now))
        }
        _ => return Err(nonsense()),
    };
    done.map_err(|_| nonsense())
}

fn integer(reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Integer(said) => Some(*said),
        _ => None,
    }
}

fn nonsense() -> String {
    "it answered something else than it was asked".to_owned()
}

/// An error of the server, fit for a log.
pub(super) fn shown(error: &str) -> String {
    error
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

/// The names of our scripts at the server.
struct Scripts {
    window: String,
    places: String,
    count: String,
    beat: String,
}

/// A command, ready to be sent.
pub(super) struct Command(pub(super) Vec<String>);

impl Command {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        resp::encode(self.0.iter().map(String::as_str), out);
    }
}

async fn script(line: &mut Line, text: &str, wait: Duration) -> Result<String, String> {
    let load = Command(["SCRIPT", "LOAD", text].map(str::to_owned).to_vec());
    match line.ask(&load, wait).await? {
        Reply::Text(name) => Ok(name),
        _ => Err(nonsense()),
    }
}

impl Scripts {
    fn beat(&self, replica: &str, stays: bool) -> Command {
        let stays = if stays { "1" } else { "0" };
        call(
            &self.beat,
            &[REPLICAS],
            [replica.to_owned(), stays.to_owned()],
        )
    }

    fn ask(&self, question: &Question, replica: &str, clock: &Clock) -> Command {
        let (lane, about) = match question {
            Question::Draw { lane, about } => (lane, about),
            Question::Count {
                key, span_seconds, ..
            } => return call(&self.count, &[key], [span_seconds.to_string()]),
        };
        let numbers = lane.question(*about, clock.elapsed());
        let numbers = numbers.iter().map(u64::to_string);
        let key = key_of(lane, *about);
        match about {
            Subject::Places => {
                let said = std::iter::once(replica.to_owned()).chain(numbers);
                call(&self.places, &[&key, REPLICAS], said)
            }
            Subject::Requests | Subject::Tokens => {
                let now = clock.held().unwrap_or_default().max(0).to_string();
                call(&self.window, &[&key], std::iter::once(now).chain(numbers))
            }
        }
    }
}

fn key_of(lane: &Lane, about: Subject) -> String {
    let what = match about {
        Subject::Requests => "requests",
        Subject::Tokens => "tokens",
        Subject::Places => "places",
    };
    format!("vane:limits:{what}:{}", lane.key())
}

fn call(script: &str, keys: &[&str], said: impl IntoIterator<Item = String>) -> Command {
    let mut parts = vec![
        "EVALSHA".to_owned(),
        script.to_owned(),
        keys.len().to_string(),
    ];
    parts.extend(keys.iter().map(|key| (*key).to_owned()));
    parts.extend(said);
    Command(parts)
}
