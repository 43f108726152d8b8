//! `error_page`: an error's answer is another page, inside or elsewhere.

use super::Reply;
use crate::exchange::Exchange;
use crate::pipeline::Flow;

pub(super) enum Page {
    /// Round again inside the proxy.
    Inside(Flow),
    Elsewhere(Reply),
}

/// Whether the location has a page for this status that may be shown now.
pub(crate) fn applies(ex: &Exchange, status: u16) -> bool {
    let pages = &ex.location.error_pages;
    ex.error_status.is_none() && pages.iter().any(|page| page.statuses.contains(&status))
}

/// The page for this status, if the location has one and the request is not on one already.
pub(super) fn find(ex: &mut Exchange, status: u16) -> Option<Page> {
    if ex.error_status.is_some() {
        return None;
    }
    let location = std::sync::Arc::clone(&ex.location);
    let page = location
        .error_pages
        .iter()
        .find(|page| page.statuses.contains(&status))?;
    let target = page.target.evaluate(ex);
    let shown = if matches!(status, 494..=497) {
        400
    } else {
        status
    };
    // `=200` puts a status in place, `=` takes what the page answers.
    let overwrite = page.overwrite;
    if target.starts_with(b"@") || target.starts_with(b"/") {
        ex.error_status = Some(shown);
        ex.status_overwrite = match overwrite {
            None => Some(shown),
            Some(given) => given,
        };
        ex.internal = true;
        // A page is shown with GET, whatever was asked; a named location gets the request as it is.
        if target.starts_with(b"@") {
            return Some(Page::Inside(Flow::RedirectNamed(
                String::from_utf8_lossy(&target).into_owned(),
            )));
        }
        if ex.request.method() != b"HEAD" {
            ex.request.method = Some(b"GET");
        }
        ex.request.go_to(&target, Vec::new());
        return Some(Page::Inside(Flow::Redirect));
    }
    let redirects = |code: &u16| matches!(code, 301 | 302 | 303 | 307 | 308);
    let redirect = overwrite.flatten().filter(redirects).unwrap_or(302);
    Some(Page::Elsewhere(Reply::redirect(ex, redirect, target)))
}
