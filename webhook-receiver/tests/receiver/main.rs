//! The receiver on real sockets: inbox, API, live push, mail and DNS.
#![allow(
    clippy::print_stdout,
    reason = "tests say what they counted, and what they left out"
)]

mod api;
mod crash;
mod doors;
mod harness;
mod inbox;
mod postgres;
mod push;
