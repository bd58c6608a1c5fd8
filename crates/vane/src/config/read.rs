//! What a value means: the readings that a getter of a [`Section`](super::section::Section) takes.
//!
//! Each says what it wanted and never repeats what it got.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use super::nearest::did_you_mean;
use super::node::{Node, Value};
use super::quantity;

pub(super) type Read<T> = Result<T, String>;

pub(super) fn text(node: &Node) -> Read<String> {
    match &node.value {
        Value::Text(text) | Value::Variable(text) if text.trim().is_empty() => {
            Err("must not be empty".to_owned())
        }
        Value::Text(text) | Value::Variable(text) => Ok(text.clone()),
        other => Err(format!("must be text, not {}", other.kind())),
    }
}

/// Text that `T` can be read from; `wanted` finishes the sentence "must be".
pub(super) fn parsed<T: FromStr>(wanted: &str) -> impl FnOnce(&Node) -> Read<T> {
    move |node| {
        text(node)?
            .trim()
            .parse()
            .map_err(|_| format!("must be {wanted}"))
    }
}

pub(super) fn boolean(node: &Node) -> Read<bool> {
    match &node.value {
        Value::Boolean(flag) => Ok(*flag),
        Value::Variable(text) if text == "true" => Ok(true),
        Value::Variable(text) if text == "false" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(words: &[(&str, T)]) -> impl FnOnce(&Node) -> Read<T> {
    move |node| {
        let said = text(node)?;
        let found = words.iter().find(|(word, _)| *word == said);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let near = did_you_mean(&said, words.iter().map(|(word, _)| *word));
            format!("must be {}{near}", all.join(" or "))
        })
    }
}

pub(super) fn integer(within: RangeInclusive<u64>) -> impl FnOnce(&Node) -> Read<u64> {
    move |node| {
        let number = match &node.value {
            Value::Integer(number) => u64::try_from(*number).ok(),
            Value::Variable(text) => text.parse().ok(),
            other => return Err(format!("must be an integer, not {}", other.kind())),
        };
        let (least, most) = (within.start(), within.end());
        number
            .filter(|number| within.contains(number))
            .ok_or_else(|| format!("must be an integer from {least} to {most}"))
    }
}

/// A count of things in memory.
pub(super) fn count(most: u32) -> impl FnOnce(&Node) -> Read<usize> {
    move |node| {
        let number = integer(1..=u64::from(most))(node)?;
        usize::try_from(number).map_err(|_| "is too large for this machine".to_owned())
    }
}

/// A size in bytes. `within` is written as people write sizes.
pub(super) fn size(within: (&'static str, &'static str)) -> impl FnOnce(&Node) -> Read<usize> {
    move |node| {
        let bytes = match &node.value {
            Value::Integer(bytes) => u64::try_from(*bytes).ok(),
            Value::Text(text) | Value::Variable(text) => quantity::size(text),
            other => {
                return Err(format!(
                    "must be a size such as \"32MiB\", not {}",
                    other.kind()
                ));
            }
        };
        let (least, most) = within;
        bytes
            .filter(|bytes| Some(*bytes) >= quantity::size(least))
            .filter(|bytes| Some(*bytes) <= quantity::size(most))
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| format!("must be a size from {least} to {most}"))
    }
}

/// A time that is neither nothing nor longer than a day.
pub(super) fn duration(node: &Node) -> Read<Duration> {
    let time = match &node.value {
        Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Text(text) | Value::Variable(text) => quantity::duration(text),
        other => {
            return Err(format!(
                "must be a time such as \"5s\", not {}",
                other.kind()
            ));
        }
    };
    let within = Duration::from_millis(1)..=Duration::from_hours(24);
    time.filter(|time| within.contains(time))
        .ok_or_else(|| "must be a time from 1ms to 24h, such as 5 (seconds) or \"5s\"".to_owned())
}

/// A list; in a variable, its items are separated by commas.
pub(super) fn list<T>(item: impl Fn(&Node) -> Read<T>) -> impl FnOnce(&Node) -> Read<Vec<T>> {
    move |node| match &node.value {
        Value::List(items) => items.iter().map(item).collect(),
        Value::Variable(text) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty());
            let node = |text: &str| Node {
                value: Value::Variable(text.to_owned()),
                place: node.place.clone(),
            };
            items.map(|text| item(&node(text))).collect()
        }
        other => Err(format!("must be a list, not {}", other.kind())),
    }
}
