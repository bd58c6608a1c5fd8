//! What a provider says it served beside what our receipts say, by UTC day and model.
//!
//! Pure: the text of an export and our days go in, differences come out. Invariants: amounts are
//! integers; what an export does not state is not compared; a row that cannot be read is an error
//! and never left out.

mod amount;
mod compare;
mod export;
#[cfg(test)]
mod tests;

use vane_catalog::{Catalog, Date, Money};

pub use amount::Tolerance;
pub use compare::{Difference, Field, compare};
pub use export::{ExportFault, read};

/// One model on one day, as our receipts have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDay {
    pub day: Date,
    /// What the provider calls the model, or what we do.
    pub model: String,
    pub calls: u64,
    /// All input, cached or not.
    pub input: u64,
    pub output: u64,
    pub cost: Money,
}

/// The same as a provider has it; `None` where its export does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportDay {
    pub day: Date,
    /// Without one, the row is of all models.
    pub model: Option<String>,
    pub calls: Option<u64>,
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub cost: Option<Money>,
}

/// The name under which both sides mean a model: the catalogue's, where it knows one of the two
/// at this provider, also with the day of a snapshot behind it.
#[must_use]
pub fn known_as(catalog: &Catalog, provider: &str, name: &str) -> String {
    let known = |name: &str| {
        let is = |text: &str| text.eq_ignore_ascii_case(name);
        let mut offers = catalog.offers().iter();
        let offer = offers.find(|offer| {
            let named = is(&offer.upstream) || is(&offer.model) || is(&offer.id);
            offer.provider == provider && (named || offer.aliases.iter().any(|alias| is(alias)))
        });
        offer.map(|offer| offer.model.to_string())
    };
    let undated = || {
        let digits = name
            .bytes()
            .rev()
            .take_while(|b| b.is_ascii_digit() || *b == b'-');
        let bare = name.get(..name.len() - digits.count())?;
        known(bare)
    };
    known(name)
        .or_else(undated)
        .unwrap_or_else(|| name.to_owned())
}
