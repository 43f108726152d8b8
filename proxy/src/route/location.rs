//! Which location a path belongs to (ngx_http_core_module, `location`): the exact one; else the
//! first expression that matches, unless the longest prefix says `^~`; else the longest prefix.

use std::sync::Arc;

use crate::config::{Handler, Location, Locations, Pattern};

type Found<'a> = (&'a Arc<Location>, Option<&'a Pattern>);

// ANCHOR: find_location
pub(crate) fn find<'a>(tree: &'a Locations, path: &[u8]) -> Option<Found<'a>> {
    if tree.is_empty() {
        return None;
    }
    if let Some(exact) = tree.exact.get(path) {
        return Some((exact, None));
    }
    // Longest first, so the first that fits is the longest.
    let fits = |(location, _): &&(Arc<Location>, bool)| path.starts_with(&location.prefix);
    let prefix = tree.prefixes.iter().find(fits);
    let mut best = None;
    let mut skip_patterns = false;
    if let Some((location, no_patterns)) = prefix {
        skip_patterns = *no_patterns;
        best = Some((location, None));
        // A nested location is a better match than the one around it.
        if let Some(nested) = find(&location.locations, path) {
            if nested.1.is_some() || nested.0.exact {
                return Some(nested);
            }
            best = Some(nested);
        }
    }
    if !skip_patterns {
        for (pattern, location) in &tree.patterns {
            if pattern.regex.is_match(path) {
                return find(&location.locations, path).or(Some((location, Some(pattern))));
            }
        }
    }
    best
}
// ANCHOR_END: find_location

/// Whether the path is a proxied location's but for the slash at its end: `/app` where there is
/// `location /app/ { proxy_pass … }`. nginx answers with a redirect then.
pub(crate) fn lacks_slash(tree: &Locations, path: &[u8]) -> bool {
    let is_path = |(location, _): &(Arc<Location>, bool)| *location.prefix == *path;
    if tree.exact.contains_key(path) || tree.prefixes.iter().any(is_path) {
        return false;
    }
    tree.prefixes.iter().any(|(location, _)| {
        let one_longer = location.prefix.len() == path.len() + 1
            && location.prefix.ends_with(b"/")
            && location.prefix.starts_with(path);
        (one_longer && matches!(location.handler, Handler::Proxy(_)))
            || (path.starts_with(&location.prefix) && lacks_slash(&location.locations, path))
    })
}
