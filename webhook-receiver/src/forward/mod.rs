//! Brings what arrived to where it is wanted. Two forwarders share one courier: `webhook-receiver forward` on the
//! student's machine, which follows a token over the network, and the rules of this server, which follow it in the
//! store. Both are a cursor over the token's log: in order, nothing twice, nothing left out, and where they stop they
//! go on.

mod command;
mod courier;
mod parcel;
mod progress;
mod remote;
mod routes;
mod rule;
mod schedule;
mod stream;
mod tail;
mod worker;

pub(crate) use routes::routes;
pub(crate) use worker::{Rules, run as run_rules};

pub use command::{Arguments, ForwardError, run};
