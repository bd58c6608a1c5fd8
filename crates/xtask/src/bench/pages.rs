//! `cargo xtask bench --pages`: how soon the first byte of a page comes, of the public ones over the
//! whole catalogue, and of the console's over as many receipts as are asked for.
//!
//! Every page is asked for once before it is timed: what is timed is what the next reader meets.
//! Milliseconds are this machine's own; the bars are those of the product.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cell::{AFTERWORK, Bench, local, wait};
use super::gateway::{Gateway, Place, command};
use super::process::{Process, free_port};
use super::workload::{WORKLOADS, Workload};
use crate::load::{Options, Shape};

/// Of a page, and the most that its first byte may take at p99.
struct Half {
    of: &'static str,
    p99_ms_max: f64,
    paths: &'static [&'static str],
}

const PUBLIC: Half = Half {
    of: "public",
    p99_ms_max: 10.0,
    paths: &[
        "/",
        "/models",
        "/models?maker=mistralai&q=code&sort=-input",
        "/models.json",
        "/models/codestral-latest",
        "/models/codestral-latest.md",
        "/makers/mistralai",
        "/providers/mistral",
        "/compare?m=codestral-latest&m=gpt-5-mini",
        "/playground",
        "/docs/quickstart",
        "/docs/search?q=budget",
        "/status",
        "/llms-full.txt",
    ],
};
const CONSOLE: Half = Half {
    of: "console",
    p99_ms_max: 50.0,
    paths: &[
        "/console",
        "/console?days=90",
        "/console/keys",
        "/console/receipts",
        "/console/credits",
        "/console/members",
    ],
};

const RECEIPTS: u64 = 1_000_000;
const RECEIPTS_QUICK: u64 = 20_000;
const RATE: u32 = 100;
/// Of the owner who reads the console; the server is this program's own.
const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "correct horse battery";

struct Row {
    path: &'static str,
    p50_ms: f64,
    p99_ms: f64,
    most: f64,
}

pub(crate) fn run(bench: &Bench, is_quick: bool, as_json: bool) -> Result<()> {
    let folder = bench.folder.join("pages");
    std::fs::create_dir_all(&folder)?;
    let place = Place {
        folder: &folder,
        port: free_port()?,
        upstream_port: bench.at_once.port,
    };
    let workload = &WORKLOADS[0];
    let key = Gateway::Vane.key(&bench.programs, place)?;
    let link = invitation(bench, &folder)?;
    let mut process = Gateway::Vane
        .start(&bench.programs, place)?
        .context("a gateway")?;
    wait(
        local(place.port),
        &workload.first_request(&key),
        &mut process,
    )?;
    let wanted = if is_quick { RECEIPTS_QUICK } else { RECEIPTS };
    let receipts = fill(bench, workload, place, &key, wanted)?;
    let cookie = join(place.port, &link)?;
    let mut rows = Vec::new();
    for half in [PUBLIC, CONSOLE] {
        for path in half.paths {
            eprintln!("{}: {path}", half.of);
            rows.push(timed(bench, place, path, &cookie, half.p99_ms_max)?);
        }
    }
    still_runs(&mut process)?;
    match as_json {
        true => println!("{}", as_value(&rows)),
        false => println!("{}", table(&rows, receipts)),
    }
    Ok(())
}

fn still_runs(process: &mut Process) -> Result<()> {
    process.still_runs().context("the gateway has ended")
}

/// Calls until there are so many receipts, and until the books have them. Says how many there are.
fn fill(
    bench: &Bench,
    workload: &Workload,
    place: Place<'_>,
    key: &str,
    wanted: u64,
) -> Result<u64> {
    let request = place.folder.join("request");
    std::fs::write(&request, workload.request(key))?;
    let mut receipts = 1;
    while receipts < wanted {
        eprintln!("{receipts} of {wanted} receipts");
        let load = workload.load(local(place.port), &request, bench.pace.saturated)?;
        receipts += bench.offer(&load)?.answers;
    }
    std::thread::sleep(AFTERWORK);
    Ok(receipts)
}

fn timed(
    bench: &Bench,
    place: Place<'_>,
    path: &'static str,
    cookie: &str,
    most: f64,
) -> Result<Row> {
    let file = place.folder.join("page");
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: text/html\r\naccept-encoding: gzip\r\n\
         cookie: {cookie}\r\n\r\n",
        place.port
    );
    std::fs::write(&file, &head)?;
    let first = exchange(place.port, &head.replacen("\r\n\r\n", CLOSE, 1))?;
    ensure!(
        first.starts_with("HTTP/1.1 200"),
        "{path}: {}",
        first.lines().next().unwrap_or_default()
    );
    let tally = bench.offer(&Options {
        address: local(place.port),
        request: file,
        requests: 1,
        shape: Shape::Rate,
        connections: 1,
        rate: RATE,
        milliseconds: u64::try_from(bench.pace.scheduled.as_millis())?,
    })?;
    Ok(Row {
        path,
        p50_ms: tally.first_p50_ns as f64 / 1e6,
        p99_ms: tally.first_p99_ns as f64 / 1e6,
        most,
    })
}

/// The path of the link by which an owner of the account joins.
fn invitation(bench: &Bench, folder: &Path) -> Result<String> {
    let invite = [
        "member", "invite", "bench", EMAIL, "--role", "owner", "--json",
    ];
    let said: Value = serde_json::from_str(&command(&bench.programs.vane, folder, &invite)?)?;
    let link = said["link"].as_str().context("`link` of an invitation")?;
    let at = link.find("/signup").context("a link to sign up by")?;
    Ok(link[at..].to_owned())
}

/// Follows the link and chooses a password. The cookies of the session.
fn join(port: u16, link: &str) -> Result<String> {
    let came = exchange(
        port,
        &format!("GET {link} HTTP/1.1\r\nhost: 127.0.0.1:{port}{CLOSE}"),
    )?;
    let invited = cookies(&came);
    let form = format!(
        "email={}&password={}",
        EMAIL.replace('@', "%40"),
        PASSWORD.replace(' ', "+")
    );
    let joined = exchange(
        port,
        &format!(
            "POST /signup HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\n\
             cookie: {invited}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}{CLOSE}{form}",
            form.len()
        ),
    )?;
    ensure!(joined.starts_with("HTTP/1.1 303"), "signing up: {joined}");
    Ok(cookies(&joined))
}

/// The last header, and the end of the head.
const CLOSE: &str = "\r\nconnection: close\r\n\r\n";

/// One request on a connection of its own, and all that comes back.
fn exchange(port: u16, request: &str) -> Result<String> {
    let mut socket = TcpStream::connect(local(port))?;
    socket.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// What a browser sends back: each cookie that was set to something.
fn cookies(answer: &str) -> String {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let set = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let pair = value.split(';').next()?.trim();
        (name.eq_ignore_ascii_case("set-cookie") && !pair.ends_with('=')).then_some(pair)
    });
    set.collect::<Vec<_>>().join("; ")
}

impl Row {
    fn verdict(&self) -> &'static str {
        match self.p99_ms <= self.most {
            true => "holds",
            false => "BROKEN",
        }
    }
}

fn table(rows: &[Row], receipts: u64) -> String {
    let head =
        format!("first byte of a page, the console's over {receipts} receipts of one account\n");
    let lines = rows.iter().map(|row| {
        format!(
            "{:<46} p50 {:>7.3} ms   p99 {:>7.3} ms   <= {} {}\n",
            row.path,
            row.p50_ms,
            row.p99_ms,
            row.most,
            row.verdict()
        )
    });
    head + &lines.collect::<String>()
}

fn as_value(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let figures = json!({ "p50_ms": row.p50_ms, "p99_ms": row.p99_ms, "most_ms": row.most });
        (row.path.to_owned(), figures)
    };
    Value::Object(rows.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_that_are_set_go_back_and_those_that_end_do_not() {
        let answer = "HTTP/1.1 303 See Other\r\nSet-Cookie: vane=abc; Path=/; HttpOnly\r\n\
                      set-cookie: vane_invitation=; Max-Age=0\r\nx: y\r\n\r\nset-cookie: a=b";
        assert_eq!(cookies(answer), "vane=abc");
    }

    #[test]
    fn a_page_past_its_bar_is_said_to_be() {
        let row = |p99_ms| Row {
            path: "/",
            p50_ms: 1.0,
            p99_ms,
            most: 10.0,
        };
        let said = table(&[row(10.0), row(10.5)], 7);
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].contains("7 receipts"));
        assert!(lines[1].ends_with("<= 10 holds") && lines[2].ends_with("<= 10 BROKEN"));
    }
}
