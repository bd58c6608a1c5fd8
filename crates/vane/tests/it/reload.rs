//! SIGHUP to the real binary: a configuration is taken whole or not at all.

use vane_testkit::{Answer, FakeUpstream, Settings};

use crate::client::{Ask, Stream};
use crate::door::Door;
use crate::serving::Serving;
use crate::world::{Folder, PROVIDER_KEY, configuration};

const STAYS: &str = "the configuration stays as it was: ";
const ANEW: &str = "the configuration was read anew";

fn call(serving: &Serving, model: &str, stream: bool) -> Ask {
    let body = Door::Chat.request(model, "Hi", stream);
    Ask::post(Door::Chat.path(), body).key(&serving.key)
}

async fn fake() -> FakeUpstream {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    };
    FakeUpstream::with(settings).await.unwrap()
}

/// A gateway before `fake`, with the text of its file.
fn serving(folder: &Folder, fake: &FakeUpstream) -> (Serving, String) {
    let text = configuration(fake, fake).replace("sqlite::memory:", "sqlite:vane.db");
    let text = text.replace(&format!("\"{PROVIDER_KEY}\""), "\"env:LAB_KEY\"");
    write(folder, &text);
    (Serving::start(folder, &[("LAB_KEY", PROVIDER_KEY)]), text)
}

fn write(folder: &Folder, text: &str) {
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
}

#[tokio::test]
async fn a_hangup_takes_the_new_file_for_the_next_call_and_lets_streams_run() {
    let (folder, fake, late) = (Folder::new(), fake().await, fake().await);
    let (serving, text) = serving(&folder, &fake);
    fake.always(Answer::text("One two three").gate("g"));
    fake.gate("g").open(3);
    let asked = call(&serving, "lab-m", true);
    let mut running = serving.connect().await.begin(&asked).await;
    running.until("One", 1).await;
    assert_eq!(
        serving.ask(&call(&serving, "late-m", false)).await.status,
        404
    );
    // Another provider, and the one that is answering gone.
    let at = text.find("[[provider]]").unwrap();
    let row = format!(
        "[[provider]]\nid = \"late\"\ndialect = \"openai\"\nbase_url = \"{}\"\n\
         api_key = \"env:LAB_KEY\"\nmodels = [{{ id = \"late-m\", free = true }}]\n\
         [limits]\nbody_bytes_max = \"2KiB\"\n",
        late.openai_url()
    );
    write(&folder, &(text[..at].to_owned() + &row));
    serving.signal("-HUP");
    serving.log.until(ANEW).await;
    for stream in [false, true] {
        serving.ask(&call(&serving, "late-m", stream)).await.ok();
    }
    assert_eq!(late.calls().len(), 2);
    assert_eq!(
        serving.ask(&call(&serving, "lab-m", false)).await.status,
        404
    );
    let large = Door::Chat.request("late-m", &"x".repeat(2_048), false);
    let large = Ask::post(Door::Chat.path(), large).key(&serving.key);
    assert_eq!(serving.ask(&large).await.status, 413);
    fake.gate("g").open_for_good();
    ends_whole(&mut running).await;
}

#[tokio::test]
async fn r7_a_hangup_with_a_faulty_file_changes_nothing_and_says_so_in_one_line() {
    let (folder, fake) = (Folder::new(), fake().await);
    let (serving, text) = serving(&folder, &fake);
    fake.always(Answer::text("One two three").gate("g"));
    fake.gate("g").open(3);
    let asked = call(&serving, "lab-m", true);
    let mut running = serving.connect().await.begin(&asked).await;
    running.until("One", 1).await;
    let faulty = [
        // Half a file, as an editor may leave it.
        text[..text.len() / 2].to_owned(),
        // Two problems, and a limit that would have been taken.
        format!("{text}\n[limits]\nbody_bytes_max = \"1KiB\"\nno_such = 1\nnor_this = 2\n"),
        // Nothing wrong but an authority that is not there.
        format!("{text}\n[outbound]\nextra_ca = [\"gone.pem\"]\n"),
        text.replace("lab-m", "new-m")
            .replace("base_url", "base_uri"),
    ];
    for (at, text) in faulty.iter().enumerate() {
        write(&folder, text);
        serving.signal("-HUP");
        serving.log.until_times(STAYS, at + 1).await;
        let large = Door::Chat.request("lab-m", &"x".repeat(2_048), false);
        let large = Ask::post(Door::Chat.path(), large).key(&serving.key);
        fake.always(Answer::text("Still here"));
        serving.ask(&large).await.ok();
        assert_eq!(
            serving.ask(&call(&serving, "new-m", false)).await.status,
            404
        );
    }
    fake.gate("g").open_for_good();
    ends_whole(&mut running).await;
    let said = serving.log.text();
    let notes = said.lines().filter(|line| !line.starts_with('{'));
    // After the greeting.
    let notes = notes.skip_while(|line| !line.starts_with(STAYS));
    let notes: Vec<&str> = notes.collect();
    assert_eq!(notes.len(), faulty.len(), "{notes:#?}");
    assert!(
        notes.iter().all(|line| line.starts_with(STAYS)),
        "{notes:#?}"
    );
    assert!(
        notes[1].contains("no_such") && notes[1].contains("nor_this"),
        "{notes:#?}"
    );
    assert!(!said.contains(PROVIDER_KEY), "{said}");
    // Mended, it is taken.
    write(&folder, &text.replace("lab-m", "new-m"));
    serving.signal("-HUP");
    serving.log.until(ANEW).await;
    serving.ask(&call(&serving, "new-m", false)).await.ok();
}

async fn ends_whole(running: &mut Stream) {
    let reply = running.rest().await;
    assert_eq!(Door::Chat.read(&reply).text, "One two three");
}
