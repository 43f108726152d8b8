//! The end of an exchange: takes it finished, decides nothing, writes it down. Access lines are
//! gathered by each worker and written when it has nothing else to do, so that a busy proxy
//! makes one system call for many lines and an idle one hides none.

mod access;
mod batch;
mod error;
mod file;
mod syslog;
mod throttle;

pub(crate) use access::{escape_json, write as access};
pub(crate) use batch::{flush, flush_all};
pub(crate) use error::{debug, exchange as exchange_error, message};
pub(crate) use file::{Buffering, LogFile};
pub(crate) use syslog::{Destination, Server, Syslog};
pub(crate) use throttle::tell_left_out;
