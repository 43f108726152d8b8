//! `cargo lab`: the lab without Docker, its doctor, its chapter checks, and the runs against the real thing.
//!
//! Reading order: [`services`] (the table that drives everything), [`up`] (start and watch), [`control`]
//! (what the other commands do to a running lab). Files in `.lab/` are the only thing the commands share.
#![allow(
    clippy::print_stdout,
    reason = "this is a command-line program: standard output is its product"
)]

pub mod bench;
pub mod binaries;
pub mod book;
pub mod browser;
pub mod ca;
pub mod check;
pub mod cli;
mod clients;
pub mod control;
pub mod docker_run;
pub mod doctor;
mod graphiql;
pub mod health;
pub mod paint;
pub mod peers;
pub mod place;
pub mod ports;
pub mod private_lab;
mod server_process;
pub mod services;
pub mod status;
mod transparent;
pub mod up;
