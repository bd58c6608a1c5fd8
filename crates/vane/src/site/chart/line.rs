//! A line with a band around it: a middle value, and where most values lie.

use super::{Canvas, Caption, Scale, ceiling};
use std::fmt::Write;

/// One span of time: the middle, and the ends between which most values lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    pub low: i64,
    pub middle: i64,
    pub high: i64,
}

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
const LEFT: i64 = 56;
const RIGHT: i64 = 624;
const TOP: i64 = 12;
const BOTTOM: i64 = 170;
/// Half the width of what stands alone.
const ALONE: i64 = 3;

/// Draws spans at even distances. An unknown one is a gap in line and band.
#[must_use]
pub fn line(
    caption: Caption<'_>,
    spans: &[Option<Band>],
    (first, last): (&str, &str),
    label: impl Fn(i64) -> String,
) -> String {
    let mut canvas = Canvas::new(caption, WIDTH, HEIGHT);
    let top = ceiling(
        spans
            .iter()
            .flatten()
            .map(|band| band.high)
            .max()
            .unwrap_or(1),
    );
    let count = i64::try_from(spans.len()).unwrap_or_default();
    let x = Scale {
        from: 0,
        to: (count - 1).max(1),
        start: LEFT,
        end: RIGHT,
    };
    let y = Scale {
        from: 0,
        to: top,
        start: BOTTOM,
        end: TOP,
    };
    for value in [0, top / 2, top] {
        canvas.path("grid", &format!("M{LEFT} {}H{RIGHT}", y.at(value)));
        canvas.text((LEFT - 8, y.at(value) + 4), "end", &label(value));
    }
    canvas.text((LEFT, HEIGHT - 8), "start", first);
    canvas.text((RIGHT, HEIGHT - 8), "end", last);
    let placed: Vec<(i64, Option<Band>)> = (0..).zip(spans.iter().copied()).collect();
    for run in placed.split(|(_, band)| band.is_none()) {
        let run: Vec<(i64, Band)> = run
            .iter()
            .filter_map(|(at, band)| Some((x.at(*at), (*band)?)))
            .collect();
        let run = match run.as_slice() {
            [] => continue,
            // A span alone is as wide as can be seen.
            [(at, band)] => vec![(at - ALONE, *band), (at + ALONE, *band)],
            _ => run,
        };
        let mut outline = String::new();
        for (at, band) in &run {
            let verb = if outline.is_empty() { 'M' } else { 'L' };
            let _ = write!(outline, "{verb}{at} {}", y.at(band.high));
        }
        for (at, band) in run.iter().rev() {
            let _ = write!(outline, "L{at} {}", y.at(band.low));
        }
        canvas.path("band", &(outline + "Z"));
        let mut middle = String::new();
        for (at, band) in &run {
            let verb = if middle.is_empty() { 'M' } else { 'L' };
            let _ = write!(middle, "{verb}{at} {}", y.at(band.middle));
        }
        canvas.path("line s0", &middle);
    }
    canvas.close()
}
