//! How many tokens a call is, counted by the tokenizer of the model itself where its file is here.
//!
//! Of `vane-engine` the relay sees this alone: its tokenizer, which reads a file and cuts text, and
//! nothing that runs a model (that is a child's, `engine`, and the commands'). Reading and cutting happen on threads for what blocks,
//! a few at a time: whoever finds them busy, or has too long a text, gets no count and estimates.

mod reading;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use vane_dialect::Call;
use vane_engine::Tokenizer;

use crate::config::{Local, Weights};
use crate::weights::{Name, Shelf};
use reading::Reading;

/// Of all texts of a call together. A megabyte is cut in less than a second.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Counts at a time.
const AT_ONCE: usize = 2;
/// Whose models have tokenizers that are read here.
const MAKER: &str = "mistralai";

/// The tokenizers of models, read when they are first needed.
pub struct Tokenizers {
    shelf: Shelf,
    /// What the operator said of models, by any of their names, and what runs here.
    said: Vec<(String, String)>,
    /// By where they are; `None` is a file that is no tokenizer.
    read: Mutex<HashMap<PathBuf, Option<Arc<Tokenizer>>>>,
    room: Arc<Semaphore>,
}

impl Tokenizers {
    #[must_use]
    pub fn new(weights: &Weights, local: &[Local]) -> Self {
        // A model that runs here has its tokenizer beside what it runs from.
        let of_local = local.iter().filter_map(|local| {
            let path = local.orders.weights.as_ref()?;
            Some((local.id.clone(), path.to_str()?.to_owned()))
        });
        let said = weights.tokenizers.iter().cloned();
        Self {
            shelf: Shelf::new(weights.folder.clone()),
            said: said.chain(of_local).collect(),
            read: Mutex::default(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// How many tokens the model of this offer reads of the call, its control tokens included. `None`
    /// where that is not known: no tokenizer, something besides text and tools, too much of it, or no time.
    pub async fn count(self: &Arc<Self>, offer: &vane_catalog::Offer, call: &Call) -> Option<u64> {
        let source = self.source(offer)?.to_owned();
        let reading = Reading::of(call).filter(|reading| reading.bytes() <= TEXT_BYTES_MAX)?;
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let tokenizers = Arc::clone(self);
        let counted = tokio::task::spawn_blocking(move || {
            // Held to the end also when nobody waits for the count any more.
            let _room = room;
            let tokenizer = tokenizers.tokenizer(&source)?;
            let tokens = tokenizer.lay_out_with(&reading.prompt, &reading.tools, &reading.setting);
            u64::try_from(tokens.ok()?.len()).ok()
        });
        counted.await.ok()?
    }

    /// Where the tokenizer of a model is: where the operator said, or beside its weights, where those
    /// are on the shelf by the name that the provider calls it by.
    fn source<'a>(&'a self, offer: &'a vane_catalog::Offer) -> Option<&'a str> {
        let is_called = |name: &str| {
            *offer.id == *name
                || *offer.model == *name
                || offer.aliases.iter().any(|alias| **alias == *name)
        };
        if let Some((_, source)) = self.said.iter().find(|(name, _)| is_called(name)) {
            return Some(source);
        }
        let is_named = *offer.maker == *MAKER && offer.upstream.parse::<Name>().is_ok();
        is_named.then_some(&*offer.upstream)
    }

    /// Blocks.
    fn tokenizer(&self, source: &str) -> Option<Arc<Tokenizer>> {
        let path = self.shelf.resolve(source).ok()?;
        // Held while it is read: others that need the same one have nothing better to do.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = read.entry(path).or_insert_with_key(|path| {
            let opened = Tokenizer::beside(path);
            if let Err(why) = &opened {
                tracing::warn!(%why, "no tokenizer: tokens of its model are estimated");
            }
            opened.ok().map(Arc::new)
        });
        known.clone()
    }
}
