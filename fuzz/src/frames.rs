//! Any split of the bytes gives the same frames.

use crate::splits::{Draw, pieces, seed};
use bytes::Bytes;
use vane_dialect::frame::sse::{Frame, Splitter};

const FRAME_BYTES_MAX: usize = 8 << 20;

type Found = (Vec<u8>, Vec<u8>);

pub fn check(bytes: &[u8]) {
    let whole = read(&[bytes]);
    let mut draw: Draw = seed(bytes);
    assert_eq!(read(&pieces(bytes, &mut draw)), whole, "split at random");
    let singles: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&singles), whole, "byte by byte");
    if let [head @ .., _] = bytes {
        // A stream cut short has the same frames as far as it goes.
        let cut = read(&[head]);
        let common = cut.len().saturating_sub(1);
        assert_eq!(cut.get(..common), whole.get(..common), "cut by a byte");
    }
}

/// Event and data of every frame that has data.
fn read(chunks: &[&[u8]]) -> Vec<Found> {
    let mut found = Vec::new();
    for_each(chunks, |frame| {
        if let Some(data) = &frame.data {
            found.push((frame.event.to_vec(), data.to_vec()));
        }
        true
    });
    found
}

/// Gives each frame to `take` until that says `false`.
pub fn for_each(chunks: &[&[u8]], mut take: impl FnMut(&Frame<'_>) -> bool) {
    let mut splitter = Splitter::new(FRAME_BYTES_MAX);
    for chunk in chunks {
        if splitter.push(Bytes::copy_from_slice(chunk)).is_err() {
            return;
        }
        while let Some(range) = splitter.next_frame() {
            if !take(&checked(&splitter.buffer()[range])) {
                return;
            }
        }
    }
    let rest = splitter.rest();
    if !rest.is_empty() {
        take(&checked(&rest));
    }
}

fn checked(bytes: &[u8]) -> Frame<'_> {
    let frame = Frame::parse(bytes);
    if let (Some(data), Some(at)) = (&frame.data, frame.data_at) {
        let stands = bytes.get(at..at + data.len());
        assert_eq!(stands, Some(&data[..]), "data_at points elsewhere");
    }
    frame
}
