//! `add_before_body`, `add_after_body` and `addition_types` (ngx_http_addition_module).

use super::Types;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) struct Addition {
    pub(crate) before: Option<Template>,
    pub(crate) after: Option<Template>,
    pub(crate) types: Types,
}

pub(super) fn addition(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Addition>, ConfigError> {
    // An empty name takes an inherited one away.
    let target = |name: &'static str| {
        let arg = scope
            .find(name)
            .and_then(|directive| directive.args.first());
        let arg = arg.filter(|arg| !arg.text.is_empty());
        arg.map(|arg| loader.template(arg)).transpose()
    };
    let addition = Addition {
        before: target("add_before_body")?,
        after: target("add_after_body")?,
        types: Types::of(scope, "addition_types", &[]),
    };
    let any = addition.before.is_some() || addition.after.is_some();
    Ok(any.then_some(addition))
}
