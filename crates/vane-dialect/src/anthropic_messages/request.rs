use crate::call::{Call, Chat};
use crate::codec::{Encoded, Target};
use crate::fault::Fault;
use crate::notes::Notes;
use crate::seal::Seal;

pub(crate) fn decode(_body: &[u8], _seal: &dyn Seal) -> Result<Call, Fault> {
    Err(Fault::unsupported("", "not yet"))
}

pub(crate) fn encode(_: &Chat, _: &Target<'_>, _: &mut Notes) -> Result<Encoded, Fault> {
    Err(Fault::unsupported("", "not yet"))
}
