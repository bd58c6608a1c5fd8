//! R12 as a figure: how long an upstream runs on after its client left, wherever that was.
//!
//! A hundred streams in a normal run; a thousand with `VANE_TEST_LONG=1`, which `./test --long` sets.
//! Only then is the figure held against its bars: a machine that is busy with other tests says little
//! about a quarter second, and that every upstream is closed is demanded anywhere.

use std::time::{Duration, Instant};

use vane_testkit::{Answer, Ended, Fault, split};

use crate::client::{Ask, Connection, Stream, within};
use crate::door::{DOORS, Door};
use crate::site::long;
use crate::world::World;

/// Streams that are open at once.
const BATCH: usize = 20;
/// Of 99 in a hundred; none may take longer than the second.
const P99_MAX: Duration = Duration::from_millis(250);
const MAX: Duration = Duration::from_secs(1);

/// Where a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    BeforeHead,
    BeforeContent,
    BetweenFrames,
    InAFrame,
    /// With more on its way than the client reads.
    BehindAFullSocket,
}

const POINTS: [Point; 5] = [
    Point::BeforeHead,
    Point::BeforeContent,
    Point::BetweenFrames,
    Point::InAFrame,
    Point::BehindAFullSocket,
];

impl Point {
    fn answer(self) -> Answer {
        let answer = Answer::text("One two three four five six seven eight nine ten");
        match self {
            Self::BeforeHead => answer.head_gate("never"),
            Self::BeforeContent => answer.with_fault(Fault::Stall(0)),
            Self::BetweenFrames => answer.with_fault(Fault::Stall(6)),
            Self::InAFrame => {
                let (frames, bytes) = (6, 20);
                answer.with_fault(Fault::StallInside { frames, bytes })
            }
            Self::BehindAFullSocket => {
                let word = "x".repeat(64 << 10) + " ";
                Answer::text(&word.repeat(64)).with_fault(Fault::Stall(60))
            }
        }
    }

    /// Opens call `index` and goes on until its client may leave.
    async fn reach(self, world: &World, index: usize, ask: &Ask) -> Left {
        world.fake.always(self.answer());
        let mut connection = world.connect().await;
        connection.write(&ask.bytes()).await;
        within("the call", world.fake.wait_call(index)).await;
        let frames = match self {
            Self::BeforeHead | Self::BeforeContent => return Left::Asking(connection),
            Self::BetweenFrames | Self::InAFrame => 6,
            Self::BehindAFullSocket => 10,
        };
        let stream = Stream::of(connection).await;
        within("frames", world.fake.wait_frames(index, frames)).await;
        Left::Reading(stream)
    }
}

/// What a client drops when it leaves.
#[expect(dead_code, reason = "they are held until they are dropped")]
enum Left {
    Asking(Connection),
    Reading(Stream),
}

/// Own and foreign dialects in turn.
fn ask(world: &World, number: usize) -> Ask {
    let door = DOORS[number % DOORS.len()];
    let model = match (number / DOORS.len() % 2, door) {
        (0, _) => door.own_model(),
        (_, Door::Messages) => "lab-m",
        (_, _) => "claude-m",
    };
    Ask::post(door.path(), door.request(model, "Hi", true)).key(&world.key)
}

/// A number below `end`, the same in every run.
fn drawn(seed: &mut u64, end: usize) -> usize {
    let number = split::draw(seed) % u64::try_from(end).unwrap();
    usize::try_from(number).unwrap()
}

#[tokio::test]
async fn r12_an_upstream_is_closed_within_a_quarter_second() {
    let (count, mut seed) = (if long() { 1_000 } else { 100 }, 0x5eed);
    let mut took = Vec::new();
    for batch in 0..count / BATCH {
        let world = World::start().await;
        let mut open = Vec::new();
        for index in 0..BATCH {
            let point = POINTS[drawn(&mut seed, POINTS.len())];
            let ask = ask(&world, batch * BATCH + index);
            open.push((index, point, point.reach(&world, index, &ask).await));
        }
        while !open.is_empty() {
            let at = drawn(&mut seed, open.len());
            let (index, point, left) = open.swap_remove(at);
            let leaves = Instant::now();
            drop(left);
            let call = within("the upstream to be closed", world.fake.wait_closed(index)).await;
            took.push((leaves.elapsed(), point));
            assert_eq!(call.unwrap().ended, Some(Ended::ClientLeft), "{point:?}");
        }
        assert_eq!(world.log.lines(BATCH).await.len(), BATCH);
    }
    took.sort_unstable_by_key(|(time, _)| *time);
    let at = |percent: usize| took[(took.len() * percent).div_ceil(100) - 1].0;
    let (slowest, point) = took[took.len() - 1];
    eprintln!(
        "measured: R12: {count} clients left; upstream closed after p50 {:?}, p99 {:?}, max {slowest:?} ({point:?})",
        at(50),
        at(99)
    );
    assert!(
        !long() || (at(99) <= P99_MAX && slowest <= MAX),
        "{:?}",
        &took[took.len() - 5..]
    );
}
