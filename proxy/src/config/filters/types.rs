//! `gzip_types`, `ssi_types` and the like: which MIME types a filter is for.

use crate::config::scope::Scope;

#[derive(Clone, Debug)]
pub(crate) struct Types {
    all: bool,
    names: Vec<Box<[u8]>>,
}

impl Types {
    /// `text/html` is always among them, as in nginx; `*` is every type.
    pub(crate) fn of(scope: &Scope<'_>, directive: &'static str, defaults: &[&str]) -> Self {
        let listed = scope.all(directive);
        let args = listed.iter().flat_map(|d| &d.args);
        let mut names: Vec<String> = args.map(|arg| arg.text.to_ascii_lowercase()).collect();
        if names.is_empty() {
            names.extend(defaults.iter().map(|&name| name.to_owned()));
        }
        names.push("text/html".to_owned());
        Self {
            all: names.iter().any(|name| name == "*"),
            names: names.into_iter().map(|n| n.into_bytes().into()).collect(),
        }
    }

    /// Whether a Content-Type is of one of them; its parameters don't matter. `*` is also an answer without a type, as in nginx.
    pub(crate) fn hold(&self, content_type: &[u8]) -> bool {
        let end = content_type.iter().position(|&b| b == b';');
        let bare = content_type[..end.unwrap_or(content_type.len())].trim_ascii();
        self.all || (!bare.is_empty() && self.names.iter().any(|n| n.eq_ignore_ascii_case(bare)))
    }
}
