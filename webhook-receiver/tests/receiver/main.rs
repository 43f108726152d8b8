//! The receiver on real sockets: inbox, API, live push, mail and DNS.

mod api;
mod crash;
mod doors;
mod harness;
mod inbox;
mod postgres;
mod push;
