//! Limits and times towards the client.

use std::time::Duration;

use crate::config::loader::Loader;
use crate::config::scope::Scope;
use crate::config::syntax::ConfigError;
use crate::config::template::Template;
use crate::config::values;

/// What holds towards the client.
#[derive(Debug)]
pub(crate) struct ClientSettings {
    /// 0 is no limit.
    pub(crate) max_body_size: u64,
    pub(crate) body_buffer_size: usize,
    pub(crate) body_in_file_only: bool,
    pub(crate) body_timeout: Duration,
    pub(crate) send_timeout: Duration,
    /// Zero is no keep-alive.
    pub(crate) keepalive_timeout: Duration,
    pub(crate) keepalive_header: Option<Duration>,
    pub(crate) keepalive_requests: u64,
    pub(crate) keepalive_time: Duration,
    pub(crate) keepalive_disable: Vec<String>,
    pub(crate) lingering_time: Duration,
    pub(crate) lingering_timeout: Duration,
    pub(crate) lingering_close: bool,
    pub(crate) chunked: bool,
    pub(crate) server_tokens: bool,
    pub(crate) limit_rate: Option<Template>,
    pub(crate) limit_rate_after: Option<Template>,
    /// Of a sub-request whose answer becomes a variable.
    pub(crate) subrequest_output_buffer_size: usize,
}

pub(super) fn client(scope: &Scope<'_>, loader: &Loader) -> Result<ClientSettings, ConfigError> {
    let seconds = Duration::from_secs;
    let keepalive = scope.find("keepalive_timeout");
    let time_arg = |at: usize| -> Result<Option<Duration>, ConfigError> {
        let Some(arg) = keepalive.and_then(|d| d.args.get(at)) else {
            return Ok(None);
        };
        let time = values::parse_time(&arg.text);
        time.map(Some)
            .ok_or_else(|| arg.error("\"keepalive_timeout\" directive invalid value"))
    };
    let disable = scope.find("keepalive_disable");
    let disable = disable.map(|d| d.args.iter().map(|arg| arg.text.clone()).collect());
    let limit_rate = scope
        .find("limit_rate")
        .map(|d| loader.template(values::only(d)?));
    let limit_rate_after = scope
        .find("limit_rate_after")
        .map(|d| loader.template(values::only(d)?));
    let in_file = scope
        .find("client_body_in_file_only")
        .and_then(|d| d.args.first());
    let lingering = scope.find("lingering_close").and_then(|d| d.args.first());
    Ok(ClientSettings {
        max_body_size: scope.size("client_max_body_size", 1 << 20)?,
        body_buffer_size: scope.bytes("client_body_buffer_size", 16 * 1024)?,
        body_in_file_only: in_file.is_some_and(|arg| arg.text != "off"),
        body_timeout: scope.time("client_body_timeout", seconds(60))?,
        send_timeout: scope.time("send_timeout", seconds(60))?,
        keepalive_timeout: time_arg(0)?.unwrap_or(seconds(75)),
        keepalive_header: time_arg(1)?,
        keepalive_requests: scope.number("keepalive_requests", 1000)? as u64,
        keepalive_time: scope.time("keepalive_time", seconds(3600))?,
        keepalive_disable: disable.unwrap_or_else(|| vec!["msie6".to_owned()]),
        lingering_time: scope.time("lingering_time", seconds(30))?,
        lingering_timeout: scope.time("lingering_timeout", seconds(5))?,
        lingering_close: lingering.is_none_or(|arg| arg.text != "off"),
        chunked: scope.flag("chunked_transfer_encoding", true)?,
        server_tokens: scope
            .find("server_tokens")
            .is_none_or(|d| d.args[0].text != "off"),
        limit_rate: limit_rate.transpose()?,
        limit_rate_after: limit_rate_after.transpose()?,
        subrequest_output_buffer_size: scope.bytes("subrequest_output_buffer_size", 4096)?,
    })
}
