//! A block and the blocks around it: takes a directive's name, decides which block's directive
//! holds here. nginx's rule: the innermost block that has the directive wins, and a list
//! (`add_header`, `proxy_set_header`) is inherited whole or not at all.

use std::time::Duration;

use super::syntax::{ConfigError, Directive, Place};
use super::values;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    parent: Option<&'a Self>,
    block: Option<&'a Directive>,
    pub(crate) directives: &'a [Directive],
    transparent: bool,
}

impl<'a> Scope<'a> {
    pub(crate) fn root(directives: &'a [Directive]) -> Self {
        Self {
            parent: None,
            block: None,
            directives,
            transparent: false,
        }
    }

    pub(crate) fn inside(&'a self, directive: &'a Directive) -> Self {
        let directives = directive.children();
        Scope {
            parent: Some(self),
            block: Some(directive),
            directives,
            transparent: false,
        }
    }

    /// A block that inherits the content handler too (`if`, `limit_except`).
    pub(crate) fn inside_if(&'a self, directive: &'a Directive) -> Self {
        Scope {
            transparent: true,
            ..self.inside(directive)
        }
    }

    /// Where this block stands in its file.
    pub(crate) fn place(&self) -> Option<Place> {
        self.block.map(Place::of)
    }

    /// A directive of this block, or of the block that an `if` stands in.
    pub(crate) fn own(&self, name: &'static str) -> Option<&'a Directive> {
        let found = self.here(name).next();
        found.or_else(|| {
            if self.transparent {
                self.parent?.own(name)
            } else {
                None
            }
        })
    }

    /// The directives of this name in this very block.
    pub(crate) fn here(&self, name: &'static str) -> impl Iterator<Item = &'a Directive> {
        self.directives.iter().filter(move |d| d.name == name)
    }

    /// Whether a directive of this name stands in this block or in one inside it.
    pub(crate) fn contains(&self, name: &'static str) -> bool {
        fn within(directives: &[Directive], name: &str) -> bool {
            let mut directives = directives.iter();
            directives.any(|d| d.name == name || within(d.children(), name))
        }
        within(self.directives, name)
    }

    /// All directives of this name in the innermost block that has one.
    pub(crate) fn all(&self, name: &'static str) -> Vec<&'a Directive> {
        self.nearest(|d| d.name == name)
    }

    /// All directives of a kind in the innermost block that has one.
    pub(crate) fn nearest(&self, wanted: impl Fn(&&'a Directive) -> bool) -> Vec<&'a Directive> {
        let mut scope = Some(self);
        while let Some(current) = scope {
            let found: Vec<_> = current.directives.iter().filter(&wanted).collect();
            if !found.is_empty() {
                return found;
            }
            scope = current.parent;
        }
        Vec::new()
    }

    /// All directives of this name, from the outermost block in.
    pub(crate) fn everywhere(&self, name: &'static str) -> Vec<&'a Directive> {
        let mut found = self
            .parent
            .map(|parent| parent.everywhere(name))
            .unwrap_or_default();
        found.extend(self.here(name));
        found
    }

    pub(crate) fn find(&self, name: &'static str) -> Option<&'a Directive> {
        self.all(name).into_iter().next()
    }

    pub(crate) fn flag(&self, name: &'static str, default: bool) -> Result<bool, ConfigError> {
        self.find(name).map_or(Ok(default), values::flag)
    }

    pub(crate) fn number(&self, name: &'static str, default: usize) -> Result<usize, ConfigError> {
        self.find(name).map_or(Ok(default), values::number)
    }

    pub(crate) fn size(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        self.find(name).map_or(Ok(default), values::size)
    }

    pub(crate) fn bytes(&self, name: &'static str, default: usize) -> Result<usize, ConfigError> {
        let size = self.size(name, default as u64)?;
        Ok(usize::try_from(size).unwrap_or(usize::MAX))
    }

    pub(crate) fn time(
        &self,
        name: &'static str,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        self.find(name).map_or(Ok(default), values::time)
    }
}
