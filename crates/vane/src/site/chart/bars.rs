//! Stacked bars: a sum for each span of time, and what it is made of.

use super::{Canvas, Caption, Scale, ceiling};

/// The parts of one bar, from the bottom up, in the same order for every bar.
pub type Stack = Vec<i64>;

const WIDTH: i64 = 640;
const HEIGHT: i64 = 200;
const LEFT: i64 = 56;
const RIGHT: i64 = 624;
const TOP: i64 = 12;
const BOTTOM: i64 = 170;

/// Draws a bar for each span. A negative part counts as nothing.
#[must_use]
pub fn bars(
    caption: Caption<'_>,
    stacks: &[Stack],
    (first, last): (&str, &str),
    label: impl Fn(i64) -> String,
) -> String {
    let mut canvas = Canvas::new(caption, WIDTH, HEIGHT);
    let sum = |stack: &Stack| {
        stack
            .iter()
            .fold(0_i64, |sum, part| sum.saturating_add((*part).max(0)))
    };
    let top = ceiling(stacks.iter().map(sum).max().unwrap_or(1));
    let y = Scale {
        from: 0,
        to: top,
        start: BOTTOM,
        end: TOP,
    };
    canvas.levels(y, (LEFT, RIGHT), label);
    canvas.text((LEFT, HEIGHT - 8), "start", first);
    canvas.text((RIGHT, HEIGHT - 8), "end", last);
    let count = i64::try_from(stacks.len()).unwrap_or(1).max(1);
    let slots = Scale {
        from: 0,
        to: count,
        start: LEFT,
        end: RIGHT,
    };
    for (slot, stack) in (0..).zip(stacks) {
        let (x, end) = (slots.at(slot), slots.at(slot + 1));
        let width = (end - x - (end - x) / 5).max(1);
        let mut below = 0_i64;
        for (at, part) in stack.iter().enumerate() {
            let above = below.saturating_add((*part).max(0));
            let (bottom, ceiling) = (y.at(below), y.at(above));
            if bottom > ceiling {
                canvas.rect(
                    &format!("part s{at}"),
                    (x, ceiling),
                    (width, bottom - ceiling),
                );
            }
            below = above;
        }
    }
    canvas.close()
}
