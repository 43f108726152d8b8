//! What an answer is stored under: the MD5 hash of its key (nginx's rule, so that its documentation of the folder holds
//! here), and the file that this means. The hash only finds; a hit compares the whole key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

pub(crate) type Digest = [u8; 16];

/// The longest key that is stored; nginx's bound is `proxy_buffer_size`.
pub(super) const LONGEST: usize = 32 * 1024;

pub(super) fn digest(key: &[u8]) -> Digest {
    Md5::digest(key).into()
}

/// How many letters each folder below the cache has (`levels`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels(Vec<usize>);

impl Levels {
    /// `1:2`: one to three numbers, each 1 or 2.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let levels: Vec<usize> = text
            .split(':')
            .map(|level| level.parse().ok().filter(|level| matches!(level, 1 | 2)))
            .collect::<Option<_>>()?;
        (levels.len() <= 3).then_some(Self(levels))
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    // ANCHOR: path
    /// The hash in hexadecimal is the file's name; its last letters name the folders.
    pub(super) fn path(&self, folder: &Path, digest: &Digest) -> PathBuf {
        let name = hex(digest);
        let (mut path, mut end) = (folder.to_owned(), name.len());
        for level in &self.0 {
            path.push(&name[end - level..end]);
            end -= level;
        }
        path.push(&name);
        path
    }
    // ANCHOR_END: path
}

pub(super) fn hex(digest: &Digest) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash that a file's name is, if it is one.
pub(super) fn from_name(name: &str) -> Option<Digest> {
    let plain = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if name.len() != 32 || !name.bytes().all(plain) {
        return None;
    }
    let mut digest = [0; 16];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&name[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_nginx_documents_them() {
        let digest = from_name("b7f54b2df7773722d382f4809d65029c").expect("32 letters");
        let path = |levels: &str| {
            let levels = Levels::parse(levels).expect("levels");
            levels.path(Path::new("/data/nginx/cache"), &digest)
        };
        assert_eq!(
            path("1:2"),
            Path::new("/data/nginx/cache/c/29/b7f54b2df7773722d382f4809d65029c")
        );
        assert_eq!(
            path("2:2:1"),
            Path::new("/data/nginx/cache/9c/02/5/b7f54b2df7773722d382f4809d65029c")
        );
        assert_eq!(
            Levels::default().path(Path::new("c"), &digest),
            Path::new("c/b7f54b2df7773722d382f4809d65029c")
        );
        for bad in ["", "3", "1:2:1:1", "1:", "0", "a"] {
            assert_eq!(Levels::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_and_hashes_are_the_same() {
        assert_eq!(hex(&digest(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        let one = digest(b"http://a/");
        assert_eq!(from_name(&hex(&one)), Some(one));
        for bad in [
            "",
            "D41d8cd98f00b204e9800998ecf8427e",
            "d41d8cd98f00b204e9800998ecf8427",
        ] {
            assert_eq!(from_name(bad), None, "{bad}");
        }
    }
}
