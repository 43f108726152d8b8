//! What changes an answer on its way to the client: `gzip` and its kin, each in a file of its own.

mod addition;
mod charset;
mod gzip;
mod ssi;
mod sub;
mod types;

use addition::Addition;
use charset::Charset;
pub(crate) use charset::Recoding;
pub(crate) use gzip::{Gzip, GzipPolicy, GzipStatic, Proxied};
pub(crate) use ssi::Ssi;
use sub::Substitutions;
use types::Types;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::ConfigError;

/// The filters of a location that has any. One that has none pays a branch for each answer.
#[derive(Debug)]
pub(crate) struct Filters {
    pub(crate) gzip: Option<Gzip>,
    pub(crate) ssi: Option<Ssi>,
    pub(crate) charset: Option<Charset>,
    pub(crate) substitutions: Option<Substitutions>,
    pub(crate) addition: Option<Addition>,
}

/// `if_modified_since`: when a date of the client's says that it has what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfModifiedSince {
    Off,
    Exact,
    Before,
}

/// How conditions and ranges of a request are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    pub(crate) if_modified_since: IfModifiedSince,
    /// 0 is no ranges at all.
    pub(crate) max_ranges: usize,
}

pub(super) fn filters(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Box<Filters>>, ConfigError> {
    let filters = Filters {
        gzip: gzip::gzip(scope)?,
        ssi: ssi::ssi(scope, loader)?,
        charset: charset::charset(scope, loader)?,
        substitutions: sub::substitutions(scope, loader)?,
        addition: addition::addition(scope, loader)?,
    };
    let any = filters.gzip.is_some()
        || filters.ssi.is_some()
        || filters.charset.is_some()
        || filters.substitutions.is_some()
        || filters.addition.is_some();
    Ok(any.then(|| Box::new(filters)))
}

pub(super) fn conditions(scope: &Scope<'_>) -> Result<Conditions, ConfigError> {
    let if_modified_since = match scope.find("if_modified_since") {
        None => IfModifiedSince::Exact,
        Some(directive) => match directive.args[0].text.as_str() {
            "off" => IfModifiedSince::Off,
            "exact" => IfModifiedSince::Exact,
            "before" => IfModifiedSince::Before,
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    Ok(Conditions {
        if_modified_since,
        max_ranges: scope.number("max_ranges", usize::MAX)?,
    })
}
