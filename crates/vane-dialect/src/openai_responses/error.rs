use crate::fault::Fault;

pub(crate) fn in_stream(_fault: &Fault, _id: &str, _out: &mut Vec<u8>) {}
