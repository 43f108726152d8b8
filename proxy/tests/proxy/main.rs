//! The proxy from outside: the real binary, raw bytes in, raw bytes out.

mod access;
mod bad_input;
mod bodies;
mod caching;
mod checks;
mod configuration;
mod doors;
mod filters;
mod forward;
mod harness;
mod http2;
mod http2_frames;
mod lifecycle;
#[cfg(target_os = "linux")]
mod name_server;
#[cfg(target_os = "linux")]
mod names;
mod parts;
mod passing;
mod rates;
mod retries;
mod samples;
mod sticky;
mod tls;
mod traces;
mod upgrade;
