//! Money, models, offers and dated rates; usage to cost.
//!
//! This crate is pure: no sockets, no files, no clock. Instants are passed in as unix seconds and
//! the catalogue is a part of the program. No float touches money anywhere in it.
//!
//! A caller's model id becomes offers with [`Catalog::resolve`]; an [`Offer`] says what a call may
//! cost at most ([`Offer::ceiling`]) and what an answer did cost ([`Offer::cost`]).

mod capability;
mod catalog;
mod ceiling;
mod cost;
mod date;
mod decimal;
mod diff;
mod file;
mod money;
mod names;
mod near;
mod off_peak;
mod offer;
mod overlay;
mod own;
mod per_use;
mod provider;
mod rate;
mod rate_card;
mod rates;
mod row;
mod standing;
#[cfg(test)]
mod tests;
mod text;

pub use capability::{Capabilities, Capability};
pub use catalog::{Catalog, CatalogError};
pub use ceiling::{Asked, Bound};
pub use cost::{Bucket, Cost, Line, Unpriced, total};
pub use date::Date;
pub use decimal::DecimalError;
pub use diff::{Change, What, diff};
pub use money::Money;
pub use names::Resolved;
pub use off_peak::{OffPeak, Span, Window};
pub use offer::{Kind, Modality, Offer, PerUseSource, Status, UpstreamLimits, UpstreamPrices};
pub use overlay::Overlay;
pub use own::{OwnModel, OwnProvider};
pub use per_use::{ByContext, Fee, PerUse, UsePrice};
pub use provider::{Auth, Provider};
pub use rate::{Factor, Rate};
pub use rate_card::RateCard;
pub use rates::{LongContext, Rates, RegionName, ServiceTier, ServiceTiers};
pub use standing::Standing;
pub use text::Text;
