//! Reads the chapters' commands and runs them as a student would, in one shell per chapter.
pub(crate) mod chapter;
mod shell;
pub(crate) mod stage;

use std::process::{Command, Stdio};

/// Whether a program is installed.
pub(crate) fn have(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}
