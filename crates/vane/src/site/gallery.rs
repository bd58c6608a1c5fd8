//! Examples as pages show them, and the list of them as this process knows it.
//!
//! Invariants: what was asked and answered is text, which templates escape; a page never waits for
//! the database longer than one look, which is made every few seconds at most. Those that come with
//! Vane (`shipped`) stand behind those of the operator.

mod shipped;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use serde_json::Value;
use vane_catalog::Date;
use vane_ledger::{Example, Store};

use crate::gateway::Gateway;
use crate::playground::{Filled, Mode};

/// Others than this process save and drop examples.
const LOOKED_SECONDS: i64 = 5;
/// What a page of a model shows of a text; the playground has all of it.
const SHOWN_CHARS: usize = 600;
/// How many of a model its page shows.
const SHOWN_MAX: usize = 3;

/// The examples as of the last look.
pub struct Gallery {
    list: ArcSwap<Vec<Example>>,
    looked_at: AtomicI64,
}

impl Default for Gallery {
    fn default() -> Self {
        Self {
            list: ArcSwap::from_pointee(shipped::all()),
            looked_at: AtomicI64::new(i64::MIN),
        }
    }
}

impl Gallery {
    /// The examples as they were a moment ago.
    pub(super) async fn fresh(gateway: &Arc<Gateway>) -> Arc<Vec<Example>> {
        let (gallery, now) = (&gateway.gallery, gateway.clock.now());
        let looked_at = gallery.looked_at.load(Relaxed);
        let is_due = now.saturating_sub(looked_at) >= LOOKED_SECONDS || now < looked_at;
        if is_due && gallery.looked_at.swap(now, Relaxed) == looked_at {
            let store = gateway.store.clone();
            let looked = tokio::task::spawn_blocking(move || look(&store)).await;
            if let Ok(Some(found)) = looked
                && found != **gallery.list.load()
            {
                gallery.list.store(Arc::new(found));
            }
        }
        gallery.known()
    }

    /// The next page looks at once: something has changed by this process.
    pub(crate) fn look_again(&self) {
        self.looked_at.store(i64::MIN, Relaxed);
    }

    pub(super) fn known(&self) -> Arc<Vec<Example>> {
        self.list.load_full()
    }
}

/// `None` while the store is away: what was known stays.
fn look(store: &Store) -> Option<Vec<Example>> {
    let found = store.list_examples();
    let found = found.map(|own| own.into_iter().chain(shipped::all()).collect());
    found
        .inspect_err(|error| tracing::warn!(%error, "examples cannot be read; the last ones stay"))
        .ok()
}

/// An example on a page.
pub(crate) struct Shown {
    pub(crate) title: String,
    /// What it is, of whom and what it cost.
    pub(crate) says: String,
    pub(crate) href: String,
    /// What was asked, part by part, and the answer last.
    pub(crate) parts: Vec<Part>,
}

pub(crate) struct Part {
    pub(crate) label: &'static str,
    pub(crate) text: String,
}

impl Part {
    /// As a block of Markdown, whatever the text holds.
    pub(crate) fn indented(&self) -> String {
        // A carriage return alone ends a line too, and the next one would be no code.
        let text = self.text.replace('\r', " ");
        let lines = text.lines().map(|line| format!("    {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Those of a model, newest first.
pub(crate) fn of_model(examples: &[Example], model: &str) -> Vec<Shown> {
    let of_it = examples.iter().filter(|example| example.run.model == model);
    of_it.take(SHOWN_MAX).map(Shown::of).collect()
}

impl Shown {
    pub(crate) fn of(example: &Example) -> Self {
        let filled = filled(example);
        let asked = match filled.mode {
            Mode::Fim => "Before the gap",
            Mode::Chat | Mode::Completion | Mode::Embeddings => "Asked",
        };
        let parts = [
            ("Instructions", &filled.system),
            (asked, &filled.prompt),
            ("After the gap", &filled.suffix),
            ("Answer", &example.run.answer),
        ];
        let given = parts
            .into_iter()
            .filter(|(_, text)| !text.trim().is_empty());
        let parts = given.map(|(label, text)| Part {
            label,
            text: shortened(text),
        });
        Self {
            title: example.run.title.clone(),
            says: says(example),
            href: format!("/playground?example={}", example.id),
            parts: parts.collect(),
        }
    }
}

fn says(example: &Example) -> String {
    let day = Date::of(example.made_at);
    match (&example.run.call, example.cost) {
        (Some(call), Some(cost)) => format!(
            "A run at {}, saved on {day}. It cost ${cost}; receipt {call}.",
            example.provider
        ),
        (None, Some(_)) => format!(
            "A run of the weights that come with Vane, on {day}; they answer the same each time."
        ),
        _ => format!("An illustration, not a run; saved on {day}."),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// The form that asks the same.
pub(crate) fn filled(example: &Example) -> Filled {
    let asked: Value = serde_json::from_str(&example.run.asked).unwrap_or_default();
    let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
    Filled {
        mode: Mode::of_name(&example.run.mode).unwrap_or_default(),
        model: example.run.model.clone(),
        system: text("system"),
        prompt: text("prompt"),
        suffix: text("suffix"),
        tools: text("tools"),
        temperature: text("temperature"),
        top_p: text("top_p"),
        max_tokens: text("max_tokens"),
        stop: text("stop"),
        ..Filled::default()
    }
}
