//! What works now: providers by their breakers and what was asked of them, and this server's own
//! parts; and how it went in the last day and month (`lately`).
//!
//! Invariants: what is said of now is of this process, since its configuration was read, what is
//! said of hours and days of all replicas; what nobody asked is unknown, and never good or bad. Reasons that may name a file or a host are
//! for the log alone.

mod feed;
mod lately;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use askama::Template;
use serde_json::{Value, json};
use vane_catalog::Status::Retired;

use super::measured::known;
use super::row::Named;
use super::sheet::{ATOM, JSON, MARKDOWN, Pressing, Sheet};
use super::write::{Fallible, Written, paired_sheet};
use super::{Frame, Page, View, counted};
use crate::gateway::Gateway;
use crate::upstream::{Breaker, Measured, Offer, Standing};
use feed::Feed;
use lately::{Lately, OfferLine};

/// How something stands, as a word and as a class of the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing was asked, so nothing is known.
    Unknown,
    Works,
    /// Some of it.
    Partly,
    Down,
}

impl State {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Unknown => "none",
            Self::Works => "good",
            Self::Partly => "fair",
            Self::Down => "poor",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Works => "works",
            Self::Partly => "partly",
            Self::Down => "down",
        }
    }
}

pub(crate) struct ProviderLine {
    pub(crate) provider: Named,
    pub(crate) state: State,
    pub(crate) says: String,
    pub(crate) offers: usize,
    pub(crate) benched: usize,
    pub(crate) attempts: u64,
    pub(crate) faults: u64,
    /// The kind of the last failure, and how many seconds ago it was.
    pub(crate) last: Option<(String, u64)>,
    /// Where anybody asked within the month.
    pub(crate) lately: Option<Lately>,
}

pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    pub(crate) says: String,
}

pub(crate) struct Status {
    pub(crate) providers: Vec<ProviderLine>,
    pub(crate) offers: Vec<OfferLine>,
    pub(crate) parts: Vec<Part>,
    pub(crate) at: i64,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'s> {
    frame: Frame,
    status: &'s Status,
    says: String,
}

#[derive(Template)]
#[template(path = "status.markdown", whitespace = "preserve")]
struct StatusTwin<'s> {
    status: &'s Status,
    says: String,
}

impl Status {
    pub(crate) fn of(view: &View<'_>, gateway: &Gateway) -> Self {
        let providers = view.state.offers.providers.iter();
        let mut providers: Vec<ProviderLine> = providers
            .enumerate()
            .map(|(place, provider)| {
                let offers = view.state.offers.iter();
                let own = offers.filter(|offer| {
                    offer.provider.id == provider.id && offer.facts.status != Retired
                });
                let own: Vec<&Offer> = own.map(AsRef::as_ref).collect();
                ProviderLine::of(view, (place, &provider.id), &provider.breaker, &own)
            })
            .collect();
        providers.sort_by_key(|line| line.provider.name.to_lowercase());
        Self {
            providers,
            offers: OfferLine::all(view),
            parts: parts(gateway),
            at: view.now,
        }
    }

    pub(crate) fn written(&self, view: &View<'_>, page: Page) -> Fallible<Written> {
        let says = self.says();
        let sheet = match page {
            Page::StatusJson => {
                let text = self.json().to_string();
                Sheet::new(JSON, text.as_bytes(), Pressing::Once)?
            }
            Page::StatusFeed => {
                let text = Feed::of(view, self).render()?;
                Sheet::new(ATOM, text.as_bytes(), Pressing::Once)?
            }
            Page::StatusTwin => {
                let text = StatusTwin { status: self, says }.render()?;
                let sheet = Sheet::new(MARKDOWN, text.as_bytes(), Pressing::Once)?;
                sheet.beside("/status", "rel=\"canonical\"")
            }
            _ => {
                let about = "What works on this server now: providers and its own parts.";
                let frame = Frame::new(view, "/status", "Status \u{00b7} Vane", about)
                    .with_twin("/status.md".to_owned());
                let page = StatusPage {
                    frame,
                    status: self,
                    says,
                };
                paired_sheet(&page, "/status.md", Pressing::Once)?
            }
        };
        Ok(Written::Page(Arc::new(sheet.of_now())))
    }

    fn has_traffic(&self) -> bool {
        self.providers.iter().any(|line| line.lately.is_some())
    }

    /// The whole in a sentence.
    fn says(&self) -> String {
        if self.parts.iter().any(|part| part.state == State::Down) {
            return "This server does not take calls just now.".to_owned();
        }
        let is = |state| {
            self.providers
                .iter()
                .filter(move |line| line.state == state)
        };
        let (down, partly) = (is(State::Down).count(), is(State::Partly).count());
        match (self.providers.len(), down, partly) {
            (0, ..) => "Calls are taken, and no provider is switched on.".to_owned(),
            (_, 0, 0) => "Calls are taken, and no provider is known to fail.".to_owned(),
            (_, 0, partly) => format!("Calls are taken; {} in part.", fails(partly)),
            (_, down, _) => format!("Calls are taken; {}.", fails(down)),
        }
    }

    fn json(&self) -> Value {
        let provider = |line: &ProviderLine| {
            let last = line.last.as_ref();
            json!({
                "id": line.provider.id,
                "name": line.provider.name,
                "state": line.state.name(),
                "says": line.says,
                "offers": line.offers,
                "offers_benched": line.benched,
                "attempts": line.attempts,
                "faults": line.faults,
                "last_fault": last.map(|(kind, ago)| json!({ "kind": kind, "seconds_ago": ago })),
                "lately": line.lately.as_ref().map(Lately::json),
            })
        };
        let part = |part: &Part| json!({ "name": part.name, "state": part.state.name(), "says": part.says });
        json!({
            "object": "status",
            "at": self.at,
            "providers": self.providers.iter().map(provider).collect::<Vec<_>>(),
            "offers": self.offers.iter().map(OfferLine::json).collect::<Vec<_>>(),
            "parts": self.parts.iter().map(part).collect::<Vec<_>>(),
        })
    }
}

fn fails(count: usize) -> String {
    match count {
        1 => "1 provider fails".to_owned(),
        count => format!("{count} providers fail"),
    }
}

impl ProviderLine {
    /// Hours and days in which anybody asked.
    pub(crate) fn cells(&self) -> Vec<(&str, Measured)> {
        let Some(lately) = &self.lately else {
            return Vec::new();
        };
        let mut cells = known(&lately.hours);
        cells.extend(known(&lately.days));
        cells
    }

    fn of(view: &View<'_>, (place, id): (usize, &str), key: &Breaker, offers: &[&Offer]) -> Self {
        let sum = |count: fn(&Offer) -> u64| offers.iter().map(|offer| count(offer)).sum::<u64>();
        let attempts = sum(|offer| offer.tally.attempts.load(Relaxed));
        let faults = sum(|offer| offer.tally.faults.load(Relaxed));
        let is_benched = |offer: &&&Offer| offer.breaker.standing() != Standing::Closed;
        let benched = offers.iter().filter(is_benched).count();
        let last = offers.iter().filter_map(|offer| offer.last_fault());
        let last = last.min_by_key(|(_, ago)| *ago);
        let (state, mut says) = standing(key, benched, attempts, faults);
        let provider = Named::provider(view, id);
        let lately = Lately::of(view, &provider.name, place, offers);
        if state == State::Unknown && lately.is_some() {
            "not asked by this process yet".clone_into(&mut says);
        }
        Self {
            provider,
            lately,
            state,
            says,
            offers: offers.len(),
            benched,
            attempts,
            faults,
            last: last.map(|(kind, ago)| (format!("{kind:?}"), ago.as_secs())),
        }
    }

    pub(crate) fn last_fault(&self) -> Option<String> {
        let (kind, ago) = self.last.as_ref()?;
        Some(format!("{kind}, {}", since(Duration::from_secs(*ago))))
    }
}

/// How a provider stands, from its breakers and from what was asked of it.
fn standing(key: &Breaker, benched: usize, attempts: u64, faults: u64) -> (State, String) {
    match key.standing() {
        Standing::Open { for_ms } => {
            let seconds = for_ms.div_ceil(1_000);
            let says = format!("benched for {seconds} s more: its credential was refused");
            return (State::Down, says);
        }
        Standing::HalfOpen => {
            return (
                State::Partly,
                "the next call tries its credential".to_owned(),
            );
        }
        Standing::Closed => {}
    }
    match (benched, attempts, faults) {
        (0, 0, _) => (State::Unknown, "no traffic yet".to_owned()),
        (0, attempts, faults) if faults >= attempts => {
            (State::Partly, "every attempt failed so far".to_owned())
        }
        (0, ..) => (State::Works, "answers".to_owned()),
        (benched, ..) => {
            let says = format!("{} benched after failures", counted(benched, "offer"));
            (State::Partly, says)
        }
    }
}

/// `less than a minute ago`, `12 minutes ago`.
fn since(ago: Duration) -> String {
    match ago.as_secs() / 60 {
        0 => "less than a minute ago".to_owned(),
        1 => "a minute ago".to_owned(),
        minutes @ ..120 => format!("{minutes} minutes ago"),
        minutes => format!("{} hours ago", minutes / 60),
    }
}

/// The processes that run models here, where there are such models.
fn engine(gateway: &Gateway) -> Option<Part> {
    let state = gateway.state();
    let models = &state.config.local;
    let is_loaded = |id: &str| gateway.fleet.process_of(id).is_some();
    let loaded = models.iter().filter(|model| is_loaded(&model.id)).count();
    let (state, says) = match (models.len(), loaded) {
        (0, _) => return None,
        (_, 0) => (
            State::Unknown,
            "no model is loaded: a call loads it".to_owned(),
        ),
        (all, loaded) => (
            State::Works,
            format!("{loaded} of {} loaded", counted(all, "model")),
        ),
    };
    Some(Part {
        name: "Engine",
        state,
        says,
    })
}

/// This server's own parts.
fn parts(gateway: &Gateway) -> Vec<Part> {
    let part = |name, state, says: String| Part { name, state, says };
    let said = |is_good, good: &str, bad: &str| match is_good {
        true => (State::Works, good.to_owned()),
        false => (State::Down, bad.to_owned()),
    };
    let figures = gateway.replica.figures();
    let (calls, calls_say) = said(
        !gateway.draining.load(Relaxed),
        "are taken",
        "the server is stopping",
    );
    let (keys, keys_say) = said(
        gateway.ring.fault().is_none(),
        "keys are read from it",
        "it cannot be read; keys that were known go on working",
    );
    let (ledger, ledger_says) = said(
        gateway.replica.trouble().is_none(),
        "calls are recorded",
        "calls cannot be recorded",
    );
    let lag = format!(
        "{ledger_says}; {} not in the database yet",
        records(figures.not_ingested)
    );
    let waiting = format!("{} to be written", records(figures.waiting));
    let mut all = vec![
        part("Calls", calls, calls_say),
        part("Database", keys, keys_say),
        part("Ledger", ledger, lag),
        part("Journal", ledger, waiting),
    ];
    if let Some(shared) = gateway.traffic.shared() {
        let (state, says) = match shared.is_shared {
            true => (State::Works, "counted over all replicas"),
            false => (State::Partly, "each replica serves its part"),
        };
        all.push(part("Limits of keys", state, says.to_owned()));
    }
    all.extend(engine(gateway));
    all
}

fn records(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "record")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_nobody_asked_is_unknown_and_never_good_or_bad() {
        let key = Breaker::default();
        assert_eq!(standing(&key, 0, 0, 0).0, State::Unknown);
        assert_eq!(standing(&key, 0, 5, 1).0, State::Works);
        assert_eq!(standing(&key, 0, 2, 2).0, State::Partly);
        assert_eq!(standing(&key, 1, 9, 3).1, "1 offer benched after failures");
        key.failed(key.begin(), Some(Duration::from_secs(30)));
        let (state, says) = standing(&key, 0, 9, 1);
        assert_eq!(
            (state, says.as_str()),
            (
                State::Down,
                "benched for 30 s more: its credential was refused"
            )
        );
    }

    #[test]
    fn times_are_told_in_words() {
        for (seconds, said) in [
            (59, "less than a minute ago"),
            (60, "a minute ago"),
            (7_199, "119 minutes ago"),
            (7_200, "2 hours ago"),
        ] {
            assert_eq!(since(Duration::from_secs(seconds)), said);
        }
    }
}
