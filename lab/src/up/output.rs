//! A service's lines: to the terminal behind its coloured name, and as they are into `.lab/logs/NAME.log`.
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::paint;
use crate::place::Place;
use crate::services;

/// Where one service's lines go.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    prefix: Arc<str>,
    // Two pipes, one file: each line is written whole, under a lock that is held for that line only.
    log: Arc<Mutex<File>>,
}

impl Output {
    pub(crate) fn open(place: &Place, name: &str, index: usize) -> Result<Self> {
        let path = place.log(name);
        let log =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let width = services::names()
            .iter()
            .map(|name| name.len())
            .max()
            .unwrap_or(0);
        let prefix = paint::nth(index, &format!("{name:width$} |")).into();
        Ok(Self {
            prefix,
            log: Arc::new(Mutex::new(log)),
        })
    }

    /// A line of the launcher's own about the service.
    pub(crate) fn say(&self, line: &str) {
        self.write(format!("lab: {line}").as_bytes());
    }

    /// Copies a pipe until the process closes it.
    pub(crate) fn follow(&self, pipe: impl AsyncRead + Unpin + Send + 'static) {
        let output = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::with_capacity(64 << 10, pipe);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
                output.write(line.strip_suffix(b"\n").unwrap_or(&line));
                line.clear();
            }
        });
    }

    fn write(&self, line: &[u8]) {
        let mut terminal = std::io::stdout().lock();
        // A closed terminal or a full disk must not stop the lab.
        let _ = write!(terminal, "{} ", self.prefix)
            .and_then(|()| terminal.write_all(line))
            .and_then(|()| terminal.write_all(b"\n"));
        if let Ok(mut log) = self.log.lock() {
            let _ = log.write_all(&[line, b"\n"].concat());
        }
    }
}

/// A line of the launcher's own. Unlike `println!` it survives a terminal that was closed.
pub(super) fn tell(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
