//! `auth_basic`, `auth_request`, `satisfy`, `auth_delay`: who may, by what they know or by what another server says.

use std::path::PathBuf;
use std::time::Duration;

use super::loader::Loader;
use super::rewrite::{self, Assign};
use super::scope::Scope;
use super::syntax::ConfigError;
use super::template::Template;
use super::values;

/// What a location asks besides the address.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) basic: Option<Basic>,
    pub(crate) request: Option<AuthRequest>,
    /// `satisfy any`: one of them is enough, the address among them.
    pub(crate) any: bool,
    /// How long a wrong password waits for its answer.
    pub(crate) delay: Duration,
}

#[derive(Debug)]
pub(crate) struct Basic {
    pub(crate) realm: Template,
    pub(crate) user_file: Template,
    /// Asked for as a proxy asks (407), whatever the method (`auth_basic_proxy`, ours). A CONNECT always is.
    pub(crate) as_proxy: bool,
    /// Relative names start at the configuration's folder.
    pub(crate) folder: PathBuf,
}

#[derive(Debug)]
pub(crate) struct AuthRequest {
    pub(crate) target: Box<[u8]>,
    pub(crate) sets: Vec<(Assign, Template)>,
}

pub(super) fn auth(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Box<Auth>>, ConfigError> {
    let (basic, request) = (basic(scope, loader)?, request(scope, loader)?);
    let any = match scope.find("satisfy") {
        None => false,
        Some(directive) => match values::only(directive)?.text.as_str() {
            "any" => true,
            "all" => false,
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    let delay = scope.time("auth_delay", Duration::ZERO)?;
    if basic.is_none() && request.is_none() {
        return Ok(None);
    }
    Ok(Some(Box::new(Auth {
        basic,
        request,
        any,
        delay,
    })))
}

fn basic(scope: &Scope<'_>, loader: &Loader) -> Result<Option<Basic>, ConfigError> {
    let (Some(realm), Some(file)) = (scope.find("auth_basic"), scope.find("auth_basic_user_file"))
    else {
        return Ok(None);
    };
    if values::only(realm)?.text == "off" {
        return Ok(None);
    }
    let folder = loader.options.path.parent().map(PathBuf::from);
    Ok(Some(Basic {
        realm: loader.template(values::only(realm)?)?,
        user_file: loader.template(values::only(file)?)?,
        as_proxy: scope.flag("auth_basic_proxy", false)?,
        folder: folder.unwrap_or_default(),
    }))
}

fn request(scope: &Scope<'_>, loader: &Loader) -> Result<Option<AuthRequest>, ConfigError> {
    let Some(directive) = scope.find("auth_request") else {
        return Ok(None);
    };
    let target = &values::only(directive)?.text;
    if target == "off" {
        return Ok(None);
    }
    let mut sets = Vec::new();
    for set in scope.all("auth_request_set") {
        let [name, value] = set.args.as_slice() else {
            return Err(set.error("invalid number of arguments in \"auth_request_set\" directive"));
        };
        sets.push((rewrite::assign(name, loader)?, loader.template(value)?));
    }
    Ok(Some(AuthRequest {
        target: target.as_bytes().into(),
        sets,
    }))
}
