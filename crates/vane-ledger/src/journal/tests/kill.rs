//! A real process that appends is killed, again and again: what it said is kept, is.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Folder, INSTANCE, asked_for, block_on};
use crate::journal::{Durability, Journal, Position, Settings};

fn open(folder: &Path, epoch: u64) -> Journal {
    let settings = Settings {
        segment_bytes: 64 << 10,
        ..Settings::default()
    };
    Journal::open(folder, INSTANCE, epoch, Position::START, &settings).unwrap()
}

const MARK: &str = "as-child-of-kill";

/// The child of the test below: told on its standard input where to write, it writes until it is
/// killed. Nothing happens where nobody asks for it by `MARK`.
#[test]
fn child() {
    if !asked_for(MARK) {
        return;
    }
    let mut lines = std::io::stdin().lines().map_while(Result::ok);
    let (Some(folder), Some(epoch)) = (lines.next(), lines.next()) else {
        return;
    };
    let journal = open(Path::new(&folder), epoch.parse().unwrap());
    for serial in 0_u64.. {
        let payload = format!("{epoch} {serial}");
        let others = journal.send(2, b"a checkpoint");
        let durability = match serial % 16 {
            0 => Durability::Power,
            _ => Durability::Crash,
        };
        let ticket = journal.submit(1, payload.as_bytes(), durability);
        let end = block_on(ticket.unwrap()).unwrap();
        others.unwrap();
        println!("\nkept {} {payload}", end.number());
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_twenty_kills() {
    let folder = Folder::new("kill");
    let mut kept = Vec::new();
    for epoch in 1..=20_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "journal::tests::kill::child",
                MARK,
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}\n{epoch}", folder.0.display()).unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = || {
            let line = told.find_map(|line| Some(line.ok()?.strip_prefix("kept ")?.to_owned()));
            let line = line?;
            let (number, payload) = line.split_once(' ')?;
            Some((number.parse::<u64>().ok()?, payload.to_owned()))
        };
        for _ in 0..epoch * 37 % 200 + 1 {
            kept.push(acknowledged().unwrap());
        }
        child.kill().unwrap();
        // What it said before it died counts too; its last line may be cut.
        let mut rest: Vec<_> = std::iter::from_fn(acknowledged).collect();
        rest.pop();
        kept.append(&mut rest);
        child.wait().unwrap();
    }
    let journal = open(&folder.0, 21);
    let found: Vec<_> = journal
        .replay(Position::START)
        .map(Result::unwrap)
        .collect();
    assert!(
        found
            .iter()
            .zip(1..)
            .all(|(record, at)| record.position.number() == at)
    );
    for (number, payload) in kept {
        let record = &found[usize::try_from(number - 1).unwrap()];
        assert_eq!((record.kind, &*record.payload), (1, payload.as_bytes()));
    }
}
