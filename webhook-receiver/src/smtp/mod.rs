//! Mail.

pub(crate) mod letter;
