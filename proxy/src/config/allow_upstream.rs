//! `proxy_allow_upstream` and `tunnel_allow_upstream` (nginx's commercial version, 1.29.3): which addresses may be connected
//! to, asked when the address is known and before each connection.

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::ConfigError;
use super::template::Template;
use crate::variables::{Family, Plain, Var};

#[derive(Debug)]
pub(crate) enum AllowUpstream {
    /// The configuration names the peers.
    All,
    /// The client names the peer, and nothing is said: who comes from a public address reaches public addresses only.
    /// (nginx lets everybody everywhere.)
    AsNear,
    /// Allowed if none is empty or `0`.
    If(Vec<Template>),
}

impl AllowUpstream {
    /// `authority`: what the address is made of, where it has variables.
    pub(super) fn parse(
        scope: &Scope<'_>,
        name: &'static str,
        authority: Option<&Template>,
        loader: &Loader,
    ) -> Result<Self, ConfigError> {
        if let Some(directive) = scope.find(name) {
            let conditions = directive.args.iter().map(|arg| loader.template(arg));
            return conditions.collect::<Result<_, _>>().map(Self::If);
        }
        Ok(match authority {
            Some(authority) if is_named_by_client(authority) => Self::AsNear,
            _ => Self::All,
        })
    }
}

/// The host stands first, whether or not there is a scheme before it.
fn is_named_by_client(authority: &Template) -> bool {
    match authority.leading_var() {
        Some(
            Var::Plain(Plain::Host | Plain::OriginalDst | Plain::RequestUri)
            | Var::Family(Family::Arg | Family::Cookie, _),
        ) => true,
        Some(Var::Family(Family::Http, name)) => **name == *b"host",
        _ => false,
    }
}
