//! A JSON number, digit by digit, and whether what stands there can still become one within bounds.
//!
//! Numbers are short: no answer is lost in the digits of one, and every reader can hold it.

use serde_json::Value as Json;

const DIGITS_MAX: u32 = 15;
const EXPONENT_DIGITS_MAX: u32 = 2;
/// Of numbers with bounds: such a number, times [`UNITS`], fits 64 bits.
const BOUNDED_FRACTION: u32 = 6;
const BOUNDED_WHOLE: u32 = 12;
const INTEGER_DIGITS: u32 = 18;
/// Of what is asked for by `multipleOf`, in units.
const STEP_MAX: f64 = 1e15;
const UNITS: i128 = 10_i128.pow(BOUNDED_FRACTION);
pub(super) const BOUND_MAX: i128 = 10_i128.pow(INTEGER_DIGITS) - 1;

/// Where nothing bounds them: every reader of doubles has them exactly.
pub(super) const PLAIN_MAX: i128 = 10_i128.pow(DIGITS_MAX) - 1;

/// Formats of integers, and the least and the most of each, as far as numbers here go.
const FORMATS: &[(&str, i128, i128)] = &[
    ("int8", i8::MIN as i128, i8::MAX as i128),
    ("int16", i16::MIN as i128, i16::MAX as i128),
    ("int32", i32::MIN as i128, i32::MAX as i128),
    ("int64", -BOUND_MAX, BOUND_MAX),
    ("uint8", 0, u8::MAX as i128),
    ("uint16", 0, u16::MAX as i128),
    ("uint32", 0, u32::MAX as i128),
    ("uint64", 0, BOUND_MAX),
];

/// From where to where numbers of a format go, in units of what can be written.
pub(super) fn range(format: &str, integer: bool) -> Option<(i128, i128)> {
    if !integer {
        return (format == "float").then_some((-BOUND_MAX, BOUND_MAX));
    }
    let known = FORMATS.iter().find(|(name, ..)| *name == format);
    known.map(|(_, least, most)| (*least, *most))
}

/// The first number inside of a bound, in units of what can be written.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bound has at most 18 digits, and what is rounded is compared again"
)]
pub(super) fn bound(value: &Json, integer: bool, is_least: bool, excluded: bool) -> Option<i128> {
    let units = if integer { 1 } else { UNITS };
    let whole = value
        .as_i64()
        .map(i128::from)
        .or(value.as_u64().map(i128::from));
    let step = if is_least { 1 } else { -1 };
    let bound = if let Some(whole) = whole {
        whole.checked_mul(units)? + if excluded { step } else { 0 }
    } else {
        let value = value.as_f64()?;
        let scaled = value * units as f64;
        if scaled.abs() > BOUND_MAX as f64 {
            return None;
        }
        let near = scaled.round() as i128;
        let inside = |unit: i128| {
            let is = unit as f64 / units as f64;
            let beyond = if is_least { is > value } else { is < value };
            beyond || !excluded && is.to_bits() == value.to_bits()
        };
        (-2..=2)
            .map(|steps| near + steps * step)
            .find(|unit| inside(*unit))?
    };
    (bound.abs() <= BOUND_MAX + 1).then_some(bound)
}

/// Of what numbers have to be multiples, in units of what can be written, and whether all of these are
/// whole.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "it has at most 15 digits, which doubles have"
)]
pub(super) fn step(value: &Json, integer: bool) -> Option<(i128, bool)> {
    let value = value.as_f64().filter(|value| *value > 0.0)?;
    if value.fract() == 0.0 {
        return (value <= STEP_MAX).then_some((value as i128, true));
    }
    let units = (value * UNITS as f64).round();
    let is_exact = (units / UNITS as f64).to_bits() == value.to_bits();
    let units = (is_exact && units <= STEP_MAX).then_some(units as i128)?;
    Some(if integer {
        (units / common(units, UNITS), true)
    } else {
        (units, false)
    })
}

/// The greatest common divisor.
fn common(one: i128, other: i128) -> i128 {
    if other == 0 {
        one
    } else {
        common(other, one % other)
    }
}

fn has_multiple(from: i128, to: i128, step: i128) -> bool {
    to.div_euclid(step) * step >= from && from <= to
}

/// Which numbers may stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Any,
    Integer,
    /// Without exponent, from `least` to `most`, which count millionths if there may be a fraction.
    /// Multiples of `step`, which is counted alike.
    Between {
        least: i128,
        most: i128,
        fraction: bool,
        step: i128,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    /// After a minus.
    Sign,
    Zero,
    Whole,
    Point,
    Fraction,
    /// After `e`.
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// A number so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digits {
    stage: Stage,
    /// Of this stage.
    many: u8,
    negative: bool,
    /// All digits, where bounds ask for them.
    value: u64,
}

impl Number {
    /// Whether any number is one of these.
    pub(super) fn is_possible(self) -> bool {
        match self {
            Number::Any | Number::Integer => true,
            Number::Between {
                least, most, step, ..
            } => has_multiple(least, most, step),
        }
    }

    pub(super) fn begin(self, byte: u8) -> Option<Digits> {
        let stage = match byte {
            b'-' => Stage::Sign,
            b'0' => Stage::Zero,
            b'1'..=b'9' => Stage::Whole,
            _ => return None,
        };
        let digits = Digits {
            stage,
            many: 1,
            negative: byte == b'-',
            value: 0,
        };
        self.checked(digits, byte)
    }

    pub(super) fn step(self, digits: Digits, byte: u8) -> Option<Digits> {
        let bounded = matches!(self, Number::Between { .. });
        let integer = matches!(
            self,
            Number::Integer
                | Number::Between {
                    fraction: false,
                    ..
                }
        );
        let most = match digits.stage {
            Stage::Whole if bounded && !integer => BOUNDED_WHOLE,
            Stage::Fraction if bounded => BOUNDED_FRACTION,
            Stage::Whole if bounded => INTEGER_DIGITS,
            Stage::ExponentDigits => EXPONENT_DIGITS_MAX,
            _ => DIGITS_MAX,
        };
        let stage = match (digits.stage, byte) {
            (Stage::Sign, b'0') if self != Number::Integer => Stage::Zero,
            (Stage::Sign, b'1'..=b'9') => Stage::Whole,
            (Stage::Whole | Stage::Fraction | Stage::ExponentDigits, b'0'..=b'9')
                if u32::from(digits.many) < most =>
            {
                digits.stage
            }
            (Stage::Zero | Stage::Whole, b'.') if !integer => Stage::Point,
            (Stage::Point, b'0'..=b'9') => Stage::Fraction,
            (Stage::Zero | Stage::Whole | Stage::Fraction, b'e' | b'E') if self == Number::Any => {
                Stage::Exponent
            }
            (Stage::Exponent, b'+' | b'-') => Stage::ExponentSign,
            (Stage::Exponent | Stage::ExponentSign, b'0'..=b'9') => Stage::ExponentDigits,
            _ => return None,
        };
        let many = if stage == digits.stage {
            digits.many + 1
        } else {
            1
        };
        let next = Digits {
            stage,
            many,
            ..digits
        };
        self.checked(next, byte)
    }

    /// Whether the number may be over.
    pub(super) fn may_end(self, digits: Digits) -> bool {
        let whole = match digits.stage {
            Stage::Zero | Stage::Whole | Stage::Fraction | Stage::ExponentDigits => true,
            Stage::Sign | Stage::Point | Stage::Exponent | Stage::ExponentSign => false,
        };
        whole
            && match self {
                Number::Any | Number::Integer => true,
                Number::Between {
                    least,
                    most,
                    fraction,
                    step,
                } => {
                    let missing = match (fraction, digits.stage) {
                        (false, _) => 0,
                        (true, Stage::Fraction) => BOUNDED_FRACTION - u32::from(digits.many),
                        (true, _) => BOUNDED_FRACTION,
                    };
                    let value = i128::from(digits.value) * 10_i128.pow(missing);
                    let value = if digits.negative { -value } else { value };
                    (least..=most).contains(&value)
                        && value % step == 0
                        && (fraction || !digits.negative || value != 0)
                }
            }
    }

    /// Takes the digit in, if some number within the bounds still begins so.
    fn checked(self, mut digits: Digits, byte: u8) -> Option<Digits> {
        let Number::Between {
            least,
            most,
            fraction,
            step,
        } = self
        else {
            return Some(digits);
        };
        if byte.is_ascii_digit() {
            digits.value = digits.value * 10 + u64::from(byte - b'0');
        }
        let inside = |from: i128, to: i128| {
            let (from, to) = if digits.negative {
                (-to, -from)
            } else {
                (from, to)
            };
            has_multiple(from.max(least), to.min(most), step)
        };
        let value = i128::from(digits.value);
        let units = if fraction { UNITS } else { 1 };
        let of_whole = |zeros: u32| {
            let scale = 10_i128.pow(zeros) * units;
            inside(value * scale, (value + 1) * scale - 1)
        };
        let whole = if fraction {
            BOUNDED_WHOLE
        } else {
            INTEGER_DIGITS
        };
        let can = match digits.stage {
            // Minus nothing is no integer.
            Stage::Sign => inside(i128::from(!fraction), BOUND_MAX),
            Stage::Zero => (fraction || !digits.negative) && of_whole(0),
            Stage::Whole => (0..=whole.saturating_sub(u32::from(digits.many))).any(of_whole),
            Stage::Point => of_whole(0),
            Stage::Fraction => {
                let scale = 10_i128.pow(BOUNDED_FRACTION.saturating_sub(u32::from(digits.many)));
                inside(value * scale, (value + 1) * scale - 1)
            }
            Stage::Exponent | Stage::ExponentSign | Stage::ExponentDigits => false,
        };
        can.then_some(digits)
    }
}
