//! The tokens of a vocabulary in the order of their bytes, so that what several begin with is read once.

use super::mask::Mask;

/// A byte of one or more tokens. Those that begin alike follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) byte: u8,
    /// How many bytes stand before it, itself counted.
    pub(super) depth: u32,
    /// Where those end that begin as this one.
    pub(super) end: u32,
    /// Tokens that end here, of `Tree::tokens`.
    pub(super) tokens: (u32, u32),
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) tokens: Vec<u32>,
}

/// What a grammar needs to know of a tokenizer.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    pub(super) all: Tree,
    /// Without the plain ones.
    pub(super) rest: Tree,
    /// Tokens of whole characters that mean nothing but themselves inside of a string, the shortest
    /// first, each with its characters.
    pub(super) plain: Vec<(u32, u32)>,
    /// All of them.
    pub(super) plain_mask: Mask,
    pub(super) longest: u32,
    pub(super) len: usize,
    writes: bool,
}

impl Vocabulary {
    pub(crate) fn of(texts: &[Box<[u8]>]) -> Self {
        let mut sorted: Vec<(&[u8], u32)> = { texts.iter().zip(0..) }
            .filter(|(text, _)| !text.is_empty())
            .map(|(text, token)| (&**text, token))
            .collect();
        sorted.sort_unstable();
        let mut plain = Vec::new();
        let mut rest = Vec::new();
        let mut plain_mask = Mask::none(texts.len());
        for (text, token) in &sorted {
            match characters(text) {
                Some(many) => {
                    plain.push((many, *token));
                    plain_mask.allow(*token);
                }
                None => rest.push((*text, *token)),
            }
        }
        plain.sort_unstable();
        let longest = sorted.iter().map(|(text, _)| text.len()).max();
        // With these alone every text can be written.
        let single = |byte: u8| {
            sorted
                .binary_search_by(|(text, _)| (*text).cmp(&[byte]))
                .is_ok()
        };
        let mut needed = (0x20..=0x7e).chain(0x80..=0xbf).chain(0xc2..=0xf4);
        Self {
            all: Tree::of(&sorted),
            rest: Tree::of(&rest),
            plain,
            plain_mask,
            longest: u32::try_from(longest.unwrap_or_default()).unwrap_or(u32::MAX),
            len: texts.len(),
            writes: needed.all(single),
        }
    }

    /// Whether every text has its tokens. Where one has not, a grammar could run into a dead end.
    pub(crate) fn writes_all(&self) -> bool {
        self.writes
    }
}

fn characters(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(text).ok()?;
    let plain = |letter: char| letter >= ' ' && letter != '"' && letter != '\\';
    text.chars()
        .all(plain)
        .then(|| u32::try_from(text.chars().count()).unwrap_or(u32::MAX))
}

impl Tree {
    fn of(sorted: &[(&[u8], u32)]) -> Self {
        let mut tree = Self::default();
        // The nodes from the root to the last one.
        let mut way: Vec<usize> = Vec::new();
        let mut before: &[u8] = &[];
        for (text, token) in sorted {
            let common = before
                .iter()
                .zip(*text)
                .take_while(|(left, right)| left == right);
            let common = common.count();
            let here = number(tree.nodes.len());
            for node in way.drain(common..) {
                tree.nodes[node].end = here;
            }
            let first = number(tree.tokens.len());
            for byte in &text[common..] {
                way.push(tree.nodes.len());
                tree.nodes.push(Node {
                    byte: *byte,
                    depth: number(way.len()),
                    end: 0,
                    tokens: (first, first),
                });
            }
            tree.tokens.push(*token);
            if let Some(last) = way.last() {
                tree.nodes[*last].tokens.1 = number(tree.tokens.len());
            }
            before = text;
        }
        let here = number(tree.nodes.len());
        for node in way {
            tree.nodes[node].end = here;
        }
        tree
    }
}

/// Vocabularies have some hundred thousand tokens of short texts.
fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
