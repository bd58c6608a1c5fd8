use crate::call::{Call, Fill};
use crate::codec::{Encoded, Target};
use crate::fault::Fault;
use crate::notes::Notes;

pub(crate) fn decode(_body: &[u8]) -> Result<Call, Fault> {
    Err(Fault::unsupported("", "not yet"))
}

pub(crate) fn encode(_: &Fill, _: &Target<'_>, _: &mut Notes) -> Result<Encoded, Fault> {
    Err(Fault::unsupported("", "not yet"))
}
