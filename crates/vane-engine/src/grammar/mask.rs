//! Which tokens may come next. What one way of reading allows does not depend on the others, so that it
//! is found once for each, and kept while it may come again.

use std::collections::HashMap;
use std::sync::Arc;

use super::frame::{Frame, Stack};
use super::text::Part;
use super::vocabulary::{Tree, Vocabulary};
use super::walk::WAYS_MAX;
use super::{Grammar, walk};

/// Of one sequence; a mask of 131,072 tokens has 16 KiB.
const KEPT_MAX: usize = 64;

/// One bit for each token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mask(Vec<u64>);

impl Mask {
    pub(crate) fn none(tokens: usize) -> Self {
        Self(vec![0; tokens.div_ceil(64)])
    }

    pub(crate) fn all(tokens: usize) -> Self {
        let mut mask = Self(vec![u64::MAX; tokens.div_ceil(64)]);
        if let Some(last) = mask.0.last_mut().filter(|_| !tokens.is_multiple_of(64)) {
            *last = (1 << (tokens % 64)) - 1;
        }
        mask
    }

    pub(crate) fn forbid(&mut self, token: u32) {
        if let Some(word) = self.0.get_mut(token as usize / 64) {
            *word &= !(1 << (token % 64));
        }
    }

    pub(crate) fn allow(&mut self, token: u32) {
        if let Some(word) = self.0.get_mut(token as usize / 64) {
            *word |= 1 << (token % 64);
        }
    }

    pub(crate) fn allows(&self, token: u32) -> bool {
        let word = self.0.get(token as usize / 64);
        word.is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Tokens that are allowed, the lowest first.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u32> {
        (0..).step_by(64).zip(&self.0).flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                (bit < 64).then(|| first + bit)
            })
        })
    }

    fn add(&mut self, other: &Mask) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }
}

/// What leads one answer along its grammar.
#[derive(Debug)]
pub(crate) struct Guide {
    grammar: Arc<Grammar>,
    ways: Vec<Stack>,
    kept: HashMap<Stack, Mask>,
}

impl Guide {
    pub(crate) fn new(grammar: Arc<Grammar>) -> Self {
        Self {
            ways: vec![Stack::new(grammar.root)],
            grammar,
            kept: HashMap::new(),
        }
    }

    /// Tokens that may come. A first space may be one that is none.
    pub(crate) fn allowed(&mut self, vocabulary: &Vocabulary, skips_space: bool) -> Mask {
        let mut mask = Mask::none(vocabulary.len);
        for way in &self.ways {
            if skips_space {
                find(&self.grammar, &vocabulary.all, way, &mut mask);
                find_after_space(&self.grammar, vocabulary, way, &mut mask);
                continue;
            }
            let key = key(way, vocabulary);
            if let Some(kept) = self.kept.get(&key) {
                mask.add(kept);
                continue;
            }
            let one = mask_of(&self.grammar, vocabulary, way);
            mask.add(&one);
            if self.kept.len() >= KEPT_MAX {
                self.kept.clear();
            }
            self.kept.insert(key, one);
        }
        mask
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let (mut all, mut next) = (Vec::new(), Vec::new());
        // Way by way, as the mask was made: of a token that it allows some way is left.
        for way in std::mem::take(&mut self.ways) {
            let mut own = vec![way];
            for byte in bytes {
                walk::step_all(&self.grammar, &own, *byte, &mut next);
                std::mem::swap(&mut own, &mut next);
            }
            for way in own {
                if all.len() < WAYS_MAX && !all.contains(&way) {
                    all.push(way);
                }
            }
        }
        self.ways = all;
    }

    #[cfg(test)]
    pub(super) fn walk(&self) -> walk::Walk<'_> {
        walk::Walk::of(&self.grammar, self.ways.clone())
    }

    /// Whether the text may be over here.
    pub(crate) fn is_complete(&self) -> bool {
        walk::is_complete(&self.grammar, &self.ways)
    }

    /// Whether nothing may come any more.
    pub(crate) fn is_over(&self) -> bool {
        self.ways.iter().all(|way| way.top == Frame::Done)
    }
}

/// Ways that allow the same tokens: no token is so long that it sees where these limits stand.
fn key(way: &Stack, vocabulary: &Vocabulary) -> Stack {
    match way.top {
        Frame::Text { least, most, part } => way.with(Frame::Text {
            least: least.min(vocabulary.longest + 1),
            most: most.min(vocabulary.longest + 1),
            part,
        }),
        _ => way.clone(),
    }
}

fn mask_of(grammar: &Grammar, vocabulary: &Vocabulary, way: &Stack) -> Mask {
    let room = match way.top {
        Frame::Text {
            most,
            part: Part::Plain,
            ..
        } => Some(most),
        Frame::Name {
            at: None,
            part: Part::Plain,
            ..
        } => Some(u32::MAX),
        _ => None,
    };
    let mut mask = match room {
        None => Mask::none(vocabulary.len),
        Some(room) if room >= vocabulary.longest => vocabulary.plain_mask.clone(),
        Some(room) => {
            let mut mask = Mask::none(vocabulary.len);
            let short = vocabulary.plain.partition_point(|(many, _)| *many <= room);
            for (_, token) in &vocabulary.plain[..short] {
                mask.allow(*token);
            }
            mask
        }
    };
    let tree = if room.is_some() {
        &vocabulary.rest
    } else {
        &vocabulary.all
    };
    find(grammar, tree, way, &mut mask);
    mask
}

fn find(grammar: &Grammar, tree: &Tree, way: &Stack, mask: &mut Mask) {
    find_among(grammar, tree, (0, tree.nodes.len()), 0, way, mask);
}

fn find_after_space(grammar: &Grammar, vocabulary: &Vocabulary, way: &Stack, mask: &mut Mask) {
    let tree = &vocabulary.all;
    let space = tree
        .nodes
        .iter()
        .position(|node| node.depth == 1 && node.byte == b' ');
    if let Some(space) = space {
        let range = (space + 1, tree.nodes[space].end as usize);
        find_among(grammar, tree, range, 1, way, mask);
    }
}

/// Allows the tokens of these nodes whose bytes after the first `skipped` may come.
fn find_among(
    grammar: &Grammar,
    tree: &Tree,
    (mut at, end): (usize, usize),
    skipped: u32,
    way: &Stack,
    mask: &mut Mask,
) {
    let mut levels: Vec<Vec<Stack>> = vec![vec![way.clone()]];
    while at < end {
        let node = tree.nodes[at];
        let depth = (node.depth - skipped) as usize;
        if levels.len() <= depth {
            levels.resize_with(depth + 1, Vec::new);
        }
        let (before, after) = levels.split_at_mut(depth);
        walk::step_all(grammar, &before[depth - 1], node.byte, &mut after[0]);
        if after[0].is_empty() {
            at = node.end as usize;
            continue;
        }
        for token in &tree.tokens[node.tokens.0 as usize..node.tokens.1 as usize] {
            mask.allow(*token);
        }
        at += 1;
    }
}
