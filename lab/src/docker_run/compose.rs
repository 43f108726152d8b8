//! `docker compose`, and the one file of the checkout that the run edits.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

#[derive(Debug)]
pub(super) struct Compose {
    root: PathBuf,
}

impl Compose {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .arg("compose")
            .args(args)
            .current_dir(&self.root)
            .stdin(Stdio::null());
        command
    }

    /// Runs it with its progress on the terminal.
    pub(super) fn shown(&self, args: &[&str]) -> Result<()> {
        let status = self
            .command(args)
            .status()
            .context("no docker here; see `cargo lab doctor`")?;
        if !status.success() {
            bail!("docker compose {}: {status}", args.join(" "));
        }
        Ok(())
    }

    /// Runs it in silence; what it printed on standard output.
    pub(super) fn ok(&self, args: &[&str]) -> Result<String> {
        let output = self
            .command(args)
            .output()
            .context("no docker here; see `cargo lab doctor`")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "docker compose {}: {}\n{said}",
                args.join(" "),
                output.status
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The same, whatever comes of it.
    pub(super) fn tried(&self, args: &[&str]) -> String {
        self.ok(args).unwrap_or_else(|error| format!("{error:#}"))
    }

    /// Starts it; its standard output is for the caller.
    pub(super) fn spawn(&self, args: &[&str]) -> Result<Child> {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().context("docker compose")
    }

    /// The containers' names, stopped ones too.
    pub(super) fn running(&self) -> Result<String> {
        Ok(self.ok(&["ps", "--all", "--quiet"])?.trim().to_owned())
    }
}

/// The student's nginx.conf: edited in place, as an editor does, and put back.
#[derive(Debug)]
pub(super) struct ConfigurationFile {
    path: PathBuf,
    original: String,
}

impl ConfigurationFile {
    pub(super) fn remember(path: PathBuf) -> Result<Self> {
        let original = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self { path, original })
    }

    /// The original with one change.
    pub(super) fn write_with(&self, from: &str, to: &str) -> Result<()> {
        if !self.original.contains(from) {
            bail!("{} has no {from:?}", self.path.display());
        }
        Ok(fs::write(&self.path, self.original.replace(from, to))?)
    }

    pub(super) fn restore(&self) -> Result<()> {
        Ok(fs::write(&self.path, &self.original)?)
    }
}

/// A run that panics or is left early puts the file back, too.
impl Drop for ConfigurationFile {
    fn drop(&mut self) {
        let _ = self.restore();
    }
}
