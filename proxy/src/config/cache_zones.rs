//! `proxy_cache_path`: the caches of `http {}`.

use std::sync::Arc;
use std::time::Duration;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{Arg, ConfigError, Directive};
use super::values;
use crate::cache::{Levels, Limits, Pace, SMALLEST, Zone};

pub(super) fn zones(http: &Scope<'_>, loader: &Loader) -> Result<Vec<Arc<Zone>>, ConfigError> {
    let mut zones: Vec<Arc<Zone>> = Vec::new();
    for directive in http.here("proxy_cache_path") {
        let zone = zone(directive, loader)?;
        if zones.iter().any(|other| other.name == zone.name) {
            return Err(directive.error(format!("duplicate zone \"{}\"", zone.name)));
        }
        zones.push(zone);
    }
    Ok(zones)
}

fn zone(directive: &Directive, loader: &Loader) -> Result<Arc<Zone>, ConfigError> {
    let (path, parameters) = directive
        .args
        .split_first()
        .ok_or_else(|| directive.error("invalid number of arguments"))?;
    let mut limits = Limits {
        inactive: Duration::from_secs(600),
        max_size: None,
        min_free: 0,
        use_temp_path: true,
        manager: pace(),
        loader: pace(),
    };
    let (mut levels, mut keys) = (Levels::default(), None);
    for arg in parameters {
        let invalid = || arg.error(format!("invalid parameter \"{}\"", arg.text));
        let (name, value) = arg.text.split_once('=').ok_or_else(invalid)?;
        match name {
            "levels" => {
                let invalid = || arg.error(format!("invalid \"levels\" \"{}\"", arg.text));
                levels = Levels::parse(value).ok_or_else(invalid)?;
            }
            "keys_zone" => keys = Some(keys_zone(arg, value)?),
            "inactive" => limits.inactive = time(arg, value)?,
            "max_size" => limits.max_size = Some(size(arg, value)?),
            "min_free" => limits.min_free = size(arg, value)?,
            "use_temp_path" => limits.use_temp_path = flag(arg, value)?,
            "manager_files" => limits.manager.files = number(arg, value)?,
            "manager_sleep" => limits.manager.sleep = time(arg, value)?,
            "manager_threshold" => limits.manager.threshold = time(arg, value)?,
            "loader_files" => limits.loader.files = number(arg, value)?,
            "loader_sleep" => limits.loader.sleep = time(arg, value)?,
            "loader_threshold" => limits.loader.threshold = time(arg, value)?,
            // A purge is over when it is answered; there is nothing left for a purger to do.
            "purger" => {
                flag(arg, value)?;
            }
            "purger_files" => {
                number(arg, value)?;
            }
            "purger_sleep" | "purger_threshold" => {
                time(arg, value)?;
            }
            _ => return Err(invalid()),
        }
    }
    let (name, keys) = keys
        .ok_or_else(|| directive.error("\"proxy_cache_path\" must have \"keys_zone\" parameter"))?;
    let folder = loader.path(&path.text);
    let zone = loader
        .options
        .caches
        .zone(&name, &folder, levels, keys, limits);
    zone.map_err(|why| path.error(format!("mkdir() \"{}\" failed ({why})", folder.display())))
}

fn pace() -> Pace {
    Pace {
        files: 100,
        threshold: Duration::from_millis(200),
        sleep: Duration::from_millis(50),
    }
}

fn keys_zone(arg: &Arg, value: &str) -> Result<(String, u64), ConfigError> {
    let invalid = || arg.error(format!("invalid keys zone size \"{}\"", arg.text));
    let (name, size) = value.split_once(':').ok_or_else(invalid)?;
    let size = values::parse_size(size).ok_or_else(invalid)?;
    if size < SMALLEST {
        return Err(arg.error(format!("zone \"{name}\" is too small")));
    }
    Ok((name.to_owned(), size))
}

fn invalid(arg: &Arg) -> ConfigError {
    arg.error(format!("invalid value \"{}\"", arg.text))
}

fn time(arg: &Arg, value: &str) -> Result<Duration, ConfigError> {
    values::parse_time(value).ok_or_else(|| invalid(arg))
}

fn size(arg: &Arg, value: &str) -> Result<u64, ConfigError> {
    values::parse_size(value).ok_or_else(|| invalid(arg))
}

fn number(arg: &Arg, value: &str) -> Result<usize, ConfigError> {
    value
        .parse()
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| invalid(arg))
}

fn flag(arg: &Arg, value: &str) -> Result<bool, ConfigError> {
    match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(invalid(arg)),
    }
}
