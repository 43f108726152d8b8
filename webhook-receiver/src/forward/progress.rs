//! How far a forwarder came, on its own disk: the number of the last event that it is done with, and what it gave up
//! on. Written after each event, so a killed forwarder goes on where it was and repeats one event at most.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use uuid::Uuid;

/// The folder of one token's progress.
#[derive(Debug)]
pub(crate) struct Progress {
    folder: PathBuf,
    /// The last event that is done with; None before the first.
    pub(crate) cursor: Option<i64>,
}

/// An event that was given up on, one line of `dead.jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) request: Uuid,
    pub(crate) sequence: i64,
    pub(crate) attempts: u32,
    pub(crate) reason: &'a str,
    pub(crate) at: String,
}

impl Progress {
    /// Opens the folder, making it if need be. A cursor that can't be read is an error: to guess would lose events or
    /// repeat all of them.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let cursor = match fs::read_to_string(folder.join("cursor")) {
            Ok(text) => Some(text.trim().parse().map_err(|_| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the cursor file holds no number",
                )
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            folder: folder.to_owned(),
            cursor,
        })
    }

    /// Remembers that everything up to `sequence` is done with. Written aside and renamed, so that a crash leaves the
    /// old number or the new one.
    pub(crate) fn done(&mut self, sequence: i64) -> io::Result<()> {
        let aside = self.folder.join("cursor.new");
        let mut file = File::create(&aside)?;
        writeln!(file, "{sequence}")?;
        file.sync_data()?;
        fs::rename(&aside, self.folder.join("cursor"))?;
        self.cursor = Some(sequence);
        Ok(())
    }

    /// Adds a dead letter; the cursor passes it afterwards.
    pub(crate) fn bury(&self, letter: &DeadLetter<'_>) -> io::Result<()> {
        let path = self.folder.join("dead.jsonl");
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        let line = serde_json::to_string(letter).map_err(io::Error::other)?;
        writeln!(file, "{line}")?;
        file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_survives_and_a_broken_file_is_no_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let mut progress = Progress::open(folder.path()).unwrap();
        assert_eq!(progress.cursor, None);
        progress.done(7).unwrap();
        progress.done(8).unwrap();
        assert_eq!(Progress::open(folder.path()).unwrap().cursor, Some(8));
        fs::write(folder.path().join("cursor"), "x").unwrap();
        assert!(Progress::open(folder.path()).is_err());
    }
}
