//! Ids of what is made once and known nowhere else before.

use aws_lc_rs::rand;

use crate::error::LedgerError;

/// 128 random bits in hexadecimal.
///
/// # Errors
/// When the machine has no randomness.
pub fn new_id() -> Result<String, LedgerError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
