//! What the catalogue knows of a provider, as far as configuration needs it.

use super::Auth;

/// A provider that needs no row of its own.
#[derive(Debug, Clone)]
pub struct KnownProvider<'c> {
    pub id: &'c str,
    pub base_url: Option<&'c str>,
    /// The variables that usually hold its key; the first that is set wins.
    pub key_env: Vec<&'c str>,
    pub auth: Auth,
    /// Whether it speaks any dialect that Vane speaks.
    pub callable: bool,
    /// Whether the catalogue has prices of its models.
    pub priced: bool,
}
