//! Numbers of 16 bits: IEEE half precision and bfloat16, by plain arithmetic that vectorises.

/// 2^112: what moves a half's exponent, put in place of a single's, to where it belongs.
const MOVE: f32 = f32::from_bits(0x7780_0000);

#[inline(always)]
pub(crate) fn single_of_half(half: u16) -> f32 {
    let half = u32::from(half);
    let magnitude = half & 0x7fff;
    // Subnormal halves are subnormal singles here, and the product makes them normal.
    let finite = (f32::from_bits(magnitude << 13) * MOVE).to_bits();
    let special = 0x7f80_0000 | (magnitude << 13);
    let bits = if magnitude >= 0x7c00 { special } else { finite };
    f32::from_bits(bits | ((half & 0x8000) << 16))
}

#[inline(always)]
pub(crate) fn single_of_bfloat(bfloat: u16) -> f32 {
    f32::from_bits(u32::from(bfloat) << 16)
}

/// Rounds to the nearest, ties to even. What is too large becomes the largest: a cache of keys
/// has no use for infinity.
#[inline(always)]
pub(crate) fn half_of_single(single: f32) -> u16 {
    const LARGEST: f32 = 65_504.0;
    let sign = (single.to_bits() >> 16) & 0x8000;
    let magnitude = single.abs().min(LARGEST);
    let bits = magnitude.to_bits();
    // Below 2^-14 halves are multiples of 2^-24: adding 0.5 leaves those in the last bits.
    let small = (magnitude + 0.5).to_bits().wrapping_sub(0.5_f32.to_bits());
    let odd = (bits >> 13) & 1;
    let normal = bits.wrapping_add(0xfff + odd).wrapping_sub(112 << 23) >> 13;
    let half = if magnitude < 6.103_515_6e-5 {
        small
    } else {
        normal
    };
    (half | sign) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_the_number_that_it_stands_for() {
        for half in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(half >> 10 & 31), f64::from(half & 1023));
            let magnitude = match exponent {
                0 => fraction * 2_f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let number = f64::from(single_of_half(half)).abs();
            assert!(
                number == magnitude || number.is_nan() && magnitude.is_nan(),
                "{half:#x}"
            );
            assert_eq!(single_of_half(half).is_sign_negative(), half & 0x8000 != 0);
            if magnitude.is_finite() {
                assert_eq!(half_of_single(single_of_half(half)), half, "{half:#x}");
            }
        }
    }

    #[test]
    fn halves_are_the_nearest_and_never_infinite() {
        let rows = [
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
            (1.0 + 1.1 / 2048.0, 0x3c01),
            (1e9, 0x7bff),
            (-1e9, 0xfbff),
            (6e-8, 1),
            (1e-9, 0),
        ];
        for (single, half) in rows {
            assert_eq!(half_of_single(single), half, "{single}");
        }
    }
}
