//! `auth_basic` (ngx_http_auth_basic_module): takes the name and password that a client sends with each request,
//! decides whether the user file has them.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::Opinion;
use super::hashing::{self, TooBusy};
use crate::config::{Basic, Level};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::{identity, log};

/// More is read of no user file.
const LONGEST_FILE: u64 = 4 << 20;

pub(super) async fn check(ex: &mut Exchange, basic: Option<&Basic>) -> Opinion {
    let Some(basic) = basic else {
        return Opinion::None;
    };
    let realm = basic.realm.evaluate(ex);
    if realm == b"off" {
        return Opinion::None;
    }
    match verify(ex, basic).await {
        Ok(()) => Opinion::Yes,
        Err(fault) => {
            if matches!(fault.status, 401 | 407) {
                ex.challenge = Some([&b"Basic realm=\""[..], realm.as_slice(), b"\""].concat());
            }
            Opinion::No(fault)
        }
    }
}

async fn verify(ex: &Exchange, basic: &Basic) -> Result<(), Fault> {
    let as_proxy = ex.location.asks_as_proxy(ex.request.head.method());
    let refused = || Fault::new(if as_proxy { 407 } else { 401 }, Blame::Client, "");
    let Some((user, password)) =
        identity::basic_credentials(ex).filter(|(user, _)| !user.is_empty())
    else {
        let text = "no user/password was provided for basic authentication";
        log::exchange_error(ex, Level::Info, text);
        return Err(refused());
    };
    let path = PathBuf::from(std::ffi::OsString::from_vec(basic.user_file.evaluate(ex)));
    let path = basic.folder.join(path);
    let file = read(&path).map_err(|why| {
        let status = if why.kind() == io::ErrorKind::NotFound {
            403
        } else {
            500
        };
        let text = format!("open() \"{}\" failed ({why})", path.display());
        log::exchange_error(ex, Level::Error, &text);
        Fault::new(status, Blame::Us, "")
    })?;
    let entry = find(&file, &user);
    // A name that nobody has takes as long as a wrong password, so that names can't be found by the clock.
    let Some(hash) = entry.or_else(|| any(&file)) else {
        not_found(ex, &user, &path);
        return Err(refused());
    };
    let verified = hashing::verify(hash, &password).await.map_err(|TooBusy| {
        let text = "too many passwords are being checked";
        log::exchange_error(ex, Level::Error, text);
        Fault::new(503, Blame::Us, "")
    })?;
    match entry {
        None => {
            not_found(ex, &user, &path);
            Err(refused())
        }
        Some(_) if verified => Ok(()),
        Some(_) => {
            let text = format!("user \"{}\": password mismatch", shown(&user));
            log::exchange_error(ex, Level::Error, &text);
            Err(refused())
        }
    }
}

fn not_found(ex: &Exchange, user: &[u8], path: &Path) {
    let text = format!(
        "user \"{}\" was not found in \"{}\"",
        shown(user),
        path.display()
    );
    log::exchange_error(ex, Level::Error, &text);
}

fn shown(user: &[u8]) -> String {
    String::from_utf8_lossy(user).escape_debug().to_string()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `name:hash`, and more fields after a further colon; lines that begin with `#` are remarks.
fn entries(file: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = file.split(|&b| b == b'\n' || b == b'\r');
    lines
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| {
            let mut fields = line.split(|&b| b == b':');
            Some((fields.next()?, fields.next()?))
        })
}

pub(crate) fn find<'a>(file: &'a [u8], user: &[u8]) -> Option<&'a [u8]> {
    entries(file)
        .find(|(name, _)| *name == user)
        .map(|(_, hash)| hash)
}

fn any(file: &[u8]) -> Option<&[u8]> {
    entries(file).next().map(|(_, hash)| hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_file_has_a_name_and_a_hash_a_line() {
        let file = b"# staff\nann:{PLAIN}one\nbob:two:a remark\r\n#eve:three\nnocolon\nlast:four";
        for (user, hash) in [
            ("ann", Some("{PLAIN}one")),
            ("bob", Some("two")),
            ("last", Some("four")),
            ("eve", None),
            ("#eve", None),
            ("nocolon", None),
            ("", None),
            ("an", None),
        ] {
            assert_eq!(
                find(file, user.as_bytes()),
                hash.map(str::as_bytes),
                "{user}"
            );
        }
        assert_eq!(any(file), Some(&b"{PLAIN}one"[..]));
    }
}
