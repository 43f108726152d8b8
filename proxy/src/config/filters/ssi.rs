//! `ssi` and its companions (ngx_http_ssi_module).

use super::Types;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;

#[derive(Debug)]
pub(crate) struct Ssi {
    pub(crate) types: Types,
    pub(crate) silent_errors: bool,
    /// Last-Modified and ETag of the page stay.
    pub(crate) last_modified: bool,
    /// Of a value in a command.
    pub(crate) value_length: usize,
}

pub(super) fn ssi(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Ssi>, ConfigError> {
    // How nginx cuts its files; checked, and without effect.
    scope.size("ssi_min_file_chunk", 1024)?;
    let settings = Ssi {
        types: Types::of(scope, "ssi_types", &[]),
        silent_errors: scope.flag("ssi_silent_errors", false)?,
        last_modified: scope.flag("ssi_last_modified", false)?,
        value_length: scope.number("ssi_value_length", 256)?.clamp(1, 64 * 1024),
    };
    if !scope.flag("ssi", false)? {
        return Ok(None);
    }
    // A page may ask for any variable.
    loader.keep_sent_head();
    Ok(Some(settings))
}
