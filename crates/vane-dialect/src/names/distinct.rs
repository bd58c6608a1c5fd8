//! The names that the tools of one call are sent under, where each name is made of letters, digits,
//! `_` and `-` and stands once.
//!
//! Tools of namespaces are flattened to `namespace__name`. What had to change is kept, so that the
//! answer's decoder gives the client its own names back. Thousands of tools may all come to one name:
//! nothing here looks at all of them for each.

use super::JOINT;
use crate::call::Tool;
use std::collections::{BTreeMap, BTreeSet};

/// More names than a body has bytes.
const DIGITS_MAX: u32 = 9;

/// A tool as the call names it: its namespace or nothing, and its own name.
pub(crate) type Named<'c> = (&'c str, &'c str);

#[derive(Debug)]
pub(crate) struct Distinct<'c> {
    bytes_max: usize,
    /// With what each is sent under, in the order in which names were given out.
    sent: Vec<(Named<'c>, String)>,
    places: BTreeMap<Named<'c>, usize>,
    /// Where a name stands first, whatever its namespace.
    firsts: BTreeMap<&'c str, usize>,
    taken: BTreeSet<String>,
    /// The number that is tried next behind a stem, by its digits.
    numbers: BTreeMap<(String, u32), usize>,
}

impl<'c> Distinct<'c> {
    /// Names that can stay as they are stay so; the others then keep clear of them.
    pub(crate) fn of(wanted: Vec<Named<'c>>, bytes_max: usize) -> Self {
        let mut names = Self {
            bytes_max,
            sent: Vec::with_capacity(wanted.len()),
            places: BTreeMap::new(),
            firsts: BTreeMap::new(),
            taken: BTreeSet::new(),
            numbers: BTreeMap::new(),
        };
        let stays = |(space, name): &Named<'_>| space.is_empty() && is_legal(name, bytes_max);
        let (fit, unfit): (Vec<_>, Vec<_>) = wanted.into_iter().partition(stays);
        for named in fit.into_iter().chain(unfit) {
            if !names.places.contains_key(&named) {
                names.add(named);
            }
        }
        names
    }

    /// The name under which a tool of the call is sent.
    pub(crate) fn known(&self, namespace: &str, name: &str) -> Option<&str> {
        self.at(self.places.get(&(namespace, name)))
    }

    /// As [`Distinct::known`], for a choice that does not say the namespace.
    pub(crate) fn chosen(&self, name: &str) -> Option<&str> {
        let named = self.known("", name);
        named.or_else(|| self.at(self.firsts.get(name)))
    }

    /// What the answer's decoder must turn back: (sent, namespace or nothing, name).
    pub(crate) fn changed(&self) -> Vec<(String, String, String)> {
        let changed = self.sent.iter().filter(|((_, name), sent)| sent != name);
        changed
            .map(|((namespace, name), sent)| {
                (sent.clone(), (*namespace).to_owned(), (*name).to_owned())
            })
            .collect()
    }

    fn at(&self, at: Option<&usize>) -> Option<&str> {
        self.sent.get(*at?).map(|(_, sent)| sent.as_str())
    }

    fn add(&mut self, named: Named<'c>) {
        let (namespace, name) = named;
        let mut sent = flat(namespace, name, self.bytes_max);
        if self.taken.contains(&sent) {
            sent = self.numbered(&sent);
        }
        self.taken.insert(sent.clone());
        self.places.insert(named, self.sent.len());
        self.firsts.entry(name).or_insert(self.sent.len());
        self.sent.push((named, sent));
    }

    /// `base` and the least number from 2 on that makes a name of its own. A number that was tried
    /// is not tried again, also for another base whose stem is the same once it is cut.
    fn numbered(&mut self, base: &str) -> String {
        for digits in 1..=DIGITS_MAX {
            let mark = usize::try_from(digits).unwrap_or_default() + 1;
            let stem = &base[..base.len().min(self.bytes_max - mark)];
            let least = 10_usize.pow(digits - 1).max(2);
            let next = self.numbers.entry((stem.to_owned(), digits));
            let next = next.or_insert(least);
            while *next < 10_usize.pow(digits) {
                let sent = format!("{stem}_{next}");
                *next += 1;
                if !self.taken.contains(&sent) {
                    return sent;
                }
            }
        }
        base.to_owned()
    }
}

/// The tools that the client runs, as the call names them.
pub(crate) fn declared(tools: &[Tool]) -> Vec<Named<'_>> {
    let mut found = Vec::with_capacity(tools.len());
    collect(tools, "", &mut found);
    found
}

fn collect<'c>(tools: &'c [Tool], namespace: &'c str, found: &mut Vec<Named<'c>>) {
    for tool in tools {
        match tool {
            Tool::Function(function) => found.push((namespace, &function.name)),
            Tool::Custom(custom) => found.push((namespace, &custom.name)),
            Tool::Namespace { name, tools, .. } => collect(tools, name, found),
            Tool::Hosted { .. } => {}
        }
    }
}

/// Whether `text` is a name as it stands.
pub(crate) fn is_legal(text: &str, bytes_max: usize) -> bool {
    let legal = |byte: u8| is_legal_char(char::from(byte));
    (1..=bytes_max).contains(&text.len()) && text.bytes().all(legal)
}

fn is_legal_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The name of a tool that no other tool of the call has to be told from.
pub(crate) fn flat(namespace: &str, name: &str, bytes_max: usize) -> String {
    match namespace {
        "" => made_legal(name, bytes_max),
        namespace => made_legal(&format!("{namespace}{JOINT}{name}"), bytes_max),
    }
}

/// `text` with every character that is not legal replaced.
pub(crate) fn made_legal(text: &str, bytes_max: usize) -> String {
    let legal = |c| if is_legal_char(c) { c } else { '_' };
    let made: String = text.chars().take(bytes_max).map(legal).collect();
    match made.is_empty() {
        true => "_".to_owned(),
        false => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64;

    /// The names that `tools` are sent under.
    fn sent(tools: &[Named<'_>]) -> Vec<String> {
        let names = Distinct::of(tools.to_vec(), MOST);
        let sent = tools.iter().map(|(space, name)| names.known(space, name));
        sent.map(|sent| sent.unwrap().to_owned()).collect()
    }

    #[test]
    fn names_that_come_to_one_are_numbered_in_their_order() {
        let tools = [
            ("", "a.b"),
            ("", "a b"),
            ("", "a_b_3"),
            ("a", "b"),
            ("", "a/b"),
            ("", "a__b"),
            ("", ""),
        ];
        let expected = ["a_b", "a_b_2", "a_b_3", "a__b_2", "a_b_4", "a__b", "_"];
        assert_eq!(sent(&tools), expected);
    }

    #[test]
    fn a_number_takes_the_place_of_the_last_letters() {
        let long = "m".repeat(70);
        let tools: Vec<String> = (0..12).map(|n| format!("{long}{n}")).collect();
        let tools: Vec<_> = tools.iter().map(|name| ("", name.as_str())).collect();
        let sent = sent(&tools);
        assert_eq!(sent[0], "m".repeat(64));
        assert_eq!(sent[8], format!("{}_9", "m".repeat(62)));
        assert_eq!(sent[9], format!("{}_10", "m".repeat(61)));
    }

    #[test]
    fn a_choice_without_a_namespace_means_the_tool_without_one_first() {
        let names = Distinct::of(vec![("n", "f.g"), ("n", "h"), ("", "f.g")], MOST);
        assert_eq!(names.chosen("f.g"), Some("f_g"));
        assert_eq!(names.chosen("h"), Some("n__h"));
        assert_eq!(names.chosen("i"), None);
    }

    /// Each that is numbered after the others once cost a look at all names for all numbers.
    #[test]
    fn many_names_that_come_to_one_are_told_apart() {
        let stem = "m".repeat(62);
        // Cut for a number, their stems are the same.
        let twins = |n| [format!("{stem}{n:02x}one"), format!("{stem}{n:02x}other")];
        let many = (0..8_000).map(|n| format!("{stem}{stem}{n}"));
        let many: Vec<String> = many.chain((0..200_u8).flat_map(twins)).collect();
        let tools: Vec<_> = many.iter().map(|name| ("", name.as_str())).collect();
        let distinct: BTreeSet<String> = sent(&tools).into_iter().collect();
        assert_eq!(distinct.len(), tools.len());
        assert!(distinct.iter().all(|name| is_legal(name, MOST)));
    }
}
