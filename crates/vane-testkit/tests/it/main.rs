//! The fake itself, tested over raw sockets.

#![cfg(test)]

mod bench;
mod control;
mod dialects;
mod faults;
mod pace;
mod shapes;
mod strict;
mod wire;
