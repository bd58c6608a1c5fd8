//! Quirks: how providers of one dialect differ, as data.
//!
//! A provider is never a type. What its row of the catalogue cannot say with a path and a key
//! kind it says with a list of these names; encoders ask for them and for nothing else.

use crate::json::Str;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Quirk { $($(#[$doc])* $variant,)* }

        impl Quirk {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

quirks! {
    /// Wants `max_tokens`; `max_completion_tokens` is refused or ignored.
    MaxTokens = "max_tokens",
    /// Wants `max_completion_tokens`; `max_tokens` is refused.
    MaxCompletionTokens = "max_completion_tokens",
    /// Does not know the `developer` role: `system` instead.
    NoDeveloper = "no_developer_role",
    /// Refuses `name` on messages.
    NoMessageName = "no_message_name",
    /// A system message may only stand first: later ones are folded into user turns.
    SystemFirst = "system_first",
    /// Refuses keys that its documentation does not name.
    ClosedBody = "closed_body",
    /// Is OpenAI's own service or an exact twin: takes custom tools, `allowed_tools`, refusals,
    /// cache breakpoints and every documented field, and refuses all others.
    OpenaiOwn = "openai_fields",
    /// Takes `cache_control` marks on parts of chat messages (OpenRouter).
    CacheControl = "cache_control",
    /// Text must be a string: several parts are joined.
    NoTextParts = "no_text_parts",
    /// The model does not reason: refuses reasoning of earlier turns and every ask for it
    /// (Mistral's models without reasoning).
    NoReasoning = "no_reasoning",
}

/// The quirks of one offer, looked up by bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quirks(u64);

impl Quirks {
    #[must_use]
    pub const fn has(self, quirk: Quirk) -> bool {
        self.0 & Self::bit(quirk) != 0
    }

    #[must_use]
    pub const fn with(self, quirk: Quirk) -> Self {
        Self(self.0 | Self::bit(quirk))
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn bit(quirk: Quirk) -> u64 {
        1 << (quirk as u8)
    }
}

impl FromIterator<Quirk> for Quirks {
    fn from_iter<I: IntoIterator<Item = Quirk>>(quirks: I) -> Self {
        quirks.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_its_own_bit_and_name() {
        for (at, &quirk) in Quirk::ALL.iter().enumerate() {
            assert_eq!(Quirk::from_name(quirk.name()), Some(quirk));
            let others = Quirk::ALL
                .iter()
                .enumerate()
                .filter(|(i, _)| *i != at)
                .map(|(_, q)| *q);
            assert!(
                !others.collect::<Quirks>().has(quirk),
                "{quirk:?} shares its bit"
            );
        }
        assert!(Quirk::ALL.len() <= 64);
    }
}
