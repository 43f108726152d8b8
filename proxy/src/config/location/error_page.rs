//! `error_page`: what is shown in place of an error.

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::{ConfigError, Directive};
use crate::config::template::Template;

#[derive(Debug)]
pub(crate) struct ErrorPage {
    pub(crate) statuses: Vec<u16>,
    pub(crate) target: Template,
    /// `=`: the status of the page's own answer; `=200`: this one.
    pub(crate) overwrite: Option<Option<u16>>,
}

pub(super) fn error_pages(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Vec<ErrorPage>, ConfigError> {
    scope
        .all("error_page")
        .into_iter()
        .map(|d| error_page(d, loader))
        .collect()
}

fn error_page(directive: &Directive, loader: &Loader) -> Result<ErrorPage, ConfigError> {
    let (target, rest) = directive
        .args
        .split_last()
        .ok_or_else(|| directive.error("no page"))?;
    let (mut statuses, mut overwrite) = (Vec::new(), None);
    for arg in rest {
        match arg.text.strip_prefix('=') {
            Some("") => overwrite = Some(None),
            Some(code) => {
                let code = code
                    .parse()
                    .map_err(|_| arg.error(format!("invalid value \"{}\"", arg.text)))?;
                overwrite = Some(Some(code));
            }
            None => {
                let code = arg
                    .text
                    .parse()
                    .ok()
                    .filter(|code| (300..=599).contains(code));
                statuses.push(code.ok_or_else(|| {
                    arg.error(format!(
                        "value \"{}\" must be between 300 and 599",
                        arg.text
                    ))
                })?);
            }
        }
    }
    Ok(ErrorPage {
        statuses,
        target: loader.template(target)?,
        overwrite,
    })
}
