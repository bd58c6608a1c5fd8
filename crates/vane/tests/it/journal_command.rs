//! `vane audit --journal`, beside a start that a damaged journal stops.

use std::io::{BufRead, BufReader};

use vane_ledger::journal::inspect;
use vane_testkit::Answer;

use crate::cli::{stderr, stdout};
use crate::client::Ask;
use crate::door::Door;
use crate::serving::{Serving, vane};
use crate::site::Site;

/// The line by which a start on this folder says that it serves, or why it does not.
fn first_word(site: &Site) -> String {
    let mut command = vane(&site.folder, &["serve", "--config", "vane.toml"]);
    let mut child = command.env("VANE_LISTEN", "127.0.0.1:0").spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said = lines.find_map(|line| {
        let line = line.unwrap();
        let tells = line.starts_with("vane: ") || line.starts_with("Providers: ");
        tells.then_some(line)
    });
    let _ = child.kill();
    child.wait().unwrap();
    said.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_stops_the_start_and_what_is_readable_is_told() {
    let site = Site::new().await;
    site.fake.always(Answer::text("Hi."));
    let payer = site.payers(1).remove(0);
    // Each settlement is synced, and the next one says so: what is bad before it is no torn end.
    let serving = Serving::again_with(&site.folder, &[("VANE_DURABILITY", "power")]);
    for _ in 0..6 {
        let body = Door::Chat.request("lab-m", "Hi", false);
        let ask = Ask::post(Door::Chat.path(), body).key(&payer.key);
        serving.ask(&ask).await.ok();
    }
    serving.kill();
    let folder = site.folder.0.join("vane.journal");
    let whole = vane(&site.folder, &["audit", "--journal"])
        .output()
        .unwrap();
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert!(stdout(&whole).ends_with("ok\n"), "{}", stdout(&whole));

    let readable = inspect(&folder).unwrap().segments.remove(0);
    let file = folder.join(&readable.file);
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = usize::try_from(readable.bytes).unwrap() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let said = first_word(&site);
    assert!(said.contains("the journal is damaged"), "{said}");
    assert!(said.contains("`vane audit --journal`"), "{said}");

    let text = vane(&site.folder, &["audit", "--journal"])
        .output()
        .unwrap();
    assert_eq!(text.status.code(), Some(1));
    let damaged = format!("damaged: {} at byte ", readable.file);
    assert!(stdout(&text).contains(&damaged), "{}", stdout(&text));
    assert!(stderr(&text).contains("move it away"), "{}", stderr(&text));
    let told = vane(&site.folder, &["audit", "--journal", "--json"])
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let part = &told["segments"][0];
    let until = part["until"].as_u64().unwrap();
    assert!(1 < until && until < readable.next, "{told}");
    let settled = part["settled"].as_u64().unwrap();
    assert!(0 < settled && settled < 6, "{told}");
    let offset = told["damage"]["offset"].as_u64().unwrap();
    assert_eq!(part["bytes"], offset);
    assert!(usize::try_from(offset).unwrap() <= middle, "{told}");

    // The way out where there is no copy.
    std::fs::rename(&folder, site.folder.0.join("kept")).unwrap();
    assert!(first_word(&site).starts_with("Providers: "));
    site.store.audit().unwrap().unwrap();
}
