//! The three identical backends, with endpoints to break on purpose.
