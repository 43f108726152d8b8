//! The `otel_…` directives, named as in nginx's own module (ngx_otel_module).

use std::sync::Arc;

use super::loader::Loader;
use super::scope::Scope;
use super::syntax::{ConfigError, Directive};
use super::template::Template;
use super::values;
use crate::trace::Exporter;

/// What holds of traces in a location.
#[derive(Debug)]
pub(crate) struct TraceSettings {
    /// Whether a request is recorded; `None` is never.
    pub(crate) on: Option<Template>,
    /// Believe the client's `traceparent`.
    pub(crate) extract: bool,
    /// Tell the peer.
    pub(crate) inject: bool,
    pub(crate) name: Option<Template>,
    pub(crate) attributes: Vec<(String, Template)>,
}

pub(super) fn settings(
    scope: &Scope<'_>,
    loader: &Loader,
) -> Result<Option<Box<TraceSettings>>, ConfigError> {
    let template = |directive: &Directive| loader.template(values::only(directive)?);
    let on = match scope.find("otel_trace") {
        Some(directive) if values::only(directive)?.text != "off" => Some(template(directive)?),
        _ => None,
    };
    let (extract, inject) = match scope.find("otel_trace_context") {
        None => (false, false),
        Some(directive) => match values::only(directive)?.text.as_str() {
            "ignore" => (false, false),
            "extract" => (true, false),
            "inject" => (false, true),
            "propagate" => (true, true),
            other => return Err(directive.error(format!("invalid value \"{other}\""))),
        },
    };
    if on.is_none() && !extract && !inject {
        return Ok(None);
    }
    let name = scope.find("otel_span_name").map(template).transpose()?;
    let mut attributes = Vec::new();
    for directive in scope.all("otel_span_attr") {
        let [key, value] = directive.args.as_slice() else {
            return Err(directive.error("invalid number of arguments"));
        };
        attributes.push((key.text.clone(), loader.template(value)?));
    }
    Ok(Some(Box::new(TraceSettings {
        on,
        extract,
        inject,
        name,
        attributes,
    })))
}

#[cfg(not(feature = "otel"))]
pub(super) fn exporter(http: &Scope<'_>) -> Result<Option<Arc<Exporter>>, ConfigError> {
    match http.here("otel_exporter").next() {
        None => Ok(None),
        Some(directive) => {
            Err(directive.error("this proxy was built without the feature \"otel\""))
        }
    }
}

#[cfg(feature = "otel")]
pub(super) fn exporter(http: &Scope<'_>) -> Result<Option<Arc<Exporter>>, ConfigError> {
    use std::time::Duration;
    let Some(block) = http.here("otel_exporter").next() else {
        return Ok(None);
    };
    let mut settings = crate::trace::Settings {
        host: String::new(),
        port: 0,
        path: String::new(),
        headers: Vec::new(),
        interval: Duration::from_secs(5),
        batch_size: 512,
        batch_count: 4,
        resource: resource(http)?,
    };
    for line in block.children() {
        match line.name.as_str() {
            "endpoint" => {
                let text = &values::only(line)?.text;
                let (host, port, path) = endpoint(text).ok_or_else(|| {
                    line.error(format!(
                        "invalid endpoint \"{text}\": http://host:port expected"
                    ))
                })?;
                (settings.host, settings.port, settings.path) = (host, port, path);
            }
            "interval" => settings.interval = values::time(line)?,
            "batch_size" => settings.batch_size = values::number(line)?.clamp(1, 10_000),
            "batch_count" => settings.batch_count = values::number(line)?.clamp(1, 100),
            "header" => {
                let [name, value] = line.args.as_slice() else {
                    return Err(line.error("invalid number of arguments in \"header\" directive"));
                };
                let name_fits = hyper::header::HeaderName::from_bytes(name.text.as_bytes()).is_ok();
                if !name_fits || hyper::header::HeaderValue::from_str(&value.text).is_err() {
                    return Err(line.error(format!("invalid header \"{}\"", name.text)));
                }
                settings
                    .headers
                    .push((name.text.clone(), value.text.clone()));
            }
            "trusted_certificate" => {
                return Err(line.error("an https endpoint is not implemented by this proxy"));
            }
            other => return Err(line.error(format!("unknown directive \"{other}\""))),
        }
    }
    if settings.host.is_empty() {
        return Err(block.error("\"otel_exporter\" requires \"endpoint\""));
    }
    Ok(Some(Arc::new(Exporter::new(settings))))
}

#[cfg(feature = "otel")]
fn resource(http: &Scope<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    let service = match http.here("otel_service_name").next() {
        Some(directive) => values::only(directive)?.text.clone(),
        None => "unknown_service:nginx".to_owned(),
    };
    let mut all = vec![("service.name".to_owned(), service)];
    for directive in http.here("otel_resource_attr") {
        let [key, value] = directive.args.as_slice() else {
            return Err(directive.error("invalid number of arguments"));
        };
        all.push((key.text.clone(), value.text.clone()));
    }
    Ok(all)
}

/// `[http://]host:port[/path]`; OTLP over HTTP has its own path where none is named.
#[cfg(feature = "otel")]
fn endpoint(text: &str) -> Option<(String, u16, String)> {
    let rest = text.strip_prefix("http://").unwrap_or(text);
    let (authority, path) = match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/v1/traces"),
    };
    let (host, port) = authority.rsplit_once(':')?;
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let plain = !host.is_empty() && path.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then_some((host.to_owned(), port.parse().ok()?, path.to_owned()))
}

#[cfg(all(test, feature = "otel"))]
mod tests {
    use super::endpoint;

    #[test]
    fn an_endpoint_is_a_host_a_port_and_a_path() {
        for (text, expected) in [
            ("127.0.0.1:4318", Some(("127.0.0.1", 4318, "/v1/traces"))),
            (
                "http://collector:4318/a/b",
                Some(("collector", 4318, "/a/b")),
            ),
            ("http://[::1]:1/", Some(("::1", 1, "/"))),
            ("https://collector:4318", None),
            ("collector", None),
            (":4318", None),
        ] {
            let expected =
                expected.map(|(host, port, path)| (host.to_owned(), port, path.to_owned()));
            assert_eq!(endpoint(text), expected, "{text}");
        }
    }
}
