//! `map` (ngx_http_map_module): one variable's value looked up by another's.

use std::borrow::Cow;
use std::collections::HashMap;

use super::pattern::{self, Matcher, Pattern};
use super::syntax::{Arg, ConfigError, Directive};
use super::template::Template;
use crate::exchange::Exchange;
use crate::variables::Names;

#[derive(Debug)]
pub(crate) struct Map {
    source: Template,
    exact: HashMap<Vec<u8>, Template>,
    patterns: Vec<(Pattern, Template)>,
    default: Template,
    hostnames: bool,
    /// Worked out anew at each use.
    pub(super) volatile: bool,
}

impl Map {
    pub(super) fn parse(directive: &Directive, names: &Names) -> Result<Self, ConfigError> {
        let mut map = Self {
            source: Template::parse(&directive.args[0], names)?,
            exact: HashMap::new(),
            patterns: Vec::new(),
            default: Template::default(),
            hostnames: false,
            volatile: false,
        };
        for line in directive.block.as_deref().unwrap_or_default() {
            map.add(line, names)?;
        }
        Ok(map)
    }

    fn add(&mut self, line: &Directive, names: &Names) -> Result<(), ConfigError> {
        match (line.name.as_str(), line.args.as_slice()) {
            ("hostnames", []) => self.hostnames = true,
            ("volatile", []) => self.volatile = true,
            ("default", [value]) => self.default = Template::parse(value, names)?,
            (key, [value]) => {
                // The groups of the expression are known in this line.
                let mut with_groups = Cow::Borrowed(names);
                if key.starts_with('~') {
                    for group in pattern::group_names(key.trim_start_matches(['~', '*'])) {
                        let defined = with_groups.to_mut().define(&group);
                        defined.map_err(|why| line.error(why))?;
                    }
                }
                let names = &*with_groups;
                let value = Template::parse(value, names)?;
                let key_arg = Arg {
                    text: line.name.clone(),
                    quoted: false,
                    pos: line.pos.clone(),
                };
                match Matcher::parse(&key_arg, names)? {
                    Matcher::Pattern(pattern) => {
                        let value = value.with_groups(&pattern.named);
                        self.patterns.push((pattern, value));
                    }
                    Matcher::Text => {
                        let key = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
                        let whole = key.strip_prefix('.').filter(|_| self.hostnames);
                        let below = whole.map(|whole| format!("*.{whole}"));
                        for key in [Some(whole.unwrap_or(&key)), below.as_deref()]
                            .into_iter()
                            .flatten()
                        {
                            if self.exact.insert(key.into(), value.clone()).is_some() {
                                return Err(line.error(format!("conflicting parameter \"{key}\"")));
                            }
                        }
                    }
                }
            }
            _ => return Err(line.error("invalid number of the map parameters")),
        }
        Ok(())
    }

    /// Writes the value for this exchange; there always is one, if only an empty one.
    pub(super) fn write(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        let source = self.source.evaluate(exchange);
        let mut key = source.to_ascii_lowercase();
        // A name may end in the dot of the root.
        if self.hostnames && key.last() == Some(&b'.') {
            key.pop();
        }
        if let Some(value) = self.exact(&key) {
            return value.write(exchange, out);
        }
        for (pattern, value) in &self.patterns {
            if let Some(captures) = pattern.regex.captures(&source) {
                return value.write_with(exchange, Some(&captures), out);
            }
        }
        self.default.write(exchange, out);
    }

    fn exact(&self, key: &[u8]) -> Option<&Template> {
        if let Some(value) = self.exact.get(key) {
            return Some(value);
        }
        if !self.hostnames {
            return None;
        }
        super::server::wildcards(key).find_map(|wildcard| self.exact.get(wildcard.as_slice()))
    }
}
