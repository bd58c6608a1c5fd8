use crate::fault::Fault;

pub(crate) fn decode(status: u16, _body: &[u8]) -> Fault {
    Fault::from_status(status, "not yet")
}

pub(crate) fn encode(_fault: &Fault) -> (u16, Vec<u8>) {
    (500, Vec::new())
}

pub(crate) fn in_stream(_fault: &Fault, _out: &mut Vec<u8>) {}
