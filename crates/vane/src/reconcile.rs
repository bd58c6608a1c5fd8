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
    let undated = || known(without_day(name)?);
    known(name)
        .or_else(undated)
        .unwrap_or_else(|| name.to_owned())
}

/// A name without the day of a snapshot behind it: `-2026-07-09` or `-20260709`, and no other digits.
fn without_day(name: &str) -> Option<&str> {
    let before = |shape: &str| {
        let (bare, tail) = name.split_at_checked(name.len().checked_sub(shape.len())?)?;
        let is_like = |(byte, like): (u8, u8)| match like {
            b'0' => byte.is_ascii_digit(),
            like => byte == like,
        };
        tail.bytes().zip(shape.bytes()).all(is_like).then_some(bare)
    };
    before("-0000-00-00").or_else(|| before("-00000000"))
}
