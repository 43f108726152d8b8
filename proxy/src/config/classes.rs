//! Variables that sort clients or requests into classes: takes a `map`, `geo` or `split_clients` block, decides what
//! its variable is worth for an exchange.
//!
//! A value is worked out once for a request and then kept, as in nginx: the request may change on its way
//! (`rewrite`, `set $args`), and the class should not, unless the block says `volatile`.

use super::geo::Geo;
use super::map::Map;
use super::split_clients::SplitClients;
use super::syntax::{ConfigError, Directive};
use crate::exchange::Exchange;
use crate::variables::Names;

#[derive(Debug)]
pub(crate) enum Class {
    Map(Map),
    Geo(Geo),
    Split(SplitClients),
}

/// What an exchange knows of one such variable.
#[derive(Debug, Default)]
pub(crate) enum Worth {
    #[default]
    Unknown,
    /// Being worked out: asked for again, it would go round in circles.
    Asked,
    Known(Box<[u8]>),
}

/// The variable that a directive defines, if it is one of these blocks.
pub(super) fn defines(directive: &Directive) -> Result<Option<&str>, ConfigError> {
    if !matches!(directive.name.as_str(), "map" | "geo" | "split_clients") {
        return Ok(None);
    }
    let name = directive
        .args
        .last()
        .and_then(|arg| arg.text.strip_prefix('$'));
    name.map(Some)
        .ok_or_else(|| directive.error("invalid variable name"))
}

impl Class {
    pub(super) fn parse(directive: &Directive, names: &Names) -> Result<Self, ConfigError> {
        match directive.name.as_str() {
            "geo" => Geo::parse(directive, names).map(Self::Geo),
            "split_clients" => SplitClients::parse(directive, names).map(Self::Split),
            _ => Map::parse(directive, names).map(Self::Map),
        }
    }

    fn is_volatile(&self) -> bool {
        match self {
            Self::Map(map) => map.volatile,
            Self::Geo(geo) => geo.volatile,
            Self::Split(_) => false,
        }
    }

    /// Writes the value of the class variable with this number.
    pub(crate) fn write(ex: &Exchange, index: usize, out: &mut Vec<u8>) -> bool {
        let class = &ex.config.classes[index];
        {
            let mut worth = ex.classes.borrow_mut();
            if worth.is_empty() {
                worth.resize_with(ex.config.classes.len(), Worth::default);
            }
            match std::mem::replace(&mut worth[index], Worth::Asked) {
                Worth::Unknown => {}
                Worth::Asked => return false,
                Worth::Known(value) => {
                    out.extend_from_slice(&value);
                    worth[index] = Worth::Known(value);
                    return true;
                }
            }
        }
        let start = out.len();
        match class {
            Self::Map(map) => map.write(ex, out),
            Self::Geo(geo) => out.extend_from_slice(geo.value(ex)),
            Self::Split(split) => out.extend_from_slice(split.value(ex)),
        }
        ex.classes.borrow_mut()[index] = if class.is_volatile() {
            Worth::Unknown
        } else {
            Worth::Known(out[start..].into())
        };
        true
    }
}
