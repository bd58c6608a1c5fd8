//! A waterfall: spans of one stretch of time, each on a line of its own with its name above it.

use super::{Canvas, Caption, Scale, ceiling};

/// A stretch of time that waits for something and then has it, or fails.
#[derive(Debug, Clone, Copy)]
pub struct Span<'s> {
    /// Stands over its bar at the left, and what is said of it at the right.
    pub name: &'s str,
    pub said: &'s str,
    pub began: i64,
    /// From its beginning to what it waits for.
    pub waited: Option<i64>,
    pub took: i64,
    pub is_failed: bool,
}

const WIDTH: i64 = 640;
const ROW: i64 = 52;
const TEXT: i64 = 20;
const BAR: i64 = 28;
const THICK: i64 = 14;
/// The axis with its figures.
const FOOT: i64 = 30;
/// No part of a span is too short to be seen.
const LEAST: i64 = 2;

/// Draws spans below each other on one axis that begins at zero.
#[must_use]
pub fn waterfall(
    caption: Caption<'_>,
    spans: &[Span<'_>],
    label: impl Fn(i64) -> String,
) -> String {
    let rows = i64::try_from(spans.len()).unwrap_or_default();
    let bottom = rows * ROW;
    let mut canvas = Canvas::new(caption, WIDTH, bottom + FOOT);
    let ends = spans
        .iter()
        .map(|span| span.began.saturating_add(span.took));
    let top = ceiling(ends.max().unwrap_or(1));
    let x = Scale {
        from: 0,
        to: top,
        start: 1,
        end: WIDTH - 1,
    };
    for (value, anchor) in [(0, "start"), (top / 2, "middle"), (top, "end")] {
        canvas.path("grid", &format!("M{} 0V{bottom}", x.at(value)));
        canvas.text((x.at(value), bottom + 22), anchor, &label(value));
    }
    for (row, span) in (0..).zip(spans) {
        let y = row * ROW;
        canvas.text((4, y + TEXT), "start", span.name);
        canvas.text((WIDTH - 4, y + TEXT), "end", span.said);
        let at = |after: i64| x.at(span.began.saturating_add(after));
        let mut part = |class: &str, from: i64, to: i64| {
            let (from, to) = (at(from).min(WIDTH - 1 - LEAST), at(to));
            canvas.rect(class, (from, y + BAR), ((to - from).max(LEAST), THICK));
        };
        let last = |class| if span.is_failed { "poor" } else { class };
        match span.waited {
            None => part(last("wait"), 0, span.took),
            Some(waited) => {
                part("wait", 0, waited);
                part(last("part s0"), waited, span.took);
            }
        }
    }
    canvas.close()
}
