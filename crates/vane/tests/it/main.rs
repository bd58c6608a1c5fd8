//! The real binary and the real router, over real sockets.

mod cli;
