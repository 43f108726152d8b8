//! The proxy from outside: the real binary, raw bytes in, raw bytes out.

mod access;
mod bad_input;
mod bodies;
mod caching;
mod configuration;
mod filters;
mod forward;
mod harness;
mod http2;
mod http2_frames;
mod lifecycle;
mod passing;
mod rates;
mod retries;
mod tls;
mod upgrade;
