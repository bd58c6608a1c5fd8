//! Calls of tools that have no result yet, in their order.
//!
//! A message may make thousands of calls, and their results may come in any order: none is looked
//! for among all of them.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug)]
pub(crate) struct Unanswered<K, T> {
    /// `None` once it has its result.
    calls: Vec<Option<T>>,
    /// Of several calls with one id, the first without a result is answered first.
    by_id: BTreeMap<K, VecDeque<usize>>,
    /// Nothing before it waits.
    first: usize,
    waiting: usize,
}

impl<K, T> Default for Unanswered<K, T> {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            by_id: BTreeMap::new(),
            first: 0,
            waiting: 0,
        }
    }
}

impl<K: Ord + Borrow<str>, T> Unanswered<K, T> {
    pub(crate) fn push(&mut self, id: K, call: T) {
        let places = self.by_id.entry(id).or_default();
        places.push_back(self.calls.len());
        self.calls.push(Some(call));
        self.waiting += 1;
    }

    /// The call that a result under `id` belongs to.
    pub(crate) fn take(&mut self, id: &str) -> Option<T> {
        let places = self.by_id.get_mut(id)?;
        while let Some(at) = places.pop_front() {
            if let Some(call) = self.calls[at].take() {
                self.waiting -= 1;
                return Some(call);
            }
        }
        None
    }

    /// The call that a result without an id belongs to.
    pub(crate) fn take_first(&mut self) -> Option<T> {
        while let Some(call) = self.calls.get_mut(self.first) {
            self.first += 1;
            if let Some(call) = call.take() {
                self.waiting -= 1;
                return Some(call);
            }
        }
        None
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// All that wait; none does any more.
    pub(crate) fn close(&mut self) -> impl Iterator<Item = T> + use<K, T> {
        std::mem::take(self).calls.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_finds_its_call_in_any_order() {
        let mut calls = Unanswered::default();
        let pushed = ["a", "b", "a", "c", "d", "e", "e"];
        for (call, id) in pushed.into_iter().enumerate() {
            calls.push(id, call);
        }
        assert_eq!(calls.take("e"), Some(5));
        assert_eq!(calls.take("c"), Some(3));
        assert_eq!(calls.take_first(), Some(0));
        assert_eq!(calls.take("a"), Some(2));
        assert_eq!(calls.take("a"), None);
        assert_eq!(calls.take("x"), None);
        assert!(!calls.is_empty());
        assert_eq!(calls.close().collect::<Vec<_>>(), [1, 4, 6]);
        assert!(calls.is_empty());
        assert_eq!(calls.take_first(), None);
        assert_eq!(calls.take("d"), None);
    }
}
