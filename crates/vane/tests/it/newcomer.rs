//! What a person meets who follows the pages for the first time: slips, shells that have less than
//! the server's, and starts that fail.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use vane_testkit::{Answer, Authority, FakeUpstream, Settings};

use crate::cli::{Folder, request, stderr, stdout};
use crate::client::{Ask, within};
use crate::door::Door;
use crate::serving::Serving;
use crate::world::{self, PROVIDER_KEY, configuration};

/// A configuration of which only the server's own shell has the variable.
const BY_VARIABLE: &str = "[[provider]]\nid = \"mistral\"\napi_key = \"env:MISTRAL_API_KEY\"\n";

#[test]
fn weights_that_are_not_there_yet_can_be_listed_and_pulled() {
    let folder = Folder::new();
    let named = "[[local]]\nid = \"codestral\"\nweights = \"mistralai/Codestral-22B-v0.1\"\n";
    folder.write("vane.toml", named);
    let check = stdout(&folder.run(&["check"]));
    assert!(check.contains("`vane weights pull"), "{check}");
    let list = folder.run(&["weights", "list"]);
    let said = stderr(&list);
    assert!(list.status.success() && !said.contains("local"), "{said}");
    let pull = folder.run(&["weights", "pull", "http://127.0.0.1:1/a.gguf"]);
    let said = stderr(&pull);
    assert!(
        said.contains("127.0.0.1:1") && !said.contains("local."),
        "{said}"
    );
    // What they need is looked at.
    folder.write(
        "vane.toml",
        &format!("{named}[weights]\nhub = \"nowhere\"\n"),
    );
    let list = folder.run(&["weights", "list"]);
    assert!(stderr(&list).contains("weights.hub"), "{list:?}");
}

#[test]
fn a_key_is_revoked_in_a_shell_that_lacks_the_variables_of_providers() {
    let folder = Folder::new();
    folder.json(&["account", "create", "team", "--json"]);
    let key = folder.json(&["key", "create", "--account", "team", "--json"]);
    let id = key["id"].as_str().unwrap();
    folder.write("vane.toml", &format!("{BY_VARIABLE}[timeouts]\nidle = 0\n"));
    for arguments in [
        &["key", "revoke", id][..],
        &["key", "list"],
        &["account", "create", "other"],
        &["account", "changes", "team"],
        &["credit", "show", "team"],
        &["receipt", "remove", "--before", "400d"],
        &["member", "list", "team"],
        &["setup", "link"],
        &["audit"],
        &["models"],
    ] {
        let done = folder.run(arguments);
        let said = stderr(&done);
        assert!(done.status.success(), "{arguments:?}: {said}");
        let warned = said.contains("warning: ") && said.contains("MISTRAL_API_KEY");
        assert!(warned, "{arguments:?}: {said}");
    }
    assert!(stdout(&folder.run(&["key", "list"])).contains("revoked"));
    let models = stdout(&folder.run(&["models", "codestral-2"]));
    assert!(models.contains("needs MISTRAL_API_KEY"), "{models}");
    // A slip that may have meant the database leads to no other one.
    for slip in [
        "databse = \"sqlite:a.db\"\n",
        "database = \"a.db\"\n",
        "secret = \"x\"\n",
    ] {
        folder.write("vane.toml", &format!("{slip}{BY_VARIABLE}"));
        let list = folder.run(&["key", "list"]);
        assert_eq!(list.status.code(), Some(1), "{slip}: {list:?}");
    }
    assert_eq!(folder.run(&["check"]).status.code(), Some(1));
}

#[test]
fn a_proxy_of_socks_for_other_programs_stops_nothing() {
    let folder = Folder::new();
    let check = |name: &str, url: &str| {
        let mut command = folder.vane(&["check"]);
        let output = command.env(name, url).output().unwrap();
        (output.status.success(), stdout(&output))
    };
    let (passes, said) = check("ALL_PROXY", "socks5://me:hunter2@127.0.0.1:1080");
    assert!(
        passes && said.contains("VANE_OUTBOUND_HTTPS_PROXY"),
        "{said}"
    );
    assert!(
        said.contains("SOCKS") && !said.contains("hunter2"),
        "{said}"
    );
    let (passes, said) = check("HTTPS_PROXY", "ftp://proxy");
    assert!(
        !passes && said.contains("VANE_OUTBOUND_HTTPS_PROXY"),
        "{said}"
    );
    let (passes, said) = check("VANE_OUTBOUND_HTTPS_PROXY", "socks5://proxy:1");
    assert!(!passes && said.contains("SOCKS"), "{said}");
}

#[test]
fn no_command_but_those_that_begin_something_makes_a_database() {
    let folder = Folder::new();
    for arguments in [
        &["audit"][..],
        &["audit", "strays"],
        &["key", "list"],
        &["key", "create", "--account", "team"],
        &["account", "list"],
        &["account", "freeze", "team", "--reason", "x"],
        &["member", "list", "team"],
        &["credit", "list", "team"],
        &["receipt", "remove", "--before", "400d"],
        &["route", "codestral-latest", "--key", "x"],
    ] {
        let done = folder.vane(arguments).env("MISTRAL_API_KEY", "k").output();
        let done = done.unwrap();
        let said = stderr(&done);
        assert_eq!(done.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("no database at vane.db"),
            "{arguments:?}: {said}"
        );
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    assert!(folder.run(&["setup", "link"]).status.success());
    assert!(folder.run(&["audit"]).status.success());
}

/// Starts a server of a folder; gives back what it says until it shows a key, or all where it ends.
fn start(folder: &Folder, address: &str) -> (Child, String) {
    let mut command = folder.vane(&["serve"]);
    command.env("VANE_LISTEN", address).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        said += &(line.unwrap() + "\n");
        if said.contains("ANTHROPIC_AUTH_TOKEN") || said.contains("\"suffix\":") {
            break;
        }
    }
    (child, said)
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn the_first_key_waits_for_a_start_that_goes_well() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (mut child, said) = start(&folder, &address);
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(
        said.contains("VANE_LISTEN") && !said.contains("--listen"),
        "{said}"
    );
    assert_eq!(said.matches("cannot listen").count(), 1, "{said}");
    assert_eq!(said.matches("os error").count(), 1, "{said}");
    assert!(!folder.0.join("vane.db").exists());
    drop(taken);
    // What is no folder cannot be the journal.
    let journal = folder.write("vane.journal", "");
    let (mut child, said) = start(&folder, &address);
    assert_eq!(child.wait().unwrap().code(), Some(1), "{said}");
    assert!(
        said.contains("vane.journal") && !said.contains("sk-vane-"),
        "{said}"
    );
    assert_eq!(said.matches("vane.journal").count(), 1, "{said}");
    std::fs::remove_file(journal).unwrap();
    let (child, said) = start(&folder, &address);
    assert!(said.contains("  sk-vane-"), "{said}");
    end(child);
    let (child, said) = start(&folder, &address);
    assert!(!said.contains("sk-vane-"), "{said}");
    end(child);
}

#[test]
fn a_greeting_names_the_port_that_the_system_chose() {
    let folder = Folder::new();
    let (child, said) = start(&folder, "127.0.0.1:0");
    end(child);
    assert!(
        !said.contains("127.0.0.1:0\n") && !said.contains(":0/"),
        "{said}"
    );
    assert!(said.contains("Vane listens on http://127.0.0.1:"), "{said}");
}

#[tokio::test]
async fn a_hangup_reads_a_file_that_was_written_after_the_start_and_names_what_waits() {
    let (folder, fake) = (world::Folder::new(), FakeUpstream::start().await.unwrap());
    let serving = Serving::unnamed(&folder, &[("LAB_KEY", PROVIDER_KEY)]);
    let call = |model: &str| {
        let body = Door::Chat.request(model, "Hi", false);
        Ask::post(Door::Chat.path(), body).key(&serving.key)
    };
    assert_eq!(serving.ask(&call("lab-m")).await.status, 404);
    let text = configuration(&fake, &fake).replace("sqlite::memory:", "sqlite:vane.db");
    let text = text.replace(&format!("\"{PROVIDER_KEY}\""), "\"env:LAB_KEY\"");
    let path = folder.0.join("vane.toml");
    std::fs::write(&path, &text).unwrap();
    serving.signal("-HUP");
    serving.log.until("the configuration was read anew").await;
    fake.always(Answer::text("Here"));
    assert_ne!(serving.ask(&call("lab-m")).await.status, 404);
    // Each time, as long as it waits.
    std::fs::write(&path, format!("workers = 7\njournal = \"other\"\n{text}")).unwrap();
    for times in 1..3 {
        serving.signal("-HUP");
        let said = "read anew; for the next start: `journal`, `workers`";
        serving.log.until_times(said, times).await;
    }
    // One that was there and is gone is not as good as none.
    std::fs::remove_file(&path).unwrap();
    serving.signal("-HUP");
    serving
        .log
        .until("the configuration stays as it was: ")
        .await;
}

#[test]
fn a_folder_or_a_link_to_nothing_is_no_configuration() {
    let folder = Folder::new();
    let path = folder.0.join("vane.toml");
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    let refused = |of: &str| {
        let check = folder.run(&["check"]);
        let said = stdout(&check);
        assert!(
            said.contains("cannot read the configuration vane.toml"),
            "{of}: {said}"
        );
    };
    refused("a link");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused("a folder");
}

#[test]
fn a_word_that_is_no_level_silences_no_log() {
    let folder = Folder::new();
    for (log, said) in [
        ("warning", Some("did you mean `warn`?")),
        ("verbose", Some("must be a level")),
        ("info,hyper", Some("must be a level")),
        ("WARN", None),
        ("info,vane::upstream=debug", None),
        ("vane", None),
        ("off,vane_ledger=trace", None),
    ] {
        let check = folder
            .vane(&["check"])
            .env("VANE_LOG", log)
            .output()
            .unwrap();
        let told = stdout(&check);
        assert_eq!(check.status.success(), said.is_none(), "{log}: {told}");
        assert!(told.contains(said.unwrap_or("ok: ")), "{log}: {told}");
    }
}

#[test]
fn a_certificate_is_loaded_before_it_is_needed() {
    let folder = Folder::new();
    let authority = Authority::new("private").unwrap();
    let (one, other) = ("localhost", "elsewhere");
    let (one, other) = (authority.certificate(one), authority.certificate(other));
    let (one, other) = (one.unwrap(), other.unwrap());
    let check = |cert: &str, key: &str| {
        folder.write("cert.pem", cert);
        folder.write("key.pem", key);
        folder.write(
            "vane.toml",
            "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n",
        );
        let check = folder.run(&["check"]);
        (check.status.success(), stdout(&check))
    };
    let (passes, said) = check(&one.pem, &one.key_pem);
    assert!(passes, "{said}");
    for (cert, key, wrong) in [
        (
            "nonsense",
            one.key_pem.as_str(),
            "`tls.cert` has no certificate",
        ),
        (&one.pem, "nonsense", "`tls.key` cannot be read"),
        (
            &one.pem,
            &other.key_pem,
            "`tls.key` cannot be used with the certificate",
        ),
    ] {
        let (passes, said) = check(cert, key);
        assert!(!passes && said.contains(wrong), "{wrong}: {said}");
        assert!(!said.contains("nonsense"), "{said}");
    }
}

#[test]
fn a_time_says_its_unit_and_a_name_that_nobody_knows_is_doubted() {
    let folder = Folder::new();
    folder.json(&["account", "create", "team", "--json"]);
    let create = |more: &[&str]| {
        let made = folder.run(&[&["key", "create", "--account", "team"][..], more].concat());
        (made.status.success(), stderr(&made))
    };
    let (made, said) = create(&["--expires", "30"]);
    assert!(!made && said.contains("with its unit"), "{said}");
    let (made, said) = create(&["--models", "codestrall,codestral-latest"]);
    assert!(
        made && said.contains("`codestrall` here; did you mean `codestral"),
        "{said}"
    );
    assert_eq!(said.matches("--models").count(), 1, "{said}");
    let (made, said) = create(&["--providers", "mistrall,mistral"]);
    assert!(
        made && said.contains("no `mistrall` here; did you mean `mistral`?"),
        "{said}"
    );
    let (made, said) = create(&["--models", "codestral-latest", "--providers", "mistral"]);
    assert!(made && !said.contains("warning"), "{said}");
    let id = folder.json(&["key", "list", "--json"])["keys"][0]["id"].clone();
    let rotate = folder.run(&["key", "rotate", id.as_str().unwrap(), "--overlap", "30"]);
    assert!(stderr(&rotate).contains("with its unit"), "{rotate:?}");
}

#[test]
fn slips_in_names_of_providers_and_marks_around_keys_are_told() {
    let folder = Folder::new();
    folder.write(
        "vane.toml",
        "[[provider]]\nid = \"mistrall\"\napi_key = \"env:K\"\n",
    );
    let check = |name: &str, value: &str| {
        let check = folder.vane(&["check"]).env(name, value).output().unwrap();
        stdout(&check)
    };
    let said = check("K", "k");
    assert!(
        said.contains("no provider `mistrall`; did you mean `mistral`?"),
        "{said}"
    );
    folder.write("vane.toml", "");
    let said = check("MISTRAL_API_KEY", "\"abc\"");
    assert!(
        said.contains("quotation mark") && !said.contains("abc"),
        "{said}"
    );
}

#[test]
fn an_answer_that_was_stopped_is_no_success() {
    let folder = Folder::new();
    folder.write("a.rs", "a = ;\n");
    let fim = ["fim", "a.rs", "--at", "1:5", "--model", "m"];
    for arguments in [&["chat", "m", "hi"][..], &fim] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arguments = [arguments, &["--key", "k", "--url", &url]].concat();
        let mut command = folder.vane(&arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        request(&mut stream);
        let part = "data: {\"choices\":[{\"text\":\"Hel\",\"delta\":{\"content\":\"Hel\"}}]}\n\n";
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{part}"
        )
        .unwrap();
        let mut first = [0; 3];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut first).unwrap();
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(130), "{arguments:?}");
    }
}

#[test]
fn a_route_is_that_of_a_door_and_of_a_key_that_works() {
    let folder = Folder::new();
    let route = |more: &[&str]| {
        let mut command = folder.vane(&[&["route", "codestral-latest"], more].concat());
        command.env("MISTRAL_API_KEY", "k").output().unwrap()
    };
    let refused = stderr(&route(&["--door", "llama_infill"]));
    assert!(refused.contains("one of openai_chat"), "{refused}");
    assert!(!refused.contains(", llama_infill"), "{refused}");
    assert!(route(&["--door", "mistral_fim"]).status.success());
    folder.json(&["account", "create", "team", "--json"]);
    let key = folder.json(&["key", "create", "--account", "team", "--json"]);
    let id = key["id"].as_str().unwrap();
    assert!(route(&["--key", id]).status.success());
    assert!(folder.run(&["key", "revoke", id]).status.success());
    let refused = route(&["--key", id]);
    assert!(stderr(&refused).contains("works no more"), "{refused:?}");
}

#[test]
fn an_address_without_its_scheme_is_told_what_it_lacks() {
    let folder = Folder::new();
    let said = stderr(&folder.run(&["chat", "m", "hi", "--key", "k", "--url", "127.0.0.1:8787"]));
    assert!(said.contains("must begin with http://"), "{said}");
}

#[tokio::test]
async fn of_a_provider_that_wants_a_key_and_has_none_the_log_names_the_variable() {
    let settings = Settings {
        key: Some(PROVIDER_KEY.to_owned()),
        ..Settings::default()
    };
    let fake = FakeUpstream::with(settings).await.unwrap();
    let folder = world::Folder::new();
    let text = format!(
        "[[provider]]\nid = \"my-lab\"\ndialect = \"openai\"\nbase_url = \"{}\"\n\
         models = [{{ id = \"lab-m\", free = true }}]\n",
        fake.openai_url()
    );
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
    let serving = Serving::start(&folder, &[]);
    let body = Door::Chat.request("lab-m", "Hi", false);
    let ask = Ask::post(Door::Chat.path(), body).key(&serving.key);
    assert_eq!(serving.ask(&ask).await.status, 502);
    serving.log.until("VANE_MY_LAB_API_KEY").await;
}

#[tokio::test]
async fn who_asks_to_stop_a_second_time_does_not_wait() {
    let (folder, fake) = (world::Folder::new(), FakeUpstream::start().await.unwrap());
    let text = configuration(&fake, &fake).replace("sqlite::memory:", "sqlite:vane.db");
    std::fs::write(folder.0.join("vane.toml"), text).unwrap();
    let serving = Serving::start(&folder, &[("VANE_TIMEOUTS_DRAIN", "1h")]);
    fake.always(Answer::text("One two three").gate("g"));
    fake.gate("g").open(3);
    let body = Door::Chat.request("lab-m", "Hi", true);
    let ask = Ask::post(Door::Chat.path(), body).key(&serving.key);
    let mut running = serving.connect().await.begin(&ask).await;
    running.until("One", 1).await;
    serving.signal("-TERM");
    serving.log.until("asked once more").await;
    serving.signal("-TERM");
    let stopped = tokio::task::spawn_blocking(|| serving.stopped());
    let said = within("the end", stopped).await.unwrap();
    assert!(said.contains("calls were cut"), "{said}");
}
