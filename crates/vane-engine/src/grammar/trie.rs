//! Words by their bytes: the names of an object's members, or the texts of values that are listed.

/// A tree of words. The root is node 0.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<(u8, u32)>,
    /// The word that ends here.
    word: Option<u32>,
    /// Words below, this one too.
    words: Vec<u32>,
    /// A backslash stands before: inside an escape, or after one.
    escaped: bool,
}

impl Trie {
    pub(super) fn of<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut trie = Self {
            nodes: vec![Node::default()],
        };
        for (word, bytes) in (0..).zip(words) {
            let mut at = 0;
            trie.nodes[0].words.push(word);
            for byte in bytes {
                at = trie.child(at, *byte).unwrap_or_else(|| {
                    let child = u32::try_from(trie.nodes.len()).unwrap_or(u32::MAX);
                    let parent = &mut trie.nodes[at as usize];
                    parent.children.push((*byte, child));
                    let escaped = parent.escaped || *byte == b'\\';
                    trie.nodes.push(Node {
                        escaped,
                        ..Node::default()
                    });
                    child
                });
                trie.nodes[at as usize].words.push(word);
            }
            trie.nodes[at as usize].word = Some(word);
        }
        trie
    }

    pub(super) fn child(&self, at: u32, byte: u8) -> Option<u32> {
        let children = &self.nodes[at as usize].children;
        let found = children.iter().find(|(is, _)| *is == byte);
        found.map(|(_, child)| *child)
    }

    pub(super) fn word(&self, at: u32) -> Option<u32> {
        self.nodes[at as usize].word
    }

    /// Numbers of the words that begin as the way to this node, in their order.
    pub(super) fn words(&self, at: u32) -> &[u32] {
        &self.nodes[at as usize].words
    }

    pub(super) fn is_leaf(&self, at: u32) -> bool {
        self.nodes[at as usize].children.is_empty()
    }

    pub(super) fn is_escaped(&self, at: u32) -> bool {
        self.nodes[at as usize].escaped
    }
}
