//! Offers load, counts who answered, and says how fast.
//!
//! [`run`] takes [`Options`], sends the requests from its own threads, and returns a [`Report`]; `main.rs` only turns
//! arguments into the one and the other into text. The way of a request through the files: `engine/schedule` says when
//! it is due, `engine/connection` sends it and reads the answer with `response`, `tally` counts it, `report` shows it.

pub mod command_line;
mod engine;
mod expectation;
mod fault;
mod open_files;
mod options;
mod progress;
mod report;
mod request;
pub mod response;
mod tally;
mod target;
mod timeline;

pub use engine::{RunError, run};
pub use expectation::{Expectation, ExpectationError};
pub use fault::Fault;
pub use options::{Options, OptionsError};
pub use progress::{OnAnswer, Progress};
pub use report::{ErrorGroup, Latency, Moment, Percentile, Report, ServerShare, html, text};
pub use target::{Target, TargetError};
