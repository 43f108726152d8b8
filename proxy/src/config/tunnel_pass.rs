//! `tunnel_pass` and the `tunnel_…` directives around it (ngx_http_tunnel_module, 1.31): where a CONNECT leads.

use std::sync::Arc;
use std::time::Duration;

use super::allow_upstream::AllowUpstream;
use super::loader::Loader;
use super::resolver::Names;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use super::upstream::UpstreamBlock;
use super::values;

/// What the request names.
const DEFAULT: &str = "$host:$request_port";

#[derive(Debug)]
pub(crate) struct TunnelPass {
    pub(crate) target: TunnelTarget,
    pub(crate) allow: AllowUpstream,
    pub(crate) bind: Option<Template>,
    /// The local address is worked out for each try, not once for the request.
    pub(crate) bind_dynamic: bool,
    pub(crate) socket_keepalive: bool,
    pub(crate) connect_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) next: TunnelNext,
}

#[derive(Debug)]
pub(crate) enum TunnelTarget {
    Fixed(Arc<UpstreamBlock>),
    Variable {
        address: Template,
        /// Who knows the address of the name in it.
        names: Names,
    },
}

/// When another peer is tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TunnelNext {
    pub(crate) error: bool,
    pub(crate) timeout: bool,
    pub(crate) denied: bool,
    /// 0 is no limit.
    pub(crate) tries: usize,
    pub(crate) time: Duration,
}

pub(super) fn parse(
    directive: &Directive,
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<TunnelPass, ConfigError> {
    let address = directive.args.first();
    let text = address.map_or(DEFAULT, |arg| &arg.text);
    let arg = Arg {
        text: text.to_owned(),
        quoted: false,
        pos: directive.pos.clone(),
    };
    let target = if text.contains('$') {
        TunnelTarget::Variable {
            address: loader.template(&arg)?,
            names: Names::find_or_system(scope, loader)?,
        }
    } else {
        TunnelTarget::Fixed(fixed(&arg, loader)?)
    };
    let authority = match &target {
        TunnelTarget::Variable { address, .. } => Some(address),
        TunnelTarget::Fixed(_) => None,
    };
    let minute = Duration::from_secs(60);
    Ok(TunnelPass {
        allow: AllowUpstream::parse(scope, "tunnel_allow_upstream", authority, loader)?,
        bind: values::bind(scope, "tunnel_bind")?
            .map(|arg| loader.template(arg))
            .transpose()?,
        bind_dynamic: scope.flag("tunnel_bind_dynamic", false)?,
        socket_keepalive: scope.flag("tunnel_socket_keepalive", false)?,
        connect_timeout: scope.time("tunnel_connect_timeout", minute)?,
        send_timeout: scope.time("tunnel_send_timeout", minute)?,
        read_timeout: scope.time("tunnel_read_timeout", minute)?,
        next: next(scope)?,
        target,
    })
}

/// A group, a path or an address; an address has no port to fall back on.
fn fixed(arg: &Arg, loader: &Loader) -> Result<Arc<UpstreamBlock>, ConfigError> {
    let block = loader.upstream(arg, &arg.text, 0)?;
    if block.needs_port() {
        return Err(arg.error(format!("no port in upstream \"{}\"", arg.text)));
    }
    Ok(block)
}

fn next(scope: &Scope<'_>) -> Result<TunnelNext, ConfigError> {
    let mut next = TunnelNext {
        error: true,
        timeout: true,
        ..TunnelNext::default()
    };
    if let Some(directive) = scope.find("tunnel_next_upstream") {
        next = TunnelNext::default();
        for arg in &directive.args {
            match arg.text.as_str() {
                "error" => next.error = true,
                "timeout" => next.timeout = true,
                "denied" => next.denied = true,
                "off" => {
                    next = TunnelNext::default();
                    break;
                }
                other => return Err(arg.error(format!("invalid value \"{other}\""))),
            }
        }
    }
    next.tries = scope.number("tunnel_next_upstream_tries", 0)?;
    next.time = scope.time("tunnel_next_upstream_timeout", Duration::ZERO)?;
    Ok(next)
}
