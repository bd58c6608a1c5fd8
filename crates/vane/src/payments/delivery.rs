//! What became of deliveries to the webhook, counted for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Credited,
    /// Something else became of it in the books: an end, a refund, a dispute.
    Entered,
    CreditedBefore,
    /// It is about nothing of ours.
    Ignored,
    /// It is about money and cannot be entered.
    Unusable,
    /// It is not believed, or not for this server.
    Refused,
    /// The books could not be written.
    Away,
}

impl Delivery {
    const ALL: [(Self, &str); 7] = [
        (Self::Credited, "credited"),
        (Self::Entered, "entered"),
        (Self::CreditedBefore, "credited_before"),
        (Self::Ignored, "ignored"),
        (Self::Unusable, "unusable"),
        (Self::Refused, "refused"),
        (Self::Away, "away"),
    ];

    /// As the one who delivers it is told, who is not told of credit.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Credited | Self::Entered => "entered",
            Self::CreditedBefore => "credited before",
            Self::Ignored => "ignored",
            Self::Unusable => "unusable",
            Self::Refused => "refused",
            Self::Away => "away",
        }
    }
}

/// Deliveries by what became of them.
#[derive(Default)]
pub struct Deliveries([AtomicU64; Delivery::ALL.len()]);

impl Deliveries {
    pub(super) fn count(&self, delivery: Delivery) {
        for ((known, _), count) in Delivery::ALL.iter().zip(&self.0) {
            if *known == delivery {
                count.fetch_add(1, Relaxed);
            }
        }
    }

    /// Names and counts, all of them.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self.0.iter().map(|count| count.load(Relaxed));
        Delivery::ALL.iter().map(|(_, name)| *name).zip(counts)
    }
}
