//! How numbers are stored in a tensor: the block formats of GGML and the plain ones.
//!
//! A row of a tensor is a whole number of blocks, so that rows can be read one by one.

/// A format that this engine reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    pub const ALL: [Format; 8] = [
        Format::F32,
        Format::F16,
        Format::Bf16,
        Format::Q8_0,
        Format::Q4_0,
        Format::Q4K,
        Format::Q5K,
        Format::Q6K,
    ];

    /// Numbers in a block, and its bytes.
    pub const fn block(self) -> (usize, usize) {
        match self {
            Format::F32 => (1, 4),
            Format::F16 | Format::Bf16 => (1, 2),
            Format::Q8_0 => (32, 2 + 32),
            Format::Q4_0 => (32, 2 + 16),
            Format::Q4K => (256, 2 + 2 + 12 + 128),
            Format::Q5K => (256, 2 + 2 + 12 + 32 + 128),
            Format::Q6K => (256, 128 + 64 + 16 + 2),
        }
    }

    /// The bytes of a row of so many numbers, if a row of this format can have so many.
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        let (numbers, bytes) = self.block();
        if columns == 0 || !columns.is_multiple_of(numbers) {
            return None;
        }
        (columns / numbers).checked_mul(bytes)
    }

    /// Whether rows are multiplied as small integers.
    pub(crate) const fn is_quantised(self) -> bool {
        !matches!(self, Format::F32 | Format::F16 | Format::Bf16)
    }

    /// By its number in GGUF files.
    pub(crate) const fn of_ggml(number: u32) -> Option<Self> {
        Some(match number {
            0 => Format::F32,
            1 => Format::F16,
            2 => Format::Q4_0,
            8 => Format::Q8_0,
            12 => Format::Q4K,
            13 => Format::Q5K,
            14 => Format::Q6K,
            30 => Format::Bf16,
            _ => return None,
        })
    }

    /// By its name in safetensors files.
    pub(crate) fn of_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F32" => Format::F32,
            "F16" => Format::F16,
            "BF16" => Format::Bf16,
            _ => return None,
        })
    }
}
