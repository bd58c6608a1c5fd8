//! Each case is a file, variables, and what must come of them.

use super::*;

mod documented;
mod payments;

/// A file of its own for each test, gone with it.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let unique = format!("vane-config-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(super) fn read(name: &str, text: &str, variables: &[(&str, &str)]) -> Reading {
    let file = File::new(name, text);
    let environment = variables.iter().copied().collect();
    Config::read(Some(&file.0), &environment)
}

pub(super) fn good(name: &str, text: &str, variables: &[(&str, &str)]) -> Config {
    let reading = read(name, text, variables);
    assert_eq!(reading.problems, [], "{text}");
    reading.config.unwrap()
}

/// Whether a provider is on beside this machine, which is where nothing else is.
pub(super) fn has_others(config: &Config) -> bool {
    let mut providers = config.providers.iter();
    providers.any(|row| row.id != crate::local::PROVIDER)
}

/// The problems as people see them, without the folder.
pub(super) fn problems(name: &str, text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let reading = read(name, text, variables);
    assert!(reading.config.is_none() || reading.problems.is_empty());
    let short = |problem: &Problem| {
        let shown = problem.to_string();
        shown
            .split_once(&format!("-{name}:"))
            .map_or(shown.clone(), |(_, rest)| rest.to_owned())
    };
    reading.problems.iter().map(short).collect()
}

#[test]
fn without_file_and_variables_there_are_defaults() {
    let (config, warnings) = Config::load(None, &Environment::default()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.database.0, "sqlite:vane.db");
    assert!(config.auth && config.secret.is_none() && config.tls.is_none());
    assert_eq!(config.limits.body_bytes_max, 33_554_432);
    assert_eq!(config.timeouts.stream, Duration::from_secs(3_600));
    assert_eq!(config.retries.attempts_max, 4);
    assert!(!has_others(&config) && warnings.is_empty());
}

#[test]
fn r7_a_missing_file_is_a_problem() {
    let path = std::path::Path::new("no/such/vane.toml");
    let problems = Config::load(Some(path), &Environment::default()).unwrap_err();
    assert!(
        problems[0]
            .to_string()
            .contains("cannot read the configuration no/such/vane.toml")
    );
}

#[test]
fn r7_every_problem_is_reported_at_once_with_its_place() {
    let text = r#"lisen = "127.0.0.1:1"
workers = 0
auth = "of"
[limits]
body_bytes_max = "32mib"
frame_bytes = 3
[timeouts]
idle = 0
connect = true
[[provider]]
id = "lab"
base_url = "ftp://lab"
dialect = "opnai"
quirks = ["no_sed"]
"#;
    let found = problems("all", text, &[("VANE_RETRIES_ATTEMPTS_MAX", "many")]);
    let expected = [
        "1:1: `lisen` is not a key of the configuration; did you mean `listen`?",
        "2:11: `workers` must be an integer from 1 to 1024",
        "3:8: `auth` must be \"on\" or \"off\"; did you mean `off`?",
        "5:18: `limits.body_bytes_max` must be a size from 1KiB to 1GiB",
        "6:1: `limits.frame_bytes` is not a key of the configuration; did you mean \
         `frame_bytes_max`?",
        "8:8: `timeouts.idle` must be a time from 1ms to 24h, such as 5 (seconds) or \"5s\"",
        "9:11: `timeouts.connect` must be a time such as \"5s\", not true or false",
        "12:12: `lab.base_url` must be a URL such as \"https://api.example.com/v1\"",
        "13:11: `lab.dialect` must be \"openai\" or \"anthropic\" or \"mistral\"; did you mean \
         `openai`?",
        "14:10: `lab.quirks` names no quirk with `no_sed`; did you mean `no_seed`?",
        "VANE_RETRIES_ATTEMPTS_MAX: `retries.attempts_max` must be an integer from 1 to 32",
    ];
    assert_eq!(found, expected);
}

#[test]
fn s16_addresses_of_ipv4_in_ipv6_are_read_as_those_of_ipv4() {
    for (network, holds, not) in [
        ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.1"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.0.0.1"),
        ("2001:db8::/32", "2001:db8::1", "2001:db9::1"),
        ("::/0", "2001:db8::1", "10.0.0.1"),
    ] {
        let config = good("mapped", &format!("trusted_proxies = ['{network}']"), &[]);
        let trusted = config.trusted_proxies[0];
        assert!(trusted.contains(holds.parse().unwrap()), "{network}");
        assert!(!trusted.contains(not.parse().unwrap()), "{network}");
    }
    let config = good("loopback", "listen = '[::ffff:127.0.0.1]:8787'", &[]);
    assert!(config.listen.ip().is_loopback());
}

#[test]
fn every_line_that_is_no_toml_is_reported_alone() {
    let found = problems("syntax", "listen = \nworkers = 3\nauth == 1\n", &[]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("1:") && found[1].starts_with("3:"),
        "{found:?}"
    );
}

/// A row of the catalogue, to which a case adds a line.
const KNOWN: &str = "[[provider]]\nid = 'mistral'\napi_key = 'k'\n";
/// A row of the operator's own.
const OWN: &str = "[[provider]]\nid = 'lab'\nbase_url = 'http://lab/v1'\ndialect = 'openai'\n";

/// What stands above, the text at fault, and what is said of it.
const FAULTS: &[(&str, &str, &str)] = &[
    ("", "listen = 8787", "must be text, not an integer"),
    ("", "listen = 'localhost'", "an address and port"),
    (
        "",
        "database = 'postgres://me:hunter2@db:port/vane'",
        "postgres://USER:PASSWORD@HOST",
    ),
    ("", "database = 'vane.db'", "sqlite:PATH"),
    ("", "secret = 'abc'", "64 hexadecimal digits"),
    (
        "",
        "secret = 'env:NOT_THERE'",
        "the variable NOT_THERE, which is not set",
    ),
    (
        "",
        "secret = 'file:no/such'",
        "the file no/such, which cannot be read",
    ),
    ("", "trusted_proxies = ['10.0.0.0/33']", "ranges such as"),
    ("", "hosts = ['https://a.b']", "host names alone"),
    ("", "metrics_public = 'yes'", "true or false"),
    ("", "log = 'vane=loud'", "a level such as"),
    ("", "limits = 3", "must be a table, not an integer"),
    (
        "",
        "[[local]]\nid = 'x'\nfree = true\nweights = '/'\ndevice = 'gpu'",
        "must be \"auto\" or \"cpu\" or \"cuda\" or \"metal\"",
    ),
    #[cfg(not(feature = "cuda"))]
    (
        "",
        "[[local]]\nid = 'x'\nfree = true\nweights = '/'\ndevice = 'cuda'",
        "this build cannot use it: one of `--features cuda` can",
    ),
    #[cfg(not(feature = "metal"))]
    (
        "",
        "[[local]]\nid = 'x'\nfree = true\nweights = '/'\ndevice = 'metal'",
        "this build cannot use it: one of `--features metal` can",
    ),
    ("", "limits.connections_max = 0", "from 1 to 1000000"),
    (
        "",
        "limits.connections_max = 1.5",
        "not a number with a point",
    ),
    ("", "timeouts.stream = '25h'", "from 1ms to 24h"),
    ("", "retries.budget_percent = 101", "from 0 to 100"),
    (
        "",
        "outbound.https_proxy = 'socks5://me:hunter2@p'",
        "must be a proxy such as",
    ),
    (
        "",
        "outbound.extra_ca = ['no/such.pem']",
        "a file that is not there",
    ),
    ("", "tls.cert = 'Cargo.toml'", "`tls.key` is missing"),
    ("", "provider.mistral = 3", "[[provider]]"),
    ("", "[[provider]]\nbase_url = 'http://lab'", "needs an `id`"),
    ("", "[[provider]]\nid = 'a b'", "of small letters"),
    (
        "",
        "[[provider]]\nid = 'mistral'",
        "missing; set MISTRAL_API_KEY",
    ),
    (
        "",
        "[[provider]]\nid = 'azure'\napi_key = 'k'",
        "`azure.base_url` is missing",
    ),
    (
        "",
        "[[provider]]\nid = 'lab'\ndialect = 'openai'",
        "`lab.base_url` is missing",
    ),
    (
        "",
        "[[provider]]\nid = 'lab'\nbase_url = 'http://l'",
        "`lab.dialect` is missing",
    ),
    (KNOWN, KNOWN, "stands in another [[provider]]"),
    (
        KNOWN,
        "base_url = 'http://127.0.0.1:8787/v1'",
        "Vane's own address",
    ),
    (
        KNOWN,
        "base_url = 'http://me:hunter2@h/'",
        "must not hold credentials",
    ),
    (KNOWN, "h2c = true", "HTTP/2 without TLS"),
    (KNOWN, "baseurl = 'http://h'", "did you mean `base_url`?"),
    (
        KNOWN,
        "headers = { a = 'env:NOT_THERE' }",
        "header \"a\" that names the variable",
    ),
    (OWN, "api_key = 'two words'", "no header can carry"),
    (OWN, "auth = 'bearer'", "`lab.api_key` is missing"),
    (OWN, "speaks = { openai_chat = '/c' }", "beside `dialect`"),
    (OWN, "models = [{ id = 'm' }]", "no price"),
    (OWN, "models = [{ free = true }]", "an `id` in every row"),
    (
        OWN,
        "models = [{ id = 'm', input = '0', output = '0' }]",
        "`free = true`",
    ),
    (
        OWN,
        "models = [{ id = 'm', input = '1', free = true }]",
        "needs both",
    ),
    (
        OWN,
        "models = [{ id = 'm', input = 0.3, output = '1' }]",
        "as text such as",
    ),
    (
        OWN,
        "models = [{ id = 'm', input = '1', output = '1', free = true }]",
        "beside a price",
    ),
    (
        OWN,
        "models = [{ id = 'm', free = true, visoin = true }]",
        "mean `vision`",
    ),
];

#[test]
fn one_problem_each() {
    for (above, fault, said) in FAULTS {
        let text = format!("{above}{fault}\n");
        let found = problems("each", &text, &[]);
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert!(found[0].contains(said), "{text}\n{found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn s6_the_password_of_a_database_is_not_shown() {
    let url = "postgres://me:hunter2@db/vane?sslmode=verify-full";
    let config = good("postgres", "", &[("VANE_DATABASE", url)]);
    assert_eq!(config.database.0, url);
    assert!(!format!("{config:?}").contains("hunter2"));
    let text = "database = 'env:BOOKS'";
    let config = good("postgres-env", text, &[("BOOKS", url)]);
    assert_eq!(config.database.0, url);
}

#[test]
fn a_variable_wins_over_the_file() {
    let text = "listen = '127.0.0.1:1'\nhosts = ['a.b']\n[limits]\nbody_bytes_max = '1MiB'\n\
                [timeouts]\nconnect = 7\n";
    let config = good(
        "wins",
        text,
        &[
            ("VANE_LISTEN", "127.0.0.1:2"),
            ("VANE_HOSTS", "c.d, e.f"),
            ("VANE_LIMITS_BODY_BYTES_MAX", "2MiB"),
            ("VANE_METRICS_PUBLIC", "true"),
            ("VANE_WORKERS", ""),
        ],
    );
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.hosts, ["c.d", "e.f"]);
    assert_eq!(config.limits.body_bytes_max, 2 << 20);
    assert!(config.metrics_public);
    assert_eq!(config.timeouts.connect, Duration::from_secs(7));
}

#[test]
fn an_unknown_variable_is_warned_of() {
    let reading = read(
        "unknown",
        "",
        &[("VANE_LISTN", "x"), ("VANE_URL", "http://a")],
    );
    assert_eq!(reading.problems, []);
    let shown: Vec<String> = reading.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["`VANE_LISTN` is not a variable of Vane; did you mean `VANE_LISTEN`?"]
    );
}

#[test]
fn r7_s5_an_open_relay_is_refused() {
    let secret = "0123456789abcdef".repeat(4);
    let beyond = ("VANE_LISTEN", "0.0.0.0:8787");
    let memory = ("VANE_DATABASE", "sqlite::memory:");
    let found = problems("open", "auth = 'off'", &[beyond, memory]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("`auth` may be \"off\" only while"));
    assert!(found[1].contains("openssl rand -hex 32"));

    good("closed", "", &[beyond, memory, ("VANE_SECRET", &secret)]);
    good("local", "auth = 'off'", &[]);

    let folder = std::env::temp_dir().join(format!("vane-secret-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let database = format!("sqlite:{}", folder.join("vane.db").display());
    let beside = [beyond, ("VANE_DATABASE", database.as_str())];
    assert_eq!(problems("without", "", &beside).len(), 1);
    std::fs::write(folder.join("vane.secret"), &secret).unwrap();
    good("beside", "", &beside);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn s6_no_secret_is_printed() {
    let canary = "canary-5f2e";
    let file = File::new("canary", canary);
    let text = format!(
        "secret = 'file:{}'\n[outbound]\nhttps_proxy = 'http://me:{canary}@proxy:1'\n\
         [[provider]]\nid = 'mistral'\napi_key = '{canary}'\n\
         headers = {{ x-team = '{canary}' }}\n",
        file.0.display(),
    );
    let reading = read(
        "secrets",
        &text,
        &[("GEMINI_API_KEY", canary), ("VANE_LOG", canary)],
    );
    assert!(!format!("{:?}{:?}", reading.problems, reading.warnings).contains(canary));
    let mut found = reading.problems.iter().map(ToString::to_string);
    assert!(found.any(|found| found.contains("64 hexadecimal digits")));

    let good = text.lines().skip(1).collect::<Vec<_>>().join("\n");
    let environment = [("GEMINI_API_KEY", canary)].into_iter().collect();
    let path = File::new("secrets-good", &good);
    let reading = Config::read(Some(&path.0), &environment);
    let config = reading.config.unwrap();
    assert_eq!(
        config.providers[0].headers,
        [("x-team".to_owned(), canary.to_owned())]
    );
    assert!(!format!("{config:?}{environment:?}").contains(canary));
    assert_eq!(reading.warnings.len(), 1);
    assert!(reading.warnings[0].to_string().contains("is written out"));
}

#[test]
fn s6_a_secret_on_a_broken_line_is_not_printed() {
    let found = problems(
        "broken",
        "api_key = canary-5f2e\nsecret = 'canary-5f2e\n",
        &[],
    );
    assert!(
        !found.is_empty() && !found.concat().contains("canary"),
        "{found:?}"
    );
}

#[test]
fn the_usual_variables_switch_providers_on() {
    let ids = |variables: &[(&str, &str)]| {
        let config = good("on", "[engine]\ntiny = false", variables);
        let row = |row: &Provider| {
            (
                row.id.clone(),
                row.base_url.clone(),
                row.api_key.as_ref().map(|key| key.0.clone()),
            )
        };
        config.providers.iter().map(row).collect::<Vec<_>>()
    };
    let row = |id: &str, url: &str, key: Option<&str>| {
        (id.to_owned(), url.to_owned(), key.map(str::to_owned))
    };
    let mistral = "https://api.mistral.ai/v1";
    assert_eq!(ids(&[]), []);
    assert_eq!(
        ids(&[("MISTRAL_API_KEY", "k")]),
        [row("mistral", mistral, Some("k"))]
    );
    assert_eq!(
        ids(&[("GOOGLE_API_KEY", "b"), ("GEMINI_API_KEY", "a")]),
        [row(
            "google",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            Some("a")
        )]
    );
    assert_eq!(
        ids(&[
            ("MISTRAL_API_KEY", "k"),
            ("VANE_MISTRAL_BASE_URL", "http://fake/v1/")
        ]),
        [row("mistral", "http://fake/v1", Some("k"))]
    );
    assert_eq!(
        ids(&[("VANE_OLLAMA_BASE_URL", "http://10.0.0.5:11434/v1")]),
        [row("ollama", "http://10.0.0.5:11434/v1", None)]
    );
    let misleading = [
        ("OPENAI_BASE_URL", "http://x"),
        ("MISTRAL_BASE_URL", "http://x"),
    ];
    assert_eq!(
        ids(&[misleading[0], misleading[1], ("MISTRAL_API_KEY", "k")]),
        [row("mistral", mistral, Some("k"))]
    );
}

#[test]
fn a_provider_that_lacks_half_is_warned_of_and_off() {
    for (variables, at) in [
        (("AZURE_API_KEY", "k"), "VANE_AZURE_BASE_URL"),
        (
            ("VANE_MISTRAL_BASE_URL", "http://fake"),
            "VANE_MISTRAL_BASE_URL",
        ),
    ] {
        let reading = read("half", "", &[variables]);
        assert_eq!(reading.problems, []);
        assert!(!has_others(&reading.config.unwrap()));
        assert_eq!(reading.warnings.len(), 1);
        assert_eq!(reading.warnings[0].0.key, at);
    }
}

#[test]
fn rows_take_their_defaults_from_the_catalogue_or_say_everything() {
    let text = r#"
[[provider]]
id = "mistral"
[[provider]]
id = "lab"
dialect = "openai"
base_url = "http://10.0.0.5:8000/v1/"
h2c = true
quirks = ["no_seed"]
models = [{ id = "coder", upstream = "Q/C", input = "0", output = "0", free = true, fim = true }]
[[provider]]
id = "other"
speaks = { openai_responses = "/responses" }
base_url = "env.example"
auth = "none"
[[provider]]
id = "ollama"
api_key = "file:PATH"
models = [{ id = "llama", free = true }]
"#;
    let key = File::new("key", "from a file\n".replace(' ', "-").as_str());
    let text = text.replace("PATH", &key.0.display().to_string());
    let config = good(
        "rows",
        &text,
        &[
            ("MISTRAL_API_KEY", "k"),
            ("VANE_OTHER_BASE_URL", "https://o.example"),
        ],
    );
    let [mistral, lab, other, ollama] = config.providers.as_slice() else {
        panic!("four")
    };
    assert!(mistral.speaks.is_empty() && mistral.auth.is_none());
    assert_eq!(mistral.api_key, Some(Secret("k".to_owned())));
    assert_eq!(lab.base_url, "http://10.0.0.5:8000/v1");
    assert_eq!(lab.speaks.len(), 3);
    assert_eq!(
        (lab.models[0].id.as_str(), lab.models[0].upstream.as_str()),
        ("coder", "Q/C")
    );
    assert!(lab.models[0].free && lab.models[0].fim && !lab.models[0].tools && lab.h2c);
    assert_eq!(lab.quirks, [vane_dialect::quirk::Quirk::NoSeed]);
    assert_eq!(other.base_url, "https://o.example");
    let responses = (
        vane_dialect::Dialect::OpenaiResponses,
        "/responses".to_owned(),
    );
    assert_eq!(other.speaks, [responses]);
    assert_eq!(ollama.api_key, Some(Secret("from-a-file".to_owned())));
    assert_eq!(ollama.auth, Some(Auth::Bearer));
    assert_eq!(
        (
            ollama.models[0].id.as_str(),
            ollama.models[0].upstream.as_str()
        ),
        ("llama", "")
    );
}

#[test]
fn a_provider_may_serve_only_models_that_the_catalogue_has_there() {
    let row =
        |only: &str| format!("[[provider]]\nid = \"openai\"\napi_key = \"k\"\nonly = {only}\n");
    let only = |text: &str, variables: &[(&str, &str)]| {
        let config = good("only", text, variables);
        let catalog = catalog(&config).unwrap();
        let offers = catalog.offers().iter();
        let here = offers.filter(|offer| offer.provider == "openai");
        here.map(|offer| offer.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(only(&row(r#"["gpt-5-mini"]"#), &[]), ["gpt-5-mini"]);
    let variable = ("VANE_OPENAI_ONLY", "gpt-4o, gpt-5-mini");
    assert_eq!(only(&row("[]"), &[variable]), ["gpt-4o", "gpt-5-mini"]);
    // Without a row, and for a key that the console will keep.
    let key = ("OPENAI_API_KEY", "k");
    assert_eq!(only("", &[variable, key]), ["gpt-4o", "gpt-5-mini"]);
    let config = good("only", "", &[variable]);
    let config = config.with_kept_keys(vec![("openai".to_owned(), Secret("k".to_owned()))]);
    let kept = config
        .providers
        .iter()
        .find(|row| row.id == "openai")
        .unwrap();
    assert_eq!(kept.only.as_ref().unwrap().len(), 2);
    for (only, said) in [
        (
            r#"["gpt5-mini"]"#,
            "`openai.only` names no model of the catalogue at `openai` with `gpt5-mini`; did you mean `gpt-5-mini`?",
        ),
        (
            r#"["gpt-5-mini", "claude-sonnet-4-5"]"#,
            "with `claude-sonnet-4-5`",
        ),
        (r#""gpt-5-mini""#, "`openai.only` must be a list"),
        ("[1]", "`openai.only` must be text"),
    ] {
        let found = problems("only", &row(only), &[]);
        assert!(
            found.len() == 1 && found[0].contains(said),
            "{only}: {found:?}"
        );
    }
}
