//! A sparkline: the course of a value in the height of a line of text.

use super::{Canvas, Caption, Scale};
use std::fmt::Write;

const WIDTH: i64 = 120;
const HEIGHT: i64 = 24;

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
    let (mut points, mut is_drawn) = (String::new(), false);
    for (at, value) in (0_i64..).zip(values) {
        if let Some(value) = value {
            let verb = if is_drawn { 'L' } else { 'M' };
            let _ = write!(points, "{verb}{} {}", x.at(at), y.at(*value));
        }
        is_drawn = value.is_some();
    }
    canvas.path("line s0", &points);
    canvas.close()
}
