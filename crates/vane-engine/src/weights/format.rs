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
    Q4_1,
    Q4K,
    Q5K,
    Q6K,
}

impl Format {
    pub const ALL: [Format; 9] = [
        Format::F32,
        Format::F16,
        Format::Bf16,
        Format::Q8_0,
        Format::Q4_0,
        Format::Q4_1,
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
            Format::Q4_1 => (32, 2 + 2 + 16),
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

    /// As the files call it.
    pub const fn name(self) -> &'static str {
        match self {
            Format::F32 => "F32",
            Format::F16 => "F16",
            Format::Bf16 => "BF16",
            Format::Q8_0 => "Q8_0",
            Format::Q4_0 => "Q4_0",
            Format::Q4_1 => "Q4_1",
            Format::Q4K => "Q4_K",
            Format::Q5K => "Q5_K",
            Format::Q6K => "Q6_K",
        }
    }

    /// By its number in GGUF files.
    pub(crate) const fn of_ggml(number: u32) -> Option<Self> {
        Some(match number {
            0 => Format::F32,
            1 => Format::F16,
            2 => Format::Q4_0,
            3 => Format::Q4_1,
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

/// Why a number of GGUF files is no [`Format`]: by the name that people know it by.
pub(crate) fn unread(number: u32) -> String {
    let known = GGML.iter().find(|(other, _)| *other == number);
    let name = known.map_or_else(
        || format!("format number {number}"),
        |(_, name)| (*name).to_owned(),
    );
    let read: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
    format!("{name} is not read: {} are", read.join(", "))
}

/// What GGML has beside.
const GGML: [(u32, &str); 23] = [
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
];
