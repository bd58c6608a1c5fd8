//! A sparkline: the course of a value in the height of a line of text.

use super::{Canvas, Caption, Scale};
use std::fmt::Write;

const WIDTH: i64 = 120;
const HEIGHT: i64 = 24;
/// Half the width of a value that stands alone.
const ALONE: i64 = 2;

/// Draws values at even distances. An unknown one is a gap.
#[must_use]
pub fn spark(caption: Caption<'_>, values: &[Option<i64>]) -> String {
    let mut canvas = Canvas::new(caption, WIDTH, HEIGHT);
    let top = values.iter().flatten().copied().max().unwrap_or(1).max(1);
    let last = i64::try_from(values.len()).unwrap_or_default() - 1;
    let x = Scale {
        from: 0,
        to: last.max(1),
        start: 2,
        end: WIDTH - 2,
    };
    let y = Scale {
        from: 0,
        to: top,
        start: HEIGHT - 2,
        end: 2,
    };
    let placed: Vec<(i64, Option<i64>)> = (0..).zip(values.iter().copied()).collect();
    let mut points = String::new();
    for run in placed.split(|(_, value)| value.is_none()) {
        let run = run
            .iter()
            .filter_map(|(at, value)| Some((x.at(*at), y.at((*value)?))));
        let run: Vec<(i64, i64)> = run.collect();
        if let [(at, height)] = run.as_slice() {
            let _ = write!(points, "M{} {height}H{}", at - ALONE, at + ALONE);
            continue;
        }
        for (nth, (at, height)) in run.iter().enumerate() {
            let verb = if nth == 0 { 'M' } else { 'L' };
            let _ = write!(points, "{verb}{at} {height}");
        }
    }
    canvas.path("line s0", &points);
    canvas.close()
}
