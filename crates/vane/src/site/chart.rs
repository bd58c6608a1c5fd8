//! Charts as SVG, written by hand and small.
//!
//! Invariants: colours are variables of the stylesheet, so that light, dark and forced colours
//! need no second drawing; a chart has a title and a description; every number in it stands in
//! a table on the same page. Coordinates are whole numbers: the same data is the same bytes.

mod bars;
mod line;
mod spark;
mod step;
mod strip;
#[cfg(test)]
mod tests;
mod waterfall;

pub use bars::{Stack, bars};
pub use line::{Band, line};
pub use spark::spark;
pub use step::{Step, step};
pub use strip::{FAIR, Share, strip};
pub use waterfall::{Span, waterfall};

use std::fmt::Write;

/// What a chart is called, and what a reader who does not see it is told.
#[derive(Debug, Clone, Copy)]
pub struct Caption<'c> {
    /// Unique on its page; letters, digits and dashes.
    pub id: &'c str,
    pub title: &'c str,
    pub description: &'c str,
}

/// An SVG being written.
struct Canvas {
    out: String,
}

impl Canvas {
    fn new(caption: Caption<'_>, width: i64, height: i64) -> Self {
        let Caption {
            id,
            title,
            description,
        } = caption;
        let mut out = format!(
            r#"<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d">"#
        );
        let _ = write!(
            out,
            r#"<title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
            escaped(title),
            escaped(description)
        );
        Self { out }
    }

    fn path(&mut self, class: &str, points: &str) {
        let _ = write!(self.out, r#"<path class="{class}" d="{points}"/>"#);
    }

    /// Lines across at nothing, half and the top, each with what it stands for. One that reads as
    /// the line below it, such as half of nothing, is left out.
    fn levels(&mut self, y: Scale, (left, right): (i64, i64), label: impl Fn(i64) -> String) {
        let mut below = String::new();
        for value in [y.from, y.to / 2, y.to] {
            let said = label(value);
            if said != below {
                self.path("grid", &format!("M{left} {}H{right}", y.at(value)));
                self.text((left - 8, y.at(value) + 4), "end", &said);
            }
            below = said;
        }
    }

    fn text(&mut self, (x, y): (i64, i64), anchor: &str, text: &str) {
        let text = escaped(text);
        let _ = write!(
            self.out,
            r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#
        );
    }

    fn rect(&mut self, class: &str, (x, y): (i64, i64), (width, height): (i64, i64)) {
        let _ = write!(
            self.out,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#
        );
    }

    fn close(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// Maps values between two ends onto pixels between two others.
#[derive(Debug, Clone, Copy)]
struct Scale {
    from: i64,
    to: i64,
    start: i64,
    end: i64,
}

impl Scale {
    fn at(self, value: i64) -> i64 {
        let span = i128::from(self.to) - i128::from(self.from);
        if span <= 0 {
            return self.start;
        }
        let along = (i128::from(value) - i128::from(self.from)).clamp(0, span);
        let pixels = i128::from(self.end - self.start);
        let moved = (along * pixels + span / 2).div_euclid(span);
        self.start + i64::try_from(moved).unwrap_or_default()
    }
}

/// A round number at or above the largest value, so that an axis ends on a figure to read.
fn ceiling(largest: i64) -> i64 {
    let mut unit = 1_i64;
    while unit < i64::MAX / 100 && unit.saturating_mul(10) < largest {
        unit *= 10;
    }
    [1, 2, 3, 4, 5, 6, 8, 10]
        .into_iter()
        .map(|times| unit * times)
        .find(|round| *round >= largest)
        .unwrap_or(largest)
        .max(1)
}

/// Text that is no markup, in an element or in an attribute.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
