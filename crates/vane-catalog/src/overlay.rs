//! A catalogue of the operator's over the one that is built in.
//!
//! It is written as `catalog/models.json` is, with as few offers as there are changes, and
//! `removed` with ids of offers that are to go. Invariants: its rows are kept as they were written;
//! what a price was on a day that has come is never rewritten by an overlay that is taken in
//! ([`Overlay::faults`]).

mod check;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalog::{Catalog, CatalogError};
use crate::date::Date;
use crate::file::OfferRow;
use crate::offer::Offer;
use crate::text::Text;

/// The largest file, in bytes.
const BYTES_MAX: usize = 16 << 20;

/// Offers that replace those of the same id or are new, and ids that are gone.
#[derive(Clone, PartialEq, Eq)]
pub struct Overlay {
    as_of: Date,
    /// Where the facts come from -> the day of that source.
    sources: Map<String, Value>,
    /// As they were written, in the order of `offers`.
    rows: Vec<Value>,
    offers: Vec<Arc<Offer>>,
    removed: Vec<String>,
}

/// Thousands of rows would tell nobody anything.
impl std::fmt::Debug for Overlay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Overlay({} offers, {} removed)",
            self.offers.len(),
            self.removed.len()
        )
    }
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            as_of: Date::EPOCH,
            sources: Map::new(),
            rows: Vec::new(),
            offers: Vec::new(),
            removed: Vec::new(),
        }
    }
}

impl Overlay {
    /// Reads a whole catalogue or a part of one.
    ///
    /// # Errors
    /// With every row that cannot be read, and what is wrong with it.
    pub fn read(text: &str) -> Result<Self, Vec<CatalogError>> {
        let fault = |what: String| vec![CatalogError::new("catalogue", what)];
        if text.len() > BYTES_MAX {
            return Err(fault("larger than 16 MiB".to_owned()));
        }
        let mut file: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
        let mut overlay = Self::default();
        let mut errors = Vec::new();
        for (key, expected) in [
            ("schema_version", Value::from(1)),
            ("currency", "USD".into()),
            ("price_unit", "per_1m_tokens".into()),
        ] {
            if file.remove(key).is_none_or(|said| said != expected) {
                errors.extend(fault(format!("`{key}` must be {expected}")));
            }
        }
        match file
            .remove("as_of")
            .as_ref()
            .and_then(Value::as_str)
            .and_then(Date::parse)
        {
            Some(day) => overlay.as_of = day,
            None => errors.extend(fault(
                "`as_of` must be a day such as \"2026-11-21\"".to_owned(),
            )),
        }
        match file.remove("sources") {
            None => {}
            Some(Value::Object(sources)) => overlay.sources = sources,
            Some(_) => errors.extend(fault("`sources` must be an object".to_owned())),
        }
        match file.remove("removed").map(serde_json::from_value) {
            None => {}
            Some(Ok(removed)) => overlay.removed = removed,
            Some(Err(_)) => errors.extend(fault("`removed` must be a list of ids".to_owned())),
        }
        match file.remove("offers") {
            None => {}
            Some(Value::Array(rows)) => errors.extend(overlay.take(rows)),
            Some(_) => errors.extend(fault("`offers` must be a list".to_owned())),
        }
        errors.extend(
            file.keys()
                .flat_map(|key| fault(format!("unknown key `{key}`"))),
        );
        match errors.is_empty() {
            true => Ok(overlay),
            false => Err(errors),
        }
    }

    /// Takes rows in; gives back what is wrong with those that it does not take.
    fn take(&mut self, rows: Vec<Value>) -> Vec<CatalogError> {
        let mut errors = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            let id = row.get("id").and_then(Value::as_str).map(ToOwned::to_owned);
            let id = id.unwrap_or_else(|| format!("offers[{at}]"));
            if self.offers.iter().any(|known| known.id == id) {
                errors.push(CatalogError::new(id, "stands in the file twice"));
                continue;
            }
            let wrong = check::fields(&row);
            let read = offer(&row).map_err(|what| vec![what]);
            match read.and_then(|offer| {
                if wrong.is_empty() {
                    Ok(offer)
                } else {
                    Err(Vec::new())
                }
            }) {
                Ok(offer) => {
                    self.offers.push(Arc::new(offer));
                    self.rows.push(row);
                }
                // A field that is named says more than the reader's own words.
                Err(read) => {
                    let all = if wrong.is_empty() { read } else { wrong };
                    errors.extend(
                        all.into_iter()
                            .map(|what| CatalogError::new(id.clone(), what)),
                    );
                }
            }
        }
        errors
    }

    #[must_use]
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    #[must_use]
    pub fn offers(&self) -> &[Arc<Offer>] {
        &self.offers
    }

    #[must_use]
    pub fn removed(&self) -> &[String] {
        &self.removed
    }

    /// This overlay with a later one over it.
    #[must_use]
    pub fn with(&self, later: &Self) -> Self {
        let mut both = self.clone();
        both.as_of = both.as_of.max(later.as_of);
        both.sources.extend(later.sources.clone());
        for id in &later.removed {
            if let Some(at) = both.offers.iter().position(|offer| offer.id == *id) {
                both.offers.remove(at);
                both.rows.remove(at);
            }
            if !both.removed.contains(id) {
                both.removed.push(id.clone());
            }
        }
        for (offer, row) in later.offers.iter().zip(&later.rows) {
            both.removed.retain(|id| *id != offer.id);
            match both.offers.iter().position(|known| known.id == offer.id) {
                Some(at) => {
                    both.offers[at] = offer.clone();
                    both.rows[at] = row.clone();
                }
                None => {
                    both.offers.push(offer.clone());
                    both.rows.push(row.clone());
                }
            }
        }
        both
    }

    /// Why it must not be taken in over `before`, of which `known` is a part: prices beyond
    /// reason, a past that would change, an offer to remove that never was there.
    #[must_use]
    pub fn faults(&self, before: &Catalog, known: &Self, now: i64) -> Vec<CatalogError> {
        let mut faults = Vec::new();
        let missing = |id: &&String| before.offer(id).is_none() && !known.removed.contains(id);
        for id in self.removed.iter().filter(missing) {
            faults.push(CatalogError::new(id.clone(), "`removed` names no offer"));
        }
        for offer in &self.offers {
            let known = before.offers().iter().find(|known| known.id == offer.id);
            let wrong = check::offer(offer, known.map(AsRef::as_ref), now);
            faults.extend(
                wrong
                    .into_iter()
                    .map(|what| CatalogError::new(offer.id.clone(), what)),
            );
        }
        faults
    }

    /// The text of its file: one row to a line, so that a change is one line too.
    #[must_use]
    pub fn to_text(&self) -> String {
        let lines = |rows: &[Value]| -> String {
            let rows: Vec<String> = rows.iter().map(|row| format!("\n  {row}")).collect();
            rows.join(",")
        };
        let removed: Vec<Value> = self.removed.iter().map(|id| id.as_str().into()).collect();
        format!(
            "{{\n \"schema_version\": 1,\n \"currency\": \"USD\",\n \"price_unit\": \"per_1m_tokens\",\n \
             \"as_of\": \"{}\",\n \"sources\": {},\n \"removed\": [{}],\n \"offers\": [{}\n ]\n}}\n",
            self.as_of,
            Value::Object(self.sources.clone()),
            lines(&removed),
            lines(&self.rows),
        )
    }
}

/// The offer of a row, with texts of its own.
fn offer(row: &Value) -> Result<Offer, String> {
    let text = row.to_string();
    let row: OfferRow<'_> = serde_json::from_str(&text).map_err(|error| {
        let said = error.to_string();
        // The place in one row's text tells nobody anything.
        said.split(" at line ").next().unwrap_or(&said).to_owned()
    })?;
    Ok(row.into_offer(|text| Text::Owned(text.to_owned())))
}
