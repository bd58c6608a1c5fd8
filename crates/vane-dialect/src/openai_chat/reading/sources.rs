//! The pages that an answer rests on, where a provider lists them beside its choices.
//!
//! The list comes with the last chunk, or grows with every one: only the last is told, at the end
//! of the text. Nothing of it is told where the text has annotations, which say the same better.

use crate::cite::Citation;
use crate::openai_chat::wire::{Chunk, member};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The last list, as it was written.
    list: String,
    /// It has titles, which is better than one of addresses alone.
    titled: bool,
    told: bool,
}

/// An entry of a list of objects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page<'a> {
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
}

impl Sources {
    pub(super) fn hear(&mut self, chunk: &Chunk<'_>) {
        let titled = chunk.search_results.filter(|list| list.get() != "[]");
        let plain = chunk.citations.filter(|_| !self.titled);
        if let Some(list) = titled.or(plain)
            && self.list != list.get()
        {
            self.titled = titled.is_some();
            list.get().clone_into(&mut self.list);
        }
    }

    /// The text was annotated.
    pub(super) const fn are_told(&mut self) {
        self.told = true;
    }

    pub(super) fn take(&mut self) -> Vec<Citation> {
        let list = std::mem::take(&mut self.list);
        if self.told || list.is_empty() {
            return Vec::new();
        }
        let entries: Vec<&RawValue> = serde_json::from_str(&list).unwrap_or_default();
        entries.into_iter().filter_map(citation).collect()
    }
}

/// An entry that names a page of the web; some providers list documents of the request instead.
fn citation(entry: &RawValue) -> Option<Citation> {
    let page = match member(Some(entry)) {
        Some(url) => (url, None),
        None => {
            let page: Page<'_> = serde_json::from_str(entry.get()).ok()?;
            (member(page.url)?, member(page.title))
        }
    };
    let (url, title) = page;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    is_web.then(|| Citation {
        url: url.into_owned(),
        title: title.map(String::from),
        span: None,
    })
}
