//! How many bytes of requests' bodies this process holds: one bound over all of them.
//!
//! They are counted as they come and as they are unpacked. Invariant: what was counted is given back
//! when the last slice of a body goes, wherever it went until then.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use vane_dialect::Fault;
use vane_dialect::fault::{Blame, Kind};

/// The bytes that are held.
#[derive(Debug, Default)]
pub struct Bodies(AtomicUsize);

/// What one body has of them.
pub(super) struct Share {
    bodies: Arc<Bodies>,
    bytes: usize,
    /// As many may be held by all.
    max: usize,
}

/// A body with its share.
struct Held<T> {
    bytes: T,
    _share: Share,
}

impl Share {
    pub(super) const fn new(bodies: Arc<Bodies>, max: usize) -> Self {
        let bytes = 0;
        Self { bodies, bytes, max }
    }

    /// Counts a body that has grown to so many bytes.
    ///
    /// # Errors
    /// If all together are too many.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        let more = bytes.saturating_sub(self.bytes);
        self.bytes += more;
        let before = self.bodies.0.fetch_add(more, Relaxed);
        match before.saturating_add(more) > self.max {
            true => Err(full(self.max)),
            false => Ok(()),
        }
    }

    /// The body that was counted; its share goes with its last slice.
    pub(super) fn with(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        if bytes.as_ref().is_empty() {
            return Bytes::new();
        }
        let _share = self;
        Bytes::from_owner(Held { bytes, _share })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.bodies.0.fetch_sub(self.bytes, Relaxed);
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

fn full(max: usize) -> Fault {
    let message = format!(
        "this server holds as many bytes of requests as it may: the {max} of \
         `limits.bodies_bytes_max`; try again in a moment"
    );
    Fault {
        retry_after: Some(Duration::from_secs(1)),
        ..Fault::new(Kind::Unavailable, Blame::Us, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_counted_until_its_last_slice_goes() {
        let bodies = Arc::new(Bodies::default());
        let held = || bodies.0.load(Relaxed);
        let mut share = Share::new(bodies.clone(), 100);
        share.grow(3).unwrap();
        share.grow(5).unwrap();
        let body = share.with(Bytes::from_static(b"Hello"));
        let slice = body.slice(1..2);
        assert_eq!((held(), &body[..]), (5, &b"Hello"[..]));
        let mut other = Share::new(bodies.clone(), 100);
        let refused = other.grow(96).unwrap_err();
        assert_eq!(
            (refused.kind, refused.blame),
            (Kind::Unavailable, Blame::Us)
        );
        drop(other);
        drop(body);
        assert_eq!(held(), 5);
        drop(slice);
        assert_eq!(held(), 0);
        let mut all = Share::new(bodies.clone(), 100);
        all.grow(100).unwrap();
    }
}
