//! How many calls of one key run at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Concurrency {
    max: usize,
    running: Mutex<HashMap<String, Arc<AtomicUsize>>>,
}

/// A running call's place; leaving it makes room.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Concurrency {
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            max,
            running: Mutex::default(),
        }
    }

    /// A place for one more call of `key`; `None` when all are taken.
    #[must_use]
    pub fn enter(&self, key: &str) -> Option<Place> {
        let count = self.count(key);
        let taken = count.fetch_add(1, Relaxed);
        let place = Place(count);
        (taken < self.max).then_some(place)
    }

    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }

    fn count(&self, key: &str) -> Arc<AtomicUsize> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get(key) {
            return count.clone();
        }
        running.entry(key.to_owned()).or_default().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Concurrency;

    #[test]
    fn a_key_has_its_own_places_and_gets_them_back() {
        let limit = Concurrency::new(2);
        let first = limit.enter("a");
        let second = limit.enter("a");
        assert!(first.is_some() && second.is_some());
        assert!(limit.enter("a").is_none());
        assert!(limit.enter("b").is_some());
        drop(first);
        assert!(limit.enter("a").is_some());
    }
}
