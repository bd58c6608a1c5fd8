//! The shapes of load that count whole answers.
//!
//! Connections are tasks of one thread, so the tally is shared without a lock. A connection that
//! fails is opened anew, and after [`FAULTS_MAX`] the run ends: what is broken is not measured.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::Options;
use super::connection::{Connection, Heard};
use super::tally::{Count, Tally};

const FAULTS_MAX: u32 = 3;
/// Connections that share a schedule: enough that a slow answer delays no other.
const SCHEDULE_CONNECTIONS: u32 = 20;

type Shared = Rc<RefCell<Count>>;

/// Every connection asks again as soon as it is answered. All of them together go round the
/// requests.
pub(crate) async fn saturate(
    options: &Options,
    requests: &'static [&'static [u8]],
) -> Result<Tally> {
    let end = Instant::now() + options.time();
    all(options.connections, |index, count| {
        let options = options.clone();
        async move {
            let mut connection = Connection::open(options.address).await?;
            let mut faults = 0;
            let mut round = requests.iter().cycle().skip(index % requests.len());
            while let Some(request) = round.nth(options.connections - 1)
                && Instant::now() < end
                && faults < FAULTS_MAX
            {
                let start = Instant::now();
                if !exchange(&mut connection, request, start, &count).await {
                    faults += 1;
                    connection = Connection::open(options.address).await?;
                }
            }
            Ok(())
        }
    })
    .await
}

/// Connection `n` of N sends every N-th request of the schedule.
///
/// Latency counts from the moment of sending, or from the scheduled moment when the connection was
/// still busy then: a stall is never hidden by the requests that it delayed.
pub(crate) async fn on_schedule(options: &Options, request: &'static [u8]) -> Result<Tally> {
    let gap = Duration::from_secs(1) / options.rate.max(1);
    let (start, time) = (Instant::now() + gap, options.time());
    all(SCHEDULE_CONNECTIONS as usize, |index, count| {
        let options = options.clone();
        async move {
            let mut connection = Connection::open(options.address).await?;
            let mut due = start + gap * u32::try_from(index)?;
            let mut faults = 0;
            while due < start + time && faults < FAULTS_MAX {
                let late = Instant::now() > due;
                sleep_until(due.into()).await;
                let asked = if late { due } else { Instant::now() };
                if !exchange(&mut connection, request, asked, &count).await {
                    faults += 1;
                    connection = Connection::open(options.address).await?;
                }
                due += gap * SCHEDULE_CONNECTIONS;
            }
            Ok(())
        }
    })
    .await
}

/// One request on each connection, all at once.
pub(crate) async fn once(options: &Options, request: &'static [u8]) -> Result<Tally> {
    all(options.connections, |_, count| {
        let address = options.address;
        async move {
            let start = Instant::now();
            let mut connection = Connection::open(address).await?;
            exchange(&mut connection, request, start, &count).await;
            Ok(())
        }
    })
    .await
}

/// One exchange, counted; false when it failed and the connection is of no more use.
async fn exchange(
    connection: &mut Connection,
    request: &[u8],
    since: Instant,
    count: &Shared,
) -> bool {
    let hear = |heard| match heard {
        Heard::First => count.borrow_mut().first(nanoseconds(since.elapsed())),
        Heard::Chunk(under_way) => count.borrow_mut().chunk(under_way),
    };
    match connection.exchange_in_time(request, hear).await {
        Ok(()) => {
            count.borrow_mut().answer(nanoseconds(since.elapsed()));
            true
        }
        Err(fault) => {
            count.borrow_mut().fault(&fault);
            false
        }
    }
}

/// Runs one task for each connection to its end; a task that fails is a fault, not the end of all.
async fn all<F, T>(connections: usize, task: F) -> Result<Tally>
where
    F: Fn(usize, Shared) -> T,
    T: Future<Output = Result<()>> + 'static,
{
    let count = Rc::new(RefCell::new(Count::new()));
    let start = Instant::now();
    let tasks = LocalSet::new();
    tasks
        .run_until(async {
            let running =
                (0..connections).map(|index| tasks.spawn_local(task(index, Rc::clone(&count))));
            for task in running.collect::<Vec<_>>() {
                if let Err(fault) = task.await.context("a connection's task")? {
                    count.borrow_mut().fault(&fault);
                }
            }
            anyhow::Ok(())
        })
        .await?;
    Ok(count.borrow().finish(nanoseconds(start.elapsed())))
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::load::Shape;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
    const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const REFUSED: &str = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno";

    /// A server that answers every request with the same bytes, and how to reach it.
    async fn serve(answer: &'static str, milliseconds: u64) -> Options {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; REQUEST.len()];
                    while socket.read_exact(&mut request).await.is_ok() {
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        Options {
            address,
            request: "unused".into(),
            requests: 1,
            shape: Shape::Once,
            connections: 5,
            rate: 1000,
            milliseconds,
        }
    }

    #[tokio::test]
    async fn every_connection_asks_once() {
        let tally = once(&serve(FINE, 0).await, REQUEST).await.unwrap();
        assert_eq!((tally.answers, tally.faults), (5, 0));
        assert!(tally.p50_ns > 0 && tally.p50_ns <= tally.p99_ns);
    }

    #[tokio::test]
    async fn a_schedule_is_kept_to_its_last_request() {
        let tally = on_schedule(&serve(FINE, 100).await, REQUEST).await.unwrap();
        assert_eq!((tally.answers, tally.faults), (100, 0));
    }

    #[tokio::test]
    async fn a_refusal_is_a_fault_and_soon_the_end() {
        let hour = serve(REFUSED, 3_600_000).await;
        let tally = saturate(&hour, &[REQUEST]).await.unwrap();
        assert_eq!(
            (tally.answers, tally.faults),
            (0, u64::from(5 * FAULTS_MAX))
        );
        assert_eq!(
            tally.first_fault.as_deref(),
            Some("http/1.1 429 too many requests no")
        );
    }
}
