//! Live: every committed event goes to whoever listens, by Socket.IO as webhook.site does it and by server-sent
//! events as smee.io does it. Each listener has a task with a place in the log of its token; one that is slow falls
//! back to reading the log, so nothing is missed and nobody else waits.

mod following;
pub(crate) mod smee;
mod socket_io;

pub(crate) use following::Following;
pub(crate) use smee::routes;
pub(crate) use socket_io::with_socket_io;
