//! A load-balancing reverse proxy that runs the nginx configuration language.
//!
//! `cli` reads the command line, `control` owns the process (configuration, sockets, signals,
//! admin pages), `worker` is one of its threads, and `pipeline` is the path of a request.

mod accept;
mod access;
mod admin;
mod balance;
mod body;
mod cache;
mod check;
pub mod cli;
mod clock;
mod config;
mod connect;
mod content;
mod control;
mod daemon;
mod decimal;
mod dns;
mod exchange;
mod fault;
mod forward;
#[doc(hidden)]
pub mod fuzzing;
mod http1;
mod http2;
mod identity;
mod limit;
mod log;
mod parse;
mod pipeline;
mod respond;
mod route;
mod samples;
mod subrequest;
mod tls;
mod trace;
mod upstream;
mod variables;
mod worker;
