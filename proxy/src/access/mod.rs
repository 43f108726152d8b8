//! Stage "access": takes a routed exchange, decides whether this client may go on: by its address (`allow`, `deny`),
//! by a password (`auth_basic`), by what another location answers (`auth_request`).

mod basic;
mod hashing;
mod password;
mod request;
mod tls;

pub(crate) use basic::find as hash_of;
pub(crate) use password::verify_quickly;
pub(crate) use tls::check_security;

use crate::config::{AccessRule, Auth, Location};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::worker::Worker;

/// What one of the checks says.
#[derive(Debug)]
enum Opinion {
    /// It is not asked here.
    None,
    Yes,
    No(Fault),
}

/// CONNECT is served only where a `tunnel_pass` stands, and not to clients of HTTP/2.
pub(crate) fn check_connect(ex: &Exchange) -> Result<(), Fault> {
    if ex.request.is_connect() && (!ex.server.allows_connect || ex.connection.http2) {
        return Err(crate::parse::not_served("client sent CONNECT method"));
    }
    Ok(())
}

/// A request of our own is not asked: the client's was.
pub(crate) async fn check(
    worker: &Worker,
    ex: &mut Exchange,
    location: &Location,
) -> Result<(), Fault> {
    if ex.inner {
        return Ok(());
    }
    let (rules, auth) = rules_for(ex.request.method(), location);
    match auth {
        None => match by_address(ex, rules) {
            Opinion::No(fault) => Err(fault),
            _ => Ok(()),
        },
        Some(auth) => Box::pin(authorized(worker, ex, rules, auth)).await,
    }
}

/// `limit_except` replaces a location's rules for the methods that it does not list.
fn rules_for<'a>(method: &[u8], location: &'a Location) -> (&'a [AccessRule], Option<&'a Auth>) {
    match location.exception(method) {
        Some(limit) => (&limit.rules, limit.auth.as_deref()),
        None => (&location.access, location.auth.as_deref()),
    }
}

// ANCHOR: satisfy
/// All checks must agree (`satisfy all`), or one of them is enough (`any`). The cheapest is asked first.
async fn authorized(
    worker: &Worker,
    ex: &mut Exchange,
    rules: &[AccessRule],
    auth: &Auth,
) -> Result<(), Fault> {
    let mut refusal: Option<Fault> = None;
    for step in 0..3 {
        let opinion = match step {
            0 => by_address(ex, rules),
            1 => basic::check(ex, auth.basic.as_ref()).await,
            _ => request::check(worker, ex, auth.request.as_ref()).await,
        };
        match opinion {
            Opinion::Yes if auth.any => return Ok(()),
            Opinion::Yes | Opinion::None => {}
            Opinion::No(fault) if auth.any && matches!(fault.status, 401 | 403 | 407) => {
                // A password may still be given; an address can't be changed.
                if refusal.as_ref().is_none_or(|first| first.status == 403) {
                    refusal = Some(fault);
                }
            }
            Opinion::No(fault) => return Err(delayed(fault, auth).await),
        }
    }
    match refusal {
        Some(fault) => Err(delayed(fault, auth).await),
        None => Ok(()),
    }
}
// ANCHOR_END: satisfy

/// Whoever guesses passwords shall not learn quickly that one was wrong (`auth_delay`).
async fn delayed(fault: Fault, auth: &Auth) -> Fault {
    if matches!(fault.status, 401 | 407) && !auth.delay.is_zero() {
        tokio::time::sleep(auth.delay).await;
    }
    fault
}

// ANCHOR: access
/// The first rule that holds the client's address decides; without one everybody may.
fn by_address(ex: &Exchange, rules: &[AccessRule]) -> Opinion {
    let client = ex.client().map(|address| address.ip());
    match rules.iter().find(|rule| rule.network.contains(client)) {
        None => Opinion::None,
        Some(rule) if rule.allow => Opinion::Yes,
        Some(_) => Opinion::No(Fault::new(403, Blame::Client, "access forbidden by rule")),
    }
}
// ANCHOR_END: access
