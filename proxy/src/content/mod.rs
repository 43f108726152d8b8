//! Files as answers (ngx_http_static_module, ngx_http_index_module, `try_files`): takes a routed
//! exchange, decides which file is meant, hands on a reply.

mod autoindex;

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use crate::accept::Client;
use crate::config::{GzipStatic, Location, TryFile};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::pipeline::Flow;
use crate::respond::{self, Content, Reply};
use crate::route;
use crate::worker::Worker;

impl Location {
    /// `$document_root`.
    pub(crate) fn root_path(&self, ex: &Exchange) -> Vec<u8> {
        self.files.root.evaluate(ex)
    }

    /// `$request_filename`: the root and the path, or the alias and what follows the prefix.
    pub(crate) fn file_path(&self, ex: &Exchange) -> Vec<u8> {
        self.file_for(ex, &ex.request.path)
    }

    fn file_for(&self, ex: &Exchange, path: &[u8]) -> Vec<u8> {
        let mut file = self.root_path(ex);
        if !self.files.alias {
            file.extend_from_slice(path);
        } else if !self.is_pattern {
            file.extend_from_slice(path.strip_prefix(&self.prefix[..]).unwrap_or_default());
        }
        file
    }
}

/// The type of the answer by the path's extension.
pub(crate) fn content_type(ex: &Exchange) -> Vec<u8> {
    let path = String::from_utf8_lossy(&ex.request.path);
    let file = path.rsplit('/').next().unwrap_or_default();
    let extension = file
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.and_then(|extension| ex.location.files.types.get(&extension)) {
        Some(kind) => kind.clone().into_bytes(),
        None => ex.location.files.default_type.evaluate(ex),
    }
}

/// Serves the file that the path names.
pub(crate) async fn file(
    worker: &Worker,
    ex: &mut Exchange,
    client: &mut Client,
) -> Result<Flow, Fault> {
    let answer = if ex.request.path.ends_with(b"/") {
        match index(ex)? {
            Index::Elsewhere(flow) => return Ok(flow),
            Index::List(list) => list,
        }
    } else {
        named(ex)?
    };
    respond::reply(worker, ex, client, answer).await
}

/// The file of the path's own name.
fn named(ex: &mut Exchange) -> Result<Reply, Fault> {
    if !matches!(ex.request.method(), b"GET" | b"HEAD") {
        return Err(Fault::new(405, Blame::Client, ""));
    }
    let path = as_path(&ex.location.file_path(ex))?;
    let mut varies = false;
    if let Some(answer) = gzipped(ex, &path, &mut varies) {
        return Ok(answer);
    }
    let (file, meta) = open(&path).map_err(|why| missing(ex, &path, &why))?;
    if meta.is_dir() {
        ex.status_overwrite = None;
        Ok(Reply::redirect(ex, 301, route::with_slash(ex)))
    } else if meta.is_file() {
        Ok(Reply {
            varies,
            ..plain_file(ex, file, &meta)
        })
    } else {
        Err(Fault::new(
            404,
            Blame::Client,
            format!("\"{}\" is not a file", path.display()),
        ))
    }
}

/// The file of this name with `.gz` behind, where the location has such files and the client takes
/// them (`gzip_static`). `varies` says whether another client would get another one.
fn gzipped(ex: &Exchange, path: &Path, varies: &mut bool) -> Option<Reply> {
    let gzip = ex.location.filters.as_ref()?.gzip.as_ref()?;
    let taken = match gzip.files {
        GzipStatic::Off => return None,
        GzipStatic::On => respond::accepts_gzip(ex, &gzip.policy, None),
        GzipStatic::Always => true,
    };
    if !taken && !gzip.vary {
        return None;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".gz");
    let (file, meta) = open(Path::new(&name)).ok()?;
    if !meta.is_file() {
        return None;
    }
    *varies = gzip.vary && gzip.files == GzipStatic::On;
    taken.then(|| Reply {
        gzipped: true,
        varies: *varies,
        ..plain_file(ex, file, &meta)
    })
}

fn plain_file(ex: &Exchange, file: File, meta: &Metadata) -> Reply {
    let modified = meta
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = modified.map(|time| time.as_secs());
    let etag = format!("\"{:x}-{:x}\"", modified.unwrap_or(0), meta.len());
    Reply {
        status: 200,
        content_type: content_type(ex),
        location: None,
        last_modified: modified,
        etag: ex.location.files.etag.then_some(etag),
        content_range: None,
        gzipped: false,
        varies: false,
        content: Content::File {
            file,
            start: 0,
            length: meta.len(),
        },
    }
}

/// What a path ending in a slash is.
enum Index {
    /// Its index file, found by going round again under its name.
    Elsewhere(Flow),
    List(Reply),
}

fn index(ex: &mut Exchange) -> Result<Index, Fault> {
    let location = Arc::clone(&ex.location);
    for name in &location.files.index {
        let name = name.evaluate(ex);
        // A name with a slash in front is a place to go on, whether or not there is a file.
        let elsewhere = name.starts_with(b"/");
        let path = if elsewhere {
            name
        } else {
            [&ex.request.path[..], &name].concat()
        };
        if elsewhere || as_path(&location.file_for(ex, &path))?.is_file() {
            ex.request.path = path;
            ex.request.untouched = false;
            ex.internal = true;
            return Ok(Index::Elsewhere(Flow::Redirect));
        }
    }
    let directory = as_path(&location.file_path(ex))?;
    if !matches!(ex.request.method(), b"GET" | b"HEAD") {
        return Err(Fault::new(405, Blame::Client, ""));
    }
    if directory.is_dir()
        && let Some(settings) = &location.files.autoindex
    {
        return autoindex::list(ex, settings, &directory).map(Index::List);
    }
    if directory.is_dir() {
        let why = format!(
            "directory index of \"{}\" is forbidden",
            directory.display()
        );
        return Err(Fault::new(403, Blame::Client, why));
    }
    Err(missing(ex, &directory, &io::ErrorKind::NotFound.into()))
}

/// `try_files`: the first that exists, else the last, whatever it is.
pub(crate) fn try_files(ex: &mut Exchange) -> Result<Option<Flow>, Fault> {
    let location = Arc::clone(&ex.location);
    let Some((files, fallback)) = &location.try_files else {
        return Ok(None);
    };
    for file in files {
        let (template, directory) = match file {
            TryFile::Path(template) => (template, false),
            TryFile::Directory(template) => (template, true),
            TryFile::Status(_) | TryFile::Named(_) => continue,
        };
        let mut path = template.evaluate(ex);
        let meta = std::fs::metadata(as_path(&location.file_for(ex, &path))?);
        if meta.is_ok_and(|meta| meta.is_dir() == directory) {
            if directory {
                path.push(b'/');
            }
            ex.request.untouched = ex.request.untouched && path == ex.request.path;
            ex.request.path = path;
            return Ok(None);
        }
    }
    match fallback {
        TryFile::Status(status) => Err(Fault::status(*status)),
        TryFile::Named(name) => Ok(Some(Flow::RedirectNamed(name.clone()))),
        TryFile::Path(template) | TryFile::Directory(template) => {
            let target = template.evaluate(ex);
            let own = ex.request.args.clone();
            ex.request.go_to(&target, own);
            ex.internal = true;
            Ok(Some(Flow::Redirect))
        }
    }
}

fn as_path(bytes: &[u8]) -> Result<PathBuf, Fault> {
    if bytes.contains(&0) {
        return Err(Fault::bad_request("the path has a zero byte"));
    }
    Ok(Path::new(std::ffi::OsStr::from_bytes(bytes)).to_owned())
}

fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let meta = std::fs::metadata(path)?;
    // Opening a named pipe would wait for its other end.
    if !meta.is_file() && !meta.is_dir() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((File::open(path)?, meta))
}

fn missing(ex: &Exchange, path: &Path, why: &io::Error) -> Fault {
    let status = match why.kind() {
        io::ErrorKind::PermissionDenied => 403,
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            404
        }
        _ => 500,
    };
    if status == 404 && !ex.location.log_not_found {
        return Fault::status(404);
    }
    Fault::new(
        status,
        Blame::Us,
        format!("open() \"{}\" failed ({why})", path.display()),
    )
}
