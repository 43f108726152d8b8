//! The end of an exchange: takes it finished, decides nothing, writes it down. Access lines are
//! gathered by each worker and written when it has nothing else to do, so that a busy proxy
//! makes one system call for many lines and an idle one hides none.

mod access;
mod batch;
mod error;
mod file;

pub(crate) use access::write as access;
pub(crate) use batch::flush;
pub(crate) use error::{exchange as exchange_error, message};
pub(crate) use file::LogFile;
