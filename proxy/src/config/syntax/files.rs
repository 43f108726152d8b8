//! Reading configuration files: the main one, and those that `include` names, alone or by a mask.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::MatchOptions;
use nix::errno::Errno;

use super::error::ConfigError;
use super::source::{SourceFile, SourceKind};

/// Large enough for a `geo` table of a whole country, small enough to refuse a wrong file.
const LARGEST_FILE: u64 = 16 << 20;
/// All files together, each counted as often as it is included.
const LARGEST_TOTAL: usize = 64 << 20;

/// A mask's `*` stops at `/` and passes over hidden files, as in a shell.
const MASK_RULES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Where included files come from, and what was read so far.
#[derive(Debug)]
pub(super) struct Files {
    /// The folder that relative names start from; `None` keeps the disk out of it (tests, fuzzing).
    prefix: Option<PathBuf>,
    read: Vec<Arc<SourceFile>>,
    total: usize,
}

impl Files {
    pub(super) fn on_disk(prefix: &Path) -> Self {
        Self {
            prefix: Some(prefix.to_owned()),
            read: Vec::new(),
            total: 0,
        }
    }

    pub(super) fn nowhere() -> Self {
        Self {
            prefix: None,
            read: Vec::new(),
            total: 0,
        }
    }

    /// The files in reading order, each once.
    pub(super) fn into_read(self) -> Vec<Arc<SourceFile>> {
        self.read
    }

    /// The files that an `include` means, in the order of their names. Only a mask may find none.
    pub(super) fn named(&self, name: &str) -> Result<Vec<PathBuf>, ConfigError> {
        let full = self.prefix.as_deref().unwrap_or(Path::new("")).join(name);
        if !name.contains(['*', '?', '[']) {
            return Ok(vec![full]);
        }
        if self.prefix.is_none() {
            return Ok(Vec::new());
        }
        let mask = single_stars(&full.to_string_lossy());
        // A folder that may not be read has no matches, as in nginx.
        glob::glob_with(&mask, MASK_RULES)
            .map(|paths| paths.filter_map(Result::ok).collect())
            .map_err(|error| ConfigError::new(format!("glob() \"{mask}\" failed ({})", error.msg)))
    }

    pub(super) fn open(&mut self, path: &Path) -> Result<Arc<SourceFile>, ConfigError> {
        let known = self
            .read
            .iter()
            .find(|file| file.path == path)
            .map(Arc::clone);
        let file = match known {
            Some(file) => file,
            None => {
                let file = Arc::new(self.read_from_disk(path)?);
                self.read.push(Arc::clone(&file));
                file
            }
        };
        self.total += file.text.len();
        if self.total > LARGEST_TOTAL {
            return Err(ConfigError::new(format!(
                "the configuration is larger than {} MiB",
                LARGEST_TOTAL >> 20
            )));
        }
        Ok(file)
    }

    fn read_from_disk(&self, path: &Path) -> Result<SourceFile, ConfigError> {
        if self.prefix.is_none() {
            return Err(fault("open", path, &io::Error::from(Errno::ENOENT)));
        }
        let file = File::open(path).map_err(|error| fault("open", path, &error))?;
        let mut bytes = Vec::new();
        file.take(LARGEST_FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| fault("read", path, &error))?;
        if bytes.len() as u64 > LARGEST_FILE {
            let message = format!(
                "\"{}\" is larger than {} MiB",
                path.display(),
                LARGEST_FILE >> 20
            );
            return Err(ConfigError::new(message));
        }
        from_bytes(path, bytes)
    }
}

/// `**` means what `*` means; to the matcher below it would mean folders at any depth.
fn single_stars(mask: &str) -> String {
    let mut after_star = false;
    mask.chars()
        .filter(|&c| {
            let repeated = c == '*' && after_star;
            after_star = c == '*';
            !repeated
        })
        .collect()
}

/// Configuration is text: bytes that are not UTF-8 are an error with their place.
pub(super) fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<SourceFile, ConfigError> {
    let source = |text| SourceFile {
        path: path.to_owned(),
        text,
        kind: SourceKind::File,
    };
    String::from_utf8(bytes).map(source).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let byte = error.as_bytes()[good];
        let file = Arc::new(source(
            String::from_utf8_lossy(error.as_bytes()).into_owned(),
        ));
        let pos = file.pos_of(good);
        ConfigError::at(&pos, format!("byte 0x{byte:02x} is not UTF-8 text"))
            .with_help("save the file as UTF-8 without a byte order mark")
    })
}

/// nginx's wording: the call, the file, the number and text of the error.
fn fault(call: &str, path: &Path, error: &io::Error) -> ConfigError {
    let why = match error.raw_os_error() {
        Some(number) => format!("{number}: {}", Errno::from_raw(number).desc()),
        None => error.to_string(),
    };
    ConfigError::new(format!("{call}() \"{}\" failed ({why})", path.display()))
}
