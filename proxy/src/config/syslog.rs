//! `syslog:server=...,facility=...,tag=...` in place of a log's path.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::syntax::{Arg, ConfigError};
use crate::log::{Destination, Server};

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv",
    "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];
const SEVERITIES: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];
const PORT: u16 = 514;

pub(super) fn destination(arg: &Arg) -> Result<Destination, ConfigError> {
    let parameters = arg.text.strip_prefix("syslog:").unwrap_or_default();
    let (mut server, mut facility, mut severity, mut tag) = (None, None, None, None);
    let mut hostname = true;
    for parameter in parameters.split(',') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let again = match name {
            "server" => server.replace(address(arg, value)?).is_some(),
            "facility" => facility
                .replace(number(arg, &FACILITIES, name, value)?)
                .is_some(),
            "severity" => severity
                .replace(number(arg, &SEVERITIES, name, value)?)
                .is_some(),
            "tag" => tag.replace(checked_tag(arg, value)?).is_some(),
            "nohostname" => !std::mem::replace(&mut hostname, false),
            _ => return Err(arg.error(format!("unknown syslog parameter \"{parameter}\""))),
        };
        if again {
            return Err(arg.error(format!("duplicate syslog \"{name}\"")));
        }
    }
    Ok(Destination {
        server: server.ok_or_else(|| arg.error("no syslog server specified"))?,
        facility: facility.unwrap_or(23),
        severity: severity.unwrap_or(6),
        tag: tag.unwrap_or_else(|| "nginx".to_owned()),
        hostname,
    })
}

fn number(arg: &Arg, names: &[&str], what: &str, value: &str) -> Result<u8, ConfigError> {
    let found = names.iter().position(|name| *name == value);
    found
        .and_then(|number| u8::try_from(number).ok())
        .ok_or_else(|| arg.error(format!("unknown syslog {what} \"{value}\"")))
}

fn checked_tag(arg: &Arg, value: &str) -> Result<String, ConfigError> {
    if value.len() > 32 {
        return Err(arg.error("syslog tag length exceeds 32"));
    }
    if !value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(arg.error("syslog \"tag\" only allows alphanumeric characters and underscore"));
    }
    Ok(value.to_owned())
}

/// `192.0.2.1`, `[::1]:12345`, `logs.example:514`, `unix:/dev/log`.
fn address(arg: &Arg, value: &str) -> Result<Server, ConfigError> {
    if let Some(path) = value.strip_prefix("unix:") {
        return if path.is_empty() {
            Err(arg.error("no path in the unix domain socket of the syslog server"))
        } else {
            Ok(Server::Unix(path.into()))
        };
    }
    let bare = value
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let known = value.parse().ok().or_else(|| {
        let ip = bare.unwrap_or(value).parse().ok()?;
        Some(SocketAddr::new(ip, PORT))
    });
    let looked_up = || {
        let (host, port) = match value.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (value, PORT),
        };
        (host, port).to_socket_addrs().ok()?.next()
    };
    known
        .or_else(looked_up)
        .map(Server::Udp)
        .ok_or_else(|| arg.error(format!("host not found in syslog server \"{value}\"")))
}

#[cfg(test)]
mod tests {
    use crate::config::syntax;

    fn read(parameters: &str) -> Result<super::Destination, String> {
        let text = format!("error_log syslog:{parameters};\nevents {{}}\n");
        let tree = syntax::load_str("test.conf", &text).unwrap();
        super::destination(&tree.directives[0].args[0]).map_err(|error| error.message)
    }

    #[test]
    fn what_is_not_said_has_nginxs_defaults() {
        let to = read("server=192.0.2.1").unwrap();
        assert_eq!(to.server.to_string(), "192.0.2.1:514");
        assert_eq!(
            (to.facility, to.severity, &*to.tag, to.hostname),
            (23, 6, "nginx", true)
        );
        let to = read("severity=alert,nohostname,tag=a_1,facility=user,server=[::1]:99").unwrap();
        assert_eq!(to.server.to_string(), "[::1]:99");
        assert_eq!(
            (to.facility, to.severity, &*to.tag, to.hostname),
            (1, 1, "a_1", false)
        );
        assert_eq!(
            read("server=[::1]").unwrap().server.to_string(),
            "[::1]:514"
        );
        assert_eq!(
            read("server=unix:/dev/log").unwrap().server.to_string(),
            "unix:/dev/log"
        );
    }

    #[test]
    fn what_can_not_be_is_refused_by_name() {
        for (text, why) in [
            ("", "unknown syslog parameter \"\""),
            ("facility=user", "no syslog server specified"),
            (
                "server=1.1.1.1,server=1.1.1.1",
                "duplicate syslog \"server\"",
            ),
            (
                "server=1.1.1.1,nohostname,nohostname",
                "duplicate syslog \"nohostname\"",
            ),
            ("server=1.1.1.1,facility=x", "unknown syslog facility \"x\""),
            ("server=1.1.1.1,severity=x", "unknown syslog severity \"x\""),
            (
                "server=1.1.1.1,tag=a b",
                "syslog \"tag\" only allows alphanumeric characters and underscore",
            ),
            (
                "server=1.1.1.1,colour=red",
                "unknown syslog parameter \"colour=red\"",
            ),
            (
                "server=unix:",
                "no path in the unix domain socket of the syslog server",
            ),
        ] {
            assert_eq!(read(&text.replace(' ', "-")).unwrap_err(), why, "{text}");
        }
    }
}
