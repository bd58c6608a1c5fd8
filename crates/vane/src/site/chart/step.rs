//! A step line: a value that holds until it changes, such as a price.

use super::{Canvas, Caption, Scale, ceiling};
use std::fmt::Write;

/// Since when a value holds, in days, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub day: i64,
    pub value: i64,
}

const WIDTH: i64 = 640;
const HEIGHT: i64 = 180;
const LEFT: i64 = 56;
const RIGHT: i64 = 624;
const TOP: i64 = 24;
const BOTTOM: i64 = 150;
/// The height of a line of text.
const LABEL: i64 = 14;

/// Draws series over one span of days. `today` is marked; what is after it is drawn as
/// announced. Each line is named at its end, so that no colour has to tell them apart. `label` writes a value, `date` a day.
#[must_use]
pub fn step(
    caption: Caption<'_>,
    series: &[(&str, Vec<Step>)],
    (first, last): (i64, i64),
    today: i64,
    label: impl Fn(i64) -> String,
    date: impl Fn(i64) -> String,
) -> String {
    let mut canvas = Canvas::new(caption, WIDTH, HEIGHT);
    let values = series.iter().flat_map(|(_, steps)| steps.iter());
    let top = ceiling(values.map(|step| step.value).max().unwrap_or(1));
    let x = Scale {
        from: first,
        to: last,
        start: LEFT,
        end: RIGHT,
    };
    let y = Scale {
        from: 0,
        to: top,
        start: BOTTOM,
        end: TOP,
    };
    canvas.levels(y, (LEFT, RIGHT), label);
    canvas.text((LEFT, HEIGHT - 8), "start", &date(first));
    canvas.text((RIGHT, HEIGHT - 8), "end", &date(last));
    if (first..last).contains(&today) {
        canvas.path("now", &format!("M{} {TOP}V{BOTTOM}", x.at(today)));
        let middle = x.at(today).clamp(LEFT + 150, RIGHT - 150);
        canvas.text((middle, HEIGHT - 8), "middle", "today");
    }
    let mut labels: Vec<i64> = Vec::new();
    for (at, (name, steps)) in series.iter().enumerate() {
        let (known, coming) = halves(steps, today, last);
        canvas.path(&format!("line s{at}"), &points(&known, x, y));
        if !coming.is_empty() {
            canvas.path(&format!("line s{at} coming"), &points(&coming, x, y));
        }
        if let Some(end) = coming.last().or(known.last()) {
            let height = label_height(&labels, y.at(end.value));
            canvas.text((RIGHT, height), "end", name);
            labels.push(height);
        }
    }
    canvas.close()
}

/// Where the name of a line stands: above its end, or below where another name is there.
fn label_height(others: &[i64], end: i64) -> i64 {
    let above = end - 6;
    match others.iter().any(|other| (other - above).abs() < LABEL) {
        true => end + LABEL + 2,
        false => above,
    }
}

/// The corners until today, and those from today on.
fn halves(steps: &[Step], today: i64, last: i64) -> (Vec<Step>, Vec<Step>) {
    let (mut known, mut coming): (Vec<Step>, Vec<Step>) =
        steps.iter().partition(|step| step.day <= today);
    let Some(held) = known.last().copied() else {
        return (known, coming);
    };
    let until = today.min(last);
    known.push(Step { day: until, ..held });
    if last > today {
        coming.insert(0, Step { day: today, ..held });
        let end = coming.last().map_or(held.value, |step| step.value);
        coming.push(Step {
            day: last,
            value: end,
        });
    }
    (known, coming)
}

fn points(steps: &[Step], x: Scale, y: Scale) -> String {
    let mut out = String::new();
    for (at, step) in steps.iter().enumerate() {
        let (across, up) = (x.at(step.day), y.at(step.value));
        let _ = match at {
            0 => write!(out, "M{across} {up}"),
            _ => write!(out, "H{across}V{up}"),
        };
    }
    out
}
