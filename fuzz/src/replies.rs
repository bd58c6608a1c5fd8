//! Replies of a server of shared limits.

use vane::limits::resp::{Reply, decode};

/// A reply is the same however it is cut, and takes no more than it says.
pub fn check(bytes: &[u8]) {
    let Ok(Some((reply, taken))) = decode(bytes) else {
        return;
    };
    assert!((3..=bytes.len()).contains(&taken));
    assert_eq!(decode(&bytes[..taken]), Ok(Some((reply.clone(), taken))));
    for end in 0..taken {
        assert_eq!(decode(&bytes[..end]), Ok(None), "a reply before its end");
    }
    if let Reply::List(items) = &reply {
        let nested = |item: &Reply| matches!(item, Reply::List(_));
        assert!(items.len() <= 16 && !items.iter().any(nested));
    }
}
