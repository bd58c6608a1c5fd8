use super::*;
use crate::shape::Pairs;

fn cache(blocks: u64) -> Cache {
    let shape = Shape {
        layers: 1,
        hidden: 2,
        inner: 2,
        heads: 1,
        kv_heads: 1,
        head_size: 2,
        vocabulary: 8,
        context: 1024,
        theta: 1e4,
        epsilon: 1e-5,
        window: None,
        pairs: Pairs::Halves,
    };
    let bytes = Cache::block_bytes(&shape, Precision::Half);
    Cache::new(&shape, Precision::Half, bytes * blocks)
}

fn tokens(from: u32, many: usize) -> Vec<u32> {
    (from..).take(many).collect()
}

/// Takes and keeps blocks for all whole runs, and gives them back.
fn run(cache: &mut Cache, realm: u64, tokens: &[u32]) -> Vec<usize> {
    let mut chain = cache.root(realm);
    let found = cache.find(chain, tokens);
    let mut table: Vec<usize> = found.iter().map(|(block, _)| *block).collect();
    chain = found.last().map_or(chain, |(_, chain)| *chain);
    for run in tokens.chunks_exact(BLOCK).skip(table.len()) {
        let block = cache.take().unwrap();
        chain = cache.keep(block, chain, run);
        table.push(block);
    }
    cache.release(&table);
    table
}

#[test]
fn an_equal_beginning_is_found_and_a_token_is_left_over() {
    let mut cache = cache(8);
    let first = run(&mut cache, 1, &tokens(0, 3 * BLOCK));
    let root = cache.root(1);
    let found: Vec<usize> = cache
        .find(root, &tokens(0, 3 * BLOCK))
        .iter()
        .map(|f| f.0)
        .collect();
    assert_eq!(
        found,
        first[..2],
        "the last whole block would leave no token"
    );
    cache.release(&found);
    let mut other = tokens(0, 3 * BLOCK);
    other[BLOCK] += 1;
    assert_eq!(cache.find(root, &other).len(), 1);
}

#[test]
fn realms_share_nothing() {
    let mut cache = cache(8);
    run(&mut cache, 1, &tokens(0, 2 * BLOCK));
    let other = cache.root(2);
    assert!(cache.find(other, &tokens(0, 2 * BLOCK)).is_empty());
}

#[test]
fn equal_tokens_after_different_ones_are_different() {
    let mut cache = cache(8);
    run(
        &mut cache,
        1,
        &[tokens(0, BLOCK), tokens(500, BLOCK)].concat(),
    );
    let root = cache.root(1);
    assert!(cache.find(root, &tokens(500, 2 * BLOCK)).is_empty());
}

#[test]
fn what_was_not_used_for_longest_is_evicted_and_its_end_first() {
    let mut cache = cache(4);
    run(&mut cache, 1, &tokens(0, 2 * BLOCK));
    run(&mut cache, 1, &tokens(900, 2 * BLOCK));
    let taken = cache.take().unwrap();
    let root = cache.root(1);
    let found = cache.find(root, &tokens(0, 3 * BLOCK));
    assert_eq!(found.len(), 1, "its second block is gone, its first is not");
    assert_eq!(cache.spare(), 2);
    cache.release(&[found[0].0, taken]);
    assert_eq!((cache.spare(), cache.used()), (4, 0));
}

#[test]
fn what_is_in_use_is_never_taken() {
    let mut cache = cache(2);
    run(&mut cache, 1, &tokens(0, 2 * BLOCK));
    let root = cache.root(1);
    let found = cache.find(root, &tokens(0, 2 * BLOCK + 1));
    assert_eq!(found.len(), 2);
    assert_eq!(cache.take(), None);
}
