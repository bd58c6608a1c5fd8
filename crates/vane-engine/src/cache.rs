//! Keys and values of all sequences, in blocks of 32 tokens that sequences with the same beginning
//! share.
//!
//! Invariant: a block that is shared or kept is full and never written again. What a block holds is
//! named by its tokens and by all that came before them (its chain), so that two sequences share it
//! only if they are equal up to its end, and of the same realm.

mod cells;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use crate::shape::Shape;
use cells::Cells;
pub(crate) use cells::Stored;

/// Tokens in a block.
pub(crate) const BLOCK: usize = 32;

/// How exactly keys and values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 16 bits: half the memory.
    #[default]
    Half,
    /// 32 bits: what a reference computes with.
    Single,
}

impl Precision {
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Precision::Half => 2,
            Precision::Single => 4,
        }
    }
}

/// What came before a block: a number for every beginning that is known.
pub(crate) type Chain = u64;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Prefix {
    parent: Chain,
    tokens: Box<[u32]>,
}

#[derive(Debug)]
struct Block {
    cells: Cells,
    users: usize,
    /// Under which it can be found again, and its own chain.
    kept: Option<(Prefix, Chain)>,
    /// Its place in the order of eviction, while nobody uses it.
    idle_since: u64,
}

/// The blocks of one model.
#[derive(Debug)]
pub(crate) struct Cache {
    layout: Layout,
    precision: Precision,
    /// Numbers of a block that are kept here.
    numbers: usize,
    blocks: Vec<Block>,
    blocks_max: usize,
    /// Used by nobody, holding nothing.
    free: Vec<usize>,
    /// Used by nobody, holding what may be asked for again; the oldest first.
    idle: BTreeMap<u64, usize>,
    kept: HashMap<Prefix, usize>,
    ticks: u64,
    chains: Chain,
    /// Where the chains of a realm begin.
    realms: HashMap<u64, Chain>,
}

/// Where numbers lie in a block: by layer, keys before values, by head, by token.
#[derive(Debug, Clone, Copy)]
struct Layout {
    layers: usize,
    kv_heads: usize,
    head_size: usize,
}

impl Layout {
    fn len(self) -> usize {
        self.layers * 2 * self.kv_heads * BLOCK * self.head_size
    }

    fn run(self, layer: usize, values: bool, head: usize) -> usize {
        ((layer * 2 + usize::from(values)) * self.kv_heads + head) * BLOCK * self.head_size
    }
}

/// Realms whose beginnings are remembered; past it they begin anew and share nothing with before.
const REALMS_MAX: usize = 4_096;

impl Cache {
    pub(crate) fn new(shape: &Shape, precision: Precision, bytes_max: u64) -> Self {
        let layout = Layout {
            layers: shape.layers,
            kv_heads: shape.kv_heads,
            head_size: shape.head_size,
        };
        let blocks = bytes_max / Self::block_bytes(shape, precision);
        Self {
            layout,
            precision,
            numbers: layout.len(),
            blocks: Vec::new(),
            blocks_max: usize::try_from(blocks).unwrap_or(usize::MAX),
            free: Vec::new(),
            idle: BTreeMap::new(),
            kept: HashMap::new(),
            ticks: 0,
            chains: 0,
            realms: HashMap::new(),
        }
    }

    /// One that says which block is whose, and nothing else: a device keeps what is in them.
    #[cfg(feature = "gpu")]
    pub(crate) fn elsewhere(mut self) -> Self {
        self.numbers = 0;
        self
    }

    /// The memory that 32 tokens take.
    pub(crate) fn block_bytes(shape: &Shape, precision: Precision) -> u64 {
        let numbers = shape.layers * 2 * shape.key_width() * BLOCK;
        u64::try_from(numbers * precision.bytes()).unwrap_or(u64::MAX)
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(crate) fn blocks_max(&self) -> usize {
        self.blocks_max
    }

    /// Blocks that could be taken now.
    pub(crate) fn spare(&self) -> usize {
        self.free.len() + self.idle.len() + self.blocks_max.saturating_sub(self.blocks.len())
    }

    /// Blocks that sequences use.
    pub(crate) fn used(&self) -> usize {
        self.blocks_max - self.spare()
    }

    /// Where the chains of a realm begin.
    pub(crate) fn root(&mut self, realm: u64) -> Chain {
        if self.realms.len() >= REALMS_MAX && !self.realms.contains_key(&realm) {
            self.realms.clear();
        }
        if let Some(root) = self.realms.get(&realm) {
            return *root;
        }
        let root = self.next_chain();
        self.realms.insert(realm, root);
        root
    }

    /// The kept blocks of the beginning of these tokens, now in use once more, and their chains. At
    /// least one token is left over: the next one follows from it.
    pub(crate) fn find(&mut self, root: Chain, tokens: &[u32]) -> Vec<(usize, Chain)> {
        let mut found = Vec::new();
        let mut parent = root;
        for run in tokens[..tokens.len().saturating_sub(1)].chunks_exact(BLOCK) {
            let prefix = Prefix {
                parent,
                tokens: run.into(),
            };
            let Some(&number) = self.kept.get(&prefix) else {
                break;
            };
            let block = &mut self.blocks[number];
            if block.users == 0 {
                self.idle.remove(&block.idle_since);
            }
            block.users += 1;
            parent = block.kept.as_ref().map_or(parent, |(_, chain)| *chain);
            found.push((number, parent));
        }
        found
    }

    /// A block to write into, if there is memory for one.
    pub(crate) fn take(&mut self) -> Option<usize> {
        if let Some(number) = self.free.pop() {
            self.blocks[number].users = 1;
            return Some(number);
        }
        if self.blocks.len() < self.blocks_max {
            let cells = Cells::new(self.precision, self.numbers);
            self.blocks.push(Block {
                cells,
                users: 1,
                kept: None,
                idle_since: 0,
            });
            return Some(self.blocks.len() - 1);
        }
        let (_, number) = self.idle.pop_first()?;
        let block = &mut self.blocks[number];
        block.users = 1;
        if let Some((prefix, _)) = block.kept.take() {
            self.kept.remove(&prefix);
        }
        Some(number)
    }

    /// A full block can be found from now on. Says its chain.
    pub(crate) fn keep(&mut self, number: usize, parent: Chain, tokens: &[u32]) -> Chain {
        let prefix = Prefix {
            parent,
            tokens: tokens.into(),
        };
        let twin = self
            .kept
            .get(&prefix)
            .and_then(|twin| self.blocks[*twin].kept.as_ref());
        if let Some((_, chain)) = twin {
            return *chain;
        }
        let chain = self.next_chain();
        self.kept.insert(prefix.clone(), number);
        self.blocks[number].kept = Some((prefix, chain));
        chain
    }

    /// One user of each of these blocks is gone. The last of them is evicted first.
    pub(crate) fn release(&mut self, table: &[usize]) {
        for &number in table.iter().rev() {
            let block = &mut self.blocks[number];
            block.users -= 1;
            if block.users > 0 {
                continue;
            }
            if block.kept.is_none() {
                self.free.push(number);
                continue;
            }
            self.ticks += 1;
            block.idle_since = self.ticks;
            self.idle.insert(self.ticks, number);
        }
    }

    fn next_chain(&mut self) -> Chain {
        self.chains += 1;
        self.chains
    }

    /// Writes one token's keys and values of one layer.
    pub(crate) fn write(
        &mut self,
        block: usize,
        slot: usize,
        layer: usize,
        keys: &[f32],
        values: &[f32],
    ) {
        let (layout, size) = (self.layout, self.layout.head_size);
        let cells = &mut self.blocks[block].cells;
        for (are_values, numbers) in [(false, keys), (true, values)] {
            for (head, numbers) in numbers.chunks_exact(size).enumerate() {
                cells.write(layout.run(layer, are_values, head) + slot * size, numbers);
            }
        }
    }

    /// The keys, or the values, of one head in a block: of tokens `from` to `to` of it.
    pub(crate) fn run<C: Stored>(
        &self,
        block: usize,
        layer: usize,
        values: bool,
        head: usize,
        tokens: (usize, usize),
    ) -> &[C] {
        let start = self.layout.run(layer, values, head);
        let size = self.layout.head_size;
        &C::of(&self.blocks[block].cells)[start + tokens.0 * size..start + tokens.1 * size]
    }
}
