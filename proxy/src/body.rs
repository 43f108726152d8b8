//! A request body read whole: in memory while it is small, in a file when it is not
//! (`client_body_buffer_size`), so that it can be sent again to the next peer.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;

use tempfile::{Builder, NamedTempFile};

#[derive(Debug)]
pub(crate) struct Spool {
    memory: Vec<u8>,
    limit: usize,
    file: Option<NamedTempFile>,
    length: u64,
    keep: bool,
}

impl Spool {
    /// `in_file_only` writes even a small body to a file and leaves it there (for debugging).
    pub(crate) fn new(limit: usize, in_file_only: bool) -> Self {
        let limit = if in_file_only { 0 } else { limit };
        Self {
            memory: Vec::new(),
            limit,
            file: None,
            length: 0,
            keep: in_file_only,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len() as u64;
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        self.memory.extend_from_slice(bytes);
        if self.memory.len() > self.limit {
            let mut file = Builder::new()
                .prefix("proxy-body-")
                .disable_cleanup(self.keep)
                .tempfile()?;
            file.write_all(&self.memory)?;
            self.memory = Vec::new();
            self.file = Some(file);
        }
        Ok(())
    }

    pub(crate) fn in_memory(&self) -> Option<&[u8]> {
        (self.file.is_none() && self.length > 0).then_some(&self.memory)
    }

    pub(crate) fn file_name(&self) -> Option<&[u8]> {
        self.file
            .as_ref()
            .map(|file| file.path().as_os_str().as_bytes())
    }

    /// Appends up to `max` bytes from `offset` on to `out`; answers how many.
    pub(crate) fn read_at(&self, offset: u64, max: usize, out: &mut Vec<u8>) -> io::Result<usize> {
        match &self.file {
            None => {
                let from = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(self.memory.len());
                let end = self.memory.len().min(from + max);
                out.extend_from_slice(&self.memory[from..end]);
                Ok(end - from)
            }
            Some(file) => {
                let mut handle = file.as_file();
                handle.seek(SeekFrom::Start(offset))?;
                handle.take(max as u64).read_to_end(out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_moves_to_a_file_when_it_outgrows_memory_and_reads_the_same() {
        let mut spool = Spool::new(10, false);
        spool.push(b"0123456789").expect("memory");
        assert_eq!(spool.in_memory(), Some(&b"0123456789"[..]));
        spool.push(b"abc").expect("file");
        assert_eq!((spool.in_memory(), spool.len()), (None, 13));
        assert!(spool.file_name().is_some());
        for _ in 0..2 {
            let mut out = Vec::new();
            assert_eq!(spool.read_at(8, 4, &mut out).expect("read"), 4);
            assert_eq!(out, b"89ab");
        }
    }
}
