//! The tree of locations: which block of the file is where in it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Location;
use crate::config::loader::Loader;
use crate::config::pattern::Pattern;
use crate::config::scope::Scope;
use crate::config::syntax::{Arg, ConfigError, Directive};

/// The locations of a server or of an outer location.
#[derive(Debug, Default)]
pub(crate) struct Locations {
    pub(crate) exact: HashMap<Vec<u8>, Arc<Location>>,
    /// Longest first; with whether expressions are skipped after it (`^~`).
    pub(crate) prefixes: Vec<(Arc<Location>, bool)>,
    pub(crate) patterns: Vec<(Pattern, Arc<Location>)>,
    pub(crate) named: HashMap<String, Arc<Location>>,
}

pub(super) fn locations(
    scope: &Scope<'_>,
    outer: &str,
    loader: &Loader,
) -> Result<Locations, ConfigError> {
    let mut tree = Locations::default();
    let mut seen = HashSet::new();
    for directive in scope.here("location") {
        let (modifier, path) = modifier(directive)?;
        let plain_outer = outer.trim_start_matches("^~").trim_start();
        let nested_ok = modifier.starts_with('~') || path.text.starts_with(plain_outer);
        if outer.starts_with(['=', '@']) || (!outer.is_empty() && path.text.starts_with('@')) {
            return Err(directive.error(format!(
                "location \"{}\" cannot be inside the {} location \"{}\"",
                path.text,
                if outer.starts_with('=') {
                    "exact"
                } else {
                    "named"
                },
                outer.trim_start_matches(['=', ' ']),
            )));
        }
        if !outer.is_empty() && !outer.starts_with('~') && !nested_ok {
            let text = &path.text;
            return Err(directive.error(format!(
                "location \"{text}\" is outside location \"{outer}\""
            )));
        }
        if !modifier.starts_with('~') && !seen.insert((modifier == "=", path.text.clone())) {
            return Err(directive.error(format!("duplicate location \"{}\"", path.text)));
        }
        let inner = scope.inside(directive);
        let name = if modifier.is_empty() {
            path.text.clone()
        } else {
            format!("{modifier} {}", path.text)
        };
        let prefix = if modifier.starts_with('~') {
            ""
        } else {
            path.text.as_str()
        };
        let location = Location::build(&inner, loader, &name, prefix.as_bytes().into())?;
        tree.insert(modifier, &path, Arc::new(location), loader)?;
    }
    tree.prefixes
        .sort_by_key(|(location, _)| std::cmp::Reverse(location.prefix.len()));
    Ok(tree)
}

/// `location [= | ~ | ~* | ^~] path`, the modifier also without a space.
fn modifier(directive: &Directive) -> Result<(&'static str, Arg), ConfigError> {
    const MODIFIERS: [&str; 4] = ["=", "~*", "~", "^~"];
    match directive.args.as_slice() {
        [path] => {
            let found = MODIFIERS
                .iter()
                .find(|m| !path.quoted && path.text.starts_with(**m));
            let modifier = found.copied().unwrap_or("");
            let text = path.text[modifier.len()..].to_owned();
            Ok((
                modifier,
                Arg {
                    text,
                    ..path.clone()
                },
            ))
        }
        [word, path] => {
            let found = MODIFIERS.iter().find(|m| **m == word.text);
            let invalid = || word.error(format!("invalid location modifier \"{}\"", word.text));
            Ok((found.copied().ok_or_else(invalid)?, path.clone()))
        }
        _ => Err(directive.error("invalid number of arguments in \"location\" directive")),
    }
}

impl Locations {
    fn insert(
        &mut self,
        modifier: &str,
        path: &Arg,
        location: Arc<Location>,
        loader: &Loader,
    ) -> Result<(), ConfigError> {
        match modifier {
            "=" => {
                self.exact.insert(path.text.clone().into_bytes(), location);
            }
            "~" | "~*" => {
                let pattern = loader.pattern(path, &path.text, modifier == "~*")?;
                self.patterns.push((pattern, location));
            }
            _ if path.text.starts_with('@') => {
                self.named.insert(path.text.clone(), location);
            }
            _ => self.prefixes.push((location, modifier == "^~")),
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty()
    }
}
