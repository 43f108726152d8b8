//! The programs that a lab runs: built by cargo into the folder this program itself was built into.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::services::PACKAGES;

/// A folder like `target/lab` with the services' binaries.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Beside this executable; a test's executable lies one level deeper, in `deps/`.
    pub fn beside_this_executable() -> Result<Self> {
        let program = std::env::current_exe().context("where is this program?")?;
        let mut folder = program.parent().context("a program lies in a folder")?;
        if folder.ends_with("deps") {
            folder = folder.parent().context("deps lies in a profile's folder")?;
        }
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// Those of another profile of the same target folder.
    pub fn of_profile(&self, profile: &str) -> Self {
        Self {
            folder: self.folder.with_file_name(profile),
        }
    }

    /// Of ourselves too (`lab`), by name: once `build` has put a new file in our place, the system calls the file
    /// that runs "deleted".
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Lets cargo bring the binaries up to date; its progress goes to standard error.
    pub fn build(&self, root: &Path) -> Result<()> {
        let folder_name = self
            .folder
            .file_name()
            .and_then(|name| name.to_str())
            .context("target folder")?;
        let profile = if folder_name == "debug" {
            "dev"
        } else {
            folder_name
        };
        let target = self.folder.parent().context("target folder")?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(root)
            .args(["build", "--profile", profile, "--bins", "--target-dir"])
            .arg(target);
        // With ourselves among them, since tests and clients start a lab of their own by this program.
        cargo.args(
            PACKAGES
                .iter()
                .chain(&["lab"])
                .flat_map(|package| ["--package", package]),
        );
        let status = cargo
            .status()
            .context("cargo does not start; is Rust installed?")?;
        if !status.success() {
            bail!("the lab's programs do not compile (see above)");
        }
        Ok(())
    }

    /// For tests: `cargo test --workspace` has just built the binaries, and asking cargo again would link them
    /// anew with other features. So only when one is missing or older than a source file.
    pub fn build_if_stale(&self, root: &Path) -> Result<()> {
        let built = PACKAGES
            .iter()
            .map(|name| modified(&self.path(name)))
            .min()
            .flatten();
        let sources = PACKAGES
            .iter()
            .chain(&["service"])
            .map(|package| root.join(package));
        let newest = sources
            .flat_map(|package| {
                ["Cargo.toml", "src", "assets"].map(|part| newest(&package.join(part)))
            })
            .max()
            .flatten();
        if built.is_some() && built > newest {
            Ok(())
        } else {
            self.build(root)
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

/// The latest change of a file, or of any file below a folder.
fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries = std::fs::read_dir(path).ok()?;
    entries
        .flatten()
        .map(|entry| newest(&entry.path()))
        .max()
        .flatten()
}
