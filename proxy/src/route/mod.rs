//! Stage "route": takes a request, decides which location it belongs to (after `rewrite`, `if`
//! and `return` have had their say), hands on the exchange with its location set.

mod location;
mod rewrite;

use std::sync::Arc;

pub(crate) use location::find as find_location;
pub(crate) use rewrite::{Ran, assign};

use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::parse::escape_path;

/// How often a request may be sent round inside (nginx: 10).
const MAX_CYCLES: u8 = 10;

/// What the route came to.
#[derive(Debug)]
pub(crate) enum Routed {
    /// The exchange has its location.
    Location,
    /// `return` has answered: status, text or address, and whether there was a text at all.
    Return { status: u16, text: Option<Vec<u8>> },
}

// ANCHOR: route
/// Runs the server's rewrites, then finds the location and runs its rewrites, as often as they
/// change the path.
pub(crate) fn route(ex: &mut Exchange) -> Result<Routed, Fault> {
    let server = Arc::clone(&ex.server);
    ex.location = Arc::clone(&server.root);
    match rewrite::run(ex, &server.root.program)? {
        Ran::Return { status, text } => return Ok(Routed::Return { status, text }),
        Ran::Through | Ran::Break | Ran::Changed => {}
    }
    loop {
        if location::lacks_slash(&server.root.locations, &ex.request.path) {
            return Ok(Routed::Return {
                status: 301,
                text: Some(with_slash(ex)),
            });
        }
        settle_location(ex, &server)?;
        let location = Arc::clone(&ex.location);
        match rewrite::run(ex, &location.program)? {
            Ran::Return { status, text } => return Ok(Routed::Return { status, text }),
            Ran::Through | Ran::Break => return Ok(Routed::Location),
            Ran::Changed => count_cycle(ex)?,
        }
    }
}
// ANCHOR_END: route

/// The target of the request with a slash at the end of its path.
pub(crate) fn with_slash(ex: &Exchange) -> Vec<u8> {
    let mut target = Vec::new();
    escape_path(&ex.request.path, &mut target);
    target.push(b'/');
    if !ex.request.args.is_empty() {
        target.push(b'?');
        target.extend_from_slice(&ex.request.args);
    }
    target
}

/// Goes on in a location that was named outright (`error_page 404 = @fallback`).
pub(crate) fn route_named(ex: &mut Exchange, name: &str) -> Result<Routed, Fault> {
    let server = Arc::clone(&ex.server);
    let Some(location) = server.root.locations.named.get(name) else {
        let why = format!("could not find named location \"{name}\"");
        return Err(Fault::new(500, Blame::Us, why));
    };
    ex.location = Arc::clone(location);
    match rewrite::run(ex, &location.program)? {
        Ran::Return { status, text } => Ok(Routed::Return { status, text }),
        Ran::Through | Ran::Break => Ok(Routed::Location),
        Ran::Changed => {
            count_cycle(ex)?;
            route(ex)
        }
    }
}

fn settle_location(ex: &mut Exchange, server: &crate::config::Server) -> Result<(), Fault> {
    let found = location::find(&server.root.locations, &ex.request.path);
    let Some((location, pattern)) = found else {
        ex.location = Arc::clone(&server.root);
        return Ok(());
    };
    if let Some(pattern) = pattern {
        let path = ex.request.path.clone();
        if let Some(captures) = pattern.regex.captures(&path) {
            ex.remember(&captures, &pattern.named);
        }
    }
    let internal_only = location.internal && !ex.internal;
    ex.location = Arc::clone(location);
    if internal_only {
        return Err(Fault::status(404));
    }
    Ok(())
}

/// Counts one more turn of a request inside the proxy.
pub(crate) fn count_cycle(ex: &mut Exchange) -> Result<(), Fault> {
    ex.rewrites += 1;
    if ex.rewrites > MAX_CYCLES {
        let path = String::from_utf8_lossy(&ex.request.path).into_owned();
        let why = format!("rewrite or internal redirection cycle while processing \"{path}\"");
        return Err(Fault::new(500, Blame::Us, why));
    }
    Ok(())
}
