//! A strip of cells, one for each span of time: how much of it went well, or that nothing is
//! known.

use super::{Canvas, Caption};

/// What is known of one span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Nothing happened, so nothing is known: drawn grey, never as good or bad.
    Unknown,
    /// So many of ten thousand went well.
    Of(u64),
}

const CELL: i64 = 7;
const GAP: i64 = 2;
const HEIGHT: i64 = 32;

/// Of 10,000 that were asked for: below so many a cell is at its lowest.
pub const FAIR: u64 = 9_500;

/// Draws one cell for each span, the oldest first. What went worse is lower too, so that nobody
/// has to tell colours apart.
#[must_use]
pub fn strip(caption: Caption<'_>, shares: &[Share]) -> String {
    let count = i64::try_from(shares.len()).unwrap_or_default();
    let mut canvas = Canvas::new(caption, (count * (CELL + GAP) - GAP).max(1), HEIGHT);
    let mut x = 0;
    for share in shares {
        let (class, height) = match share {
            Share::Unknown => ("none", 3),
            Share::Of(9_990..) => ("good", HEIGHT),
            Share::Of(FAIR..) => ("fair", 22),
            Share::Of(_) => ("poor", 12),
        };
        canvas.rect(class, (x, HEIGHT - height), (CELL, height));
        x += CELL + GAP;
    }
    canvas.close()
}
