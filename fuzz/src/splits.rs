//! Cutting bytes in pieces, and a small generator of numbers: the same for the same seed.

/// splitmix64.
#[derive(Debug, Clone)]
pub struct Draw(pub u64);

impl Draw {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.draw() % limit).unwrap_or(0)
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

/// A seed that follows from the bytes, so that a crash is reproduced by its input alone.
pub fn seed(bytes: &[u8]) -> Draw {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Draw(hash)
}

/// Pieces of 1 to 16 bytes.
pub fn pieces<'a>(bytes: &'a [u8], draw: &mut Draw) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at((draw.below(16) + 1).min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}
