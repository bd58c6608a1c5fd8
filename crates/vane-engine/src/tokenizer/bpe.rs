//! Byte pair encoding: neighbours are merged, the best pair first, until no pair is left.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Which neighbours may be merged, and which first.
#[derive(Debug)]
pub(super) enum Merges {
    /// Any two that together are a piece; by the rank of that piece, lowest first.
    Pieces(Vec<u32>),
    /// Those that are listed, with rank and what they become.
    Pairs(Pairs),
}

/// Of two tokens, the rank of their merge and what it makes.
pub(super) type Pairs = HashMap<(u32, u32), (u32, u32)>;

#[derive(Debug)]
pub(super) struct Bpe {
    pub(super) ids: HashMap<Box<[u8]>, u32>,
    pub(super) merges: Merges,
}

/// A run of bytes that is one piece so far.
#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    end: usize,
    token: Option<u32>,
    previous: usize,
    next: usize,
}

/// A merge that was possible when it was found: rank, left symbol, right symbol, and the end of
/// the bytes that it covers, by which a stale one is known.
type Candidate = Reverse<(u32, usize, usize, usize)>;

const NOBODY: usize = usize::MAX;

impl Bpe {
    pub(super) fn whole(&self, bytes: &[u8]) -> Option<u32> {
        match self.merges {
            Merges::Pieces(_) => self.ids.get(bytes).copied(),
            // Not every piece need be reached by its pairs.
            Merges::Pairs(_) => None,
        }
    }

    /// The pieces of a text whose smallest parts begin at `starts`, each with its token if it has one.
    pub(super) fn merge<'a>(
        &self,
        text: &'a [u8],
        starts: impl Iterator<Item = usize>,
    ) -> Vec<(&'a [u8], Option<u32>)> {
        let starts: Vec<usize> = starts.collect();
        let mut symbols: Vec<Symbol> = Vec::with_capacity(starts.len());
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(text.len());
            let last = number + 1 == starts.len();
            symbols.push(Symbol {
                start,
                end,
                token: self.ids.get(&text[start..end]).copied(),
                previous: number.checked_sub(1).unwrap_or(NOBODY),
                next: if last { NOBODY } else { number + 1 },
            });
        }
        let mut heap: BinaryHeap<Candidate> = BinaryHeap::new();
        for left in 0..symbols.len().saturating_sub(1) {
            self.consider(text, &symbols, left, left + 1, &mut heap);
        }
        while let Some(Reverse((_, left, right, end))) = heap.pop() {
            self.join(text, &mut symbols, (left, right, end), &mut heap);
        }
        let whole = symbols
            .into_iter()
            .filter(|symbol| symbol.end > symbol.start);
        whole
            .map(|symbol| (&text[symbol.start..symbol.end], symbol.token))
            .collect()
    }

    fn consider(
        &self,
        text: &[u8],
        symbols: &[Symbol],
        left: usize,
        right: usize,
        heap: &mut BinaryHeap<Candidate>,
    ) {
        if let Some((rank, _)) = self.joined(text, &symbols[left], &symbols[right]) {
            heap.push(Reverse((rank, left, right, symbols[right].end)));
        }
    }

    fn joined(&self, text: &[u8], left: &Symbol, right: &Symbol) -> Option<(u32, u32)> {
        match &self.merges {
            Merges::Pieces(ranks) => {
                let token = *self.ids.get(&text[left.start..right.end])?;
                let rank = ranks.get(usize::try_from(token).ok()?)?;
                Some((*rank, token))
            }
            Merges::Pairs(pairs) => pairs.get(&(left.token?, right.token?)).copied(),
        }
    }

    fn join(
        &self,
        text: &[u8],
        symbols: &mut [Symbol],
        (left, right, end): (usize, usize, usize),
        heap: &mut BinaryHeap<Candidate>,
    ) {
        // Either was merged meanwhile: the candidate is of the past.
        let gone = |symbol: &Symbol| symbol.end == symbol.start;
        if gone(&symbols[left]) || symbols[left].next != right || symbols[right].end != end {
            return;
        }
        let Some((_, token)) = self.joined(text, &symbols[left], &symbols[right]) else {
            return;
        };
        let next = symbols[right].next;
        symbols[left] = Symbol {
            end,
            token: Some(token),
            next,
            ..symbols[left]
        };
        symbols[right].start = symbols[right].end;
        if let Some(next) = symbols.get_mut(next) {
            next.previous = left;
        }
        let previous = symbols[left].previous;
        if previous != NOBODY {
            self.consider(text, symbols, previous, left, heap);
        }
        if next != NOBODY {
            self.consider(text, symbols, left, next, heap);
        }
    }
}
