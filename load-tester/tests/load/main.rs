//! The load tester against servers of a few lines each that answer, stall, lie and crash on purpose.

mod answers;
mod command;
mod failures;
mod pace;
mod server;
