//! `mirror`: where else the location's requests are sent (ngx_http_mirror_module).

use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;

#[derive(Debug)]
pub(crate) struct Mirrors {
    pub(crate) targets: Vec<Box<[u8]>>,
    pub(crate) request_body: bool,
}

pub(super) fn mirrors(scope: &Scope<'_>) -> Result<Option<Box<Mirrors>>, ConfigError> {
    let directives = scope.all("mirror");
    let request_body = scope.flag("mirror_request_body", true)?;
    let args = directives.iter().flat_map(|directive| &directive.args);
    let targets: Vec<_> = args.map(|arg| arg.text.as_str()).collect();
    if targets.contains(&"off") {
        return match (directives.first(), targets.len()) {
            (Some(directive), 2..) => Err(directive.error("\"off\" stands beside other mirrors")),
            _ => Ok(None),
        };
    }
    let targets: Vec<Box<[u8]>> = targets.iter().map(|text| text.as_bytes().into()).collect();
    Ok((!targets.is_empty()).then(|| {
        Box::new(Mirrors {
            targets,
            request_body,
        })
    }))
}
