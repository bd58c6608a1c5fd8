//! More ways to read a text than are followed at once.

use super::*;

#[test]
fn more_ways_than_are_followed_lead_to_no_dead_end() {
    let words = |from: u32| -> Vec<Json> {
        (from..from + 100)
            .map(|n| json!({"const": format!("z{n}")}))
            .collect()
    };
    let list = |from| json!({"type": "array", "items": {"anyOf": words(from)}});
    let schema = json!({"anyOf": [list(1_000), list(2_000)]});
    let mut texts: Vec<Box<[u8]>> = (0..=u8::MAX).map(|byte| Box::from([byte])).collect();
    texts.push(Box::from(&b"\"z2099"[..]));
    let vocabulary = Vocabulary::of(&texts);
    let mut guide = Guide::new(Arc::new(grammar(&schema).unwrap()));
    guide.push(b"[");
    assert!(guide.allowed(&vocabulary, false).allows(256));
    guide.push(&texts[256]);
    assert!(guide.allowed(&vocabulary, false).allows(u32::from(b'"')) && !guide.is_over());
}
