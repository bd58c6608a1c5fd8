//! Every libFuzzer binary: the target that has the binary's name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vane_fuzz::run(env!("CARGO_BIN_NAME"), bytes));
