//! Stage "access": takes a routed exchange, decides whether this client may go on.

use crate::config::AccessRule;
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};

// ANCHOR: access
/// The first rule that holds the client's address decides; without one everybody may.
pub(crate) fn check(ex: &Exchange) -> Result<(), Fault> {
    if let Some(limit) = &ex.location.limit_except {
        let listed = limit
            .methods
            .iter()
            .any(|m| m.as_bytes() == ex.request.method());
        if !listed {
            allowed(ex, &limit.rules)?;
        }
    }
    allowed(ex, &ex.location.access)
}

fn allowed(ex: &Exchange, rules: &[AccessRule]) -> Result<(), Fault> {
    let client = ex.client().map(|address| address.ip());
    match rules.iter().find(|rule| rule.network.contains(client)) {
        Some(rule) if !rule.allow => {
            Err(Fault::new(403, Blame::Client, "access forbidden by rule"))
        }
        _ => Ok(()),
    }
}
// ANCHOR_END: access
