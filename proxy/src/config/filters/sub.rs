//! `sub_filter` and its companions (ngx_http_sub_module).

use super::Types;
use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) struct Substitutions {
    /// What is looked for, and what stands there instead.
    pub(crate) pairs: Vec<(Template, Template)>,
    pub(crate) once: bool,
    pub(crate) types: Types,
    pub(crate) last_modified: bool,
}

pub(super) fn substitutions(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Substitutions>, ConfigError> {
    let mut pairs = Vec::new();
    for directive in scope.all("sub_filter") {
        let [wanted, instead] = directive.args.as_slice() else {
            return Err(directive.error("invalid number of arguments in \"sub_filter\" directive"));
        };
        if wanted.text.is_empty() {
            return Err(wanted.error("search pattern is empty"));
        }
        pairs.push((loader.template(wanted)?, loader.template(instead)?));
    }
    let substitutions = Substitutions {
        once: scope.flag("sub_filter_once", true)?,
        types: Types::of(scope, "sub_filter_types", &[]),
        last_modified: scope.flag("sub_filter_last_modified", false)?,
        pairs,
    };
    Ok((!substitutions.pairs.is_empty()).then_some(substitutions))
}
