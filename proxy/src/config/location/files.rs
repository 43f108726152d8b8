//! `root`, `alias`, `index`, `types`, `try_files`: where files are and what they are called.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;
use crate::config::values;

#[derive(Debug)]
pub(crate) enum TryFile {
    Path(Template),
    Directory(Template),
    Status(u16),
    Named(String),
}

/// Where files are, and what they are called (`root`, `alias`, `index`, `types`).
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) root: Template,
    pub(crate) alias: bool,
    pub(crate) index: Vec<Template>,
    pub(crate) types: Arc<HashMap<String, String>>,
    pub(crate) default_type: Template,
    pub(crate) etag: bool,
    pub(crate) autoindex: Option<Autoindex>,
}

/// How a folder without an index file is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Autoindex {
    pub(crate) format: AutoindexFormat,
    pub(crate) exact_size: bool,
    pub(crate) localtime: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoindexFormat {
    Html,
    Xml,
    Json,
    Jsonp,
}

pub(super) fn try_files(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<(Vec<TryFile>, TryFile)>, ConfigError> {
    let Some(directive) = scope.own("try_files") else {
        return Ok(None);
    };
    let mut files = Vec::new();
    for arg in &directive.args {
        files.push(match arg.text.strip_prefix('=') {
            Some(code) => {
                let code = code.parse().ok().filter(|&code| code <= 999);
                TryFile::Status(
                    code.ok_or_else(|| arg.error(format!("invalid code \"{}\"", arg.text)))?,
                )
            }
            None if arg.text.starts_with('@') => TryFile::Named(arg.text.clone()),
            None => match arg.text.strip_suffix('/').filter(|rest| !rest.is_empty()) {
                Some(rest) => TryFile::Directory(loader.template_text(arg, rest)?),
                None => TryFile::Path(loader.template(arg)?),
            },
        });
    }
    // The last is where to go when no file is there, so a slash at its end is part of it.
    let last = directive
        .args
        .last()
        .ok_or_else(|| directive.error("no files"))?;
    let fallback = match files.pop() {
        Some(TryFile::Directory(_)) | None => TryFile::Path(loader.template(last)?),
        Some(fallback) => fallback,
    };
    Ok(Some((files, fallback)))
}

pub(super) fn files(scope: &Scope<'_>, loader: &Loader) -> Result<Files, ConfigError> {
    let place = scope
        .nearest(|d| d.name == "root" || d.name == "alias")
        .into_iter()
        .next();
    let (root, alias) = match place {
        Some(directive) => {
            let arg = values::only(directive)?;
            let path = loader.path(&arg.text);
            let text = if arg.text.starts_with('$') {
                arg.text.clone()
            } else {
                path.to_string_lossy().into_owned()
            };
            (loader.template_text(arg, &text)?, directive.name == "alias")
        }
        None => (
            Template::literal(loader.prefix().join("html").as_os_str().as_encoded_bytes()),
            false,
        ),
    };
    let index = scope
        .find("index")
        .map(|d| d.args.iter().map(|arg| loader.template(arg)).collect());
    let index = index
        .transpose()?
        .unwrap_or_else(|| vec![Template::literal(b"index.html")]);
    let default_type = scope
        .find("default_type")
        .map(|d| loader.template(values::only(d)?));
    Ok(Files {
        root,
        alias,
        index,
        types: types(scope),
        default_type: default_type
            .transpose()?
            .unwrap_or_else(|| Template::literal(b"text/plain")),
        etag: scope.flag("etag", true)?,
        autoindex: autoindex(scope)?,
    })
}

fn autoindex(scope: &Scope<'_>) -> Result<Option<Autoindex>, ConfigError> {
    let format = match scope.find("autoindex_format") {
        None => AutoindexFormat::Html,
        Some(directive) => match directive.args[0].text.as_str() {
            "html" => AutoindexFormat::Html,
            "xml" => AutoindexFormat::Xml,
            "json" => AutoindexFormat::Json,
            "jsonp" => AutoindexFormat::Jsonp,
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    let settings = Autoindex {
        format,
        exact_size: scope.flag("autoindex_exact_size", true)?,
        localtime: scope.flag("autoindex_localtime", false)?,
    };
    Ok(scope.flag("autoindex", false)?.then_some(settings))
}

fn types(scope: &Scope<'_>) -> Arc<HashMap<String, String>> {
    let blocks = scope.all("types");
    if blocks.is_empty() {
        let defaults = [
            ("html", "text/html"),
            ("gif", "image/gif"),
            ("jpg", "image/jpeg"),
        ];
        let owned = defaults.map(|(extension, kind)| (extension.to_owned(), kind.to_owned()));
        return Arc::new(owned.into());
    }
    let lines = blocks
        .into_iter()
        .flat_map(|d| d.block.as_deref().unwrap_or_default());
    let pairs = lines.flat_map(|line| {
        line.args
            .iter()
            .map(|arg| (arg.text.to_ascii_lowercase(), line.name.clone()))
    });
    Arc::new(pairs.collect())
}
