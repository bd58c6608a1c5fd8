//! vane-ledger
