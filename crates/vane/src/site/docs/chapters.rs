//! Every page of the documentation: its address, the file that it is written in, and its place.
//!
//! Invariants: the text of a page is one Markdown file of the repository, built in, or made of the
//! routes; its title is its first line. Pages stand in the order in which they are read.

use std::sync::LazyLock;

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) chapters: &'static [Chapter],
}

pub(crate) struct Chapter {
    pub(crate) path: &'static str,
    /// From the root of the repository: what links between files are resolved against.
    pub(crate) file: &'static str,
    /// One line for lists and search engines.
    pub(crate) about: &'static str,
    source: Source,
}

/// Where the text of a page comes from.
enum Source {
    File(&'static str),
    /// All other pages with what each is about.
    Others,
    /// The routes.
    Api,
}

/// `chapter!("/docs/keys", "docs/keys.md", "What it is about.")`
macro_rules! chapter {
    ($path:literal, $file:literal, $about:literal) => {
        Chapter {
            path: $path,
            file: $file,
            about: $about,
            source: Source::File(include_str!(concat!("../../../../../", $file))),
        }
    };
}

/// The first page, which is made of the others.
pub(crate) const INDEX: Chapter = Chapter {
    path: "/docs",
    file: "docs",
    about: "How to call models through Vane, what it costs, and how to run it.",
    source: Source::Others,
};

pub(crate) const PARTS: &[Part] = &[
    Part {
        name: "Start",
        chapters: &[
            chapter!(
                "/docs/quickstart",
                "docs/quickstart.md",
                "From nothing to a first answer in a minute."
            ),
            chapter!(
                "/docs/clients",
                "docs/clients.md",
                "Settings for coding tools, editors and SDKs, each in a few lines."
            ),
            chapter!(
                "/docs/moving",
                "docs/moving.md",
                "What changes for a program that calls OpenRouter or a provider itself."
            ),
            chapter!(
                "/docs/moving-from-litellm",
                "docs/moving-from-litellm.md",
                "A LiteLLM proxy's configuration and keys, taken over by one command."
            ),
        ],
    },
    Part {
        name: "Use cases",
        chapters: &[
            chapter!(
                "/use-cases/openai-sdk",
                "docs/use-cases/openai-sdk.md",
                "OpenAI's SDKs for Python and JavaScript, with any model."
            ),
            chapter!(
                "/use-cases/anthropic-sdk",
                "docs/use-cases/anthropic-sdk.md",
                "Anthropic's SDKs for Python and JavaScript, with any model."
            ),
            chapter!(
                "/use-cases/claude-code",
                "docs/use-cases/claude-code.md",
                "Claude Code with Claude, or with any other model that calls tools."
            ),
            chapter!(
                "/use-cases/codex",
                "docs/use-cases/codex.md",
                "Codex with models of any provider."
            ),
            chapter!(
                "/use-cases/continue",
                "docs/use-cases/continue.md",
                "Completion and chat in VS Code and JetBrains through Continue."
            ),
            chapter!(
                "/use-cases/zed",
                "docs/use-cases/zed.md",
                "Edit predictions and the agent panel of Zed."
            ),
            chapter!(
                "/use-cases/litellm",
                "docs/use-cases/litellm.md",
                "LiteLLM as a client: chat and fill in the middle."
            ),
        ],
    },
    Part {
        name: "Calling models",
        chapters: &[
            Chapter {
                path: "/docs/api",
                file: "docs/api.md",
                about: "Every route, what it takes and what it answers.",
                source: Source::Api,
            },
            chapter!(
                "/docs/fim",
                "docs/fim.md",
                "Code completion between a prefix and a suffix, and as you type."
            ),
            chapter!(
                "/docs/playground",
                "docs/playground.md",
                "Trying models from a page: who may, what guests get, and examples."
            ),
            chapter!(
                "/docs/routing",
                "docs/routing.md",
                "Which provider answers a call, in what order others are tried, and how to narrow it."
            ),
            chapter!(
                "/docs/headers",
                "docs/headers.md",
                "What Vane reads and writes beyond the dialects."
            ),
            chapter!(
                "/docs/errors",
                "docs/errors.md",
                "Every error: what it looks like, its cause, its cure."
            ),
        ],
    },
    Part {
        name: "Money and keys",
        chapters: &[
            chapter!(
                "/docs/billing",
                "docs/billing.md",
                "How a cost is computed and rounded, what is held, and what is an estimate."
            ),
            chapter!(
                "/docs/keys",
                "docs/keys.md",
                "Keys, their budgets and limits, and rotation."
            ),
            chapter!(
                "/docs/roles",
                "docs/roles.md",
                "Members of an account and what each may do."
            ),
            chapter!(
                "/docs/people",
                "docs/people.md",
                "Signing in, invitations, the console, and what protects them."
            ),
            chapter!(
                "/docs/payments",
                "docs/payments.md",
                "Topping up by card: set up, events, refunds and disputes."
            ),
            chapter!(
                "/docs/reconcile",
                "docs/reconcile.md",
                "A provider's bill compared with the receipts, day by day."
            ),
        ],
    },
    Part {
        name: "Running it",
        chapters: &[
            chapter!(
                "/docs/self-hosting",
                "docs/self-hosting.md",
                "From a build to a service behind TLS, with backups."
            ),
            chapter!(
                "/docs/configuration",
                "docs/configuration.md",
                "Every key, its default and its variable."
            ),
            chapter!(
                "/docs/providers",
                "docs/providers.md",
                "The providers that are known, and what switches each on."
            ),
            chapter!(
                "/docs/catalog",
                "docs/catalog.md",
                "Prices and models of your own, reviewed and dated."
            ),
            chapter!(
                "/docs/weights",
                "docs/weights.md",
                "Weights on this machine: pulled, checked, timed, and their tokenizers."
            ),
            chapter!(
                "/docs/operations",
                "docs/operations.md",
                "Files, databases, signals, health, metrics and logs."
            ),
            chapter!(
                "/docs/scaling",
                "docs/scaling.md",
                "One machine or many: what changes, and what does not."
            ),
            chapter!(
                "/docs/security",
                "docs/security.md",
                "What is kept safe, how, and what is left to you."
            ),
        ],
    },
    Part {
        name: "Reference",
        chapters: &[
            chapter!(
                "/docs/glossary",
                "docs/glossary.md",
                "One word for one thing: the words of these pages."
            ),
            chapter!(
                "/docs/changelog",
                "CHANGELOG.md",
                "What changed for people who run or call Vane."
            ),
        ],
    },
];

/// Every page that is a file, in order.
pub(crate) fn all() -> impl Iterator<Item = &'static Chapter> {
    PARTS.iter().flat_map(|part| part.chapters)
}

/// The page at an address.
pub(crate) fn at(path: &str) -> Option<&'static Chapter> {
    all().find(|chapter| chapter.path == path)
}

/// The pages before and after this one.
pub(crate) fn around(path: &str) -> (Option<&'static Chapter>, Option<&'static Chapter>) {
    let Some(place) = all().position(|chapter| chapter.path == path) else {
        return (None, all().next());
    };
    let before = place.checked_sub(1).and_then(|place| all().nth(place));
    (before, all().nth(place + 1))
}

impl Chapter {
    pub(crate) fn title(&self) -> &'static str {
        let first = self.text().lines().next().unwrap_or_default();
        first.trim_start_matches("# ")
    }

    /// The Markdown, with links between files.
    pub(crate) fn text(&self) -> &'static str {
        match self.source {
            Source::File(text) => text,
            Source::Others => &OVERVIEW,
            Source::Api => &API,
        }
    }
}

static API: LazyLock<String> = LazyLock::new(crate::openapi::reference);

static OVERVIEW: LazyLock<String> = LazyLock::new(|| {
    let mut out = format!("# Documentation\n\n{}\n", INDEX.about);
    for part in PARTS {
        out += &format!("\n## {}\n\n", part.name);
        for chapter in part.chapters {
            let (title, about) = (chapter.title(), chapter.about);
            out += &format!("- [{title}]({}): {about}\n", chapter.path);
        }
    }
    out
});
