//! nginx's variables: which exist (decided when the configuration is loaded) and, in
//! `evaluate`, what each is worth for one exchange.

mod evaluate;
mod tls;
mod upstream;

use std::collections::HashMap;

use crate::accept::proxy_protocol::Tlv;

/// One variable, found once by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Var {
    Plain(Plain),
    /// `$arg_name`, and so on: the rest of the name, lower case.
    Family(Family, Box<[u8]>),
    /// `$1` to `$9`; `$0` is the whole match.
    Capture(usize),
    /// `$proxy_protocol_tlv_name`.
    Tlv(Tlv),
    /// Defined by `set`, or by a named capture.
    User(usize),
    /// As `User` where it was set, else what the name means otherwise (`set $http_name`).
    UserOr(usize, Box<Self>),
    /// Defined by `map`, `geo` or `split_clients`.
    Class(usize),
}

impl Var {
    /// Whether the value can hold nothing that a log would have to escape.
    pub(crate) fn is_plain(&self) -> bool {
        use Plain as P;
        matches!(
            self,
            Self::Plain(
                P::RemoteAddr
                    | P::RemotePort
                    | P::TimeLocal
                    | P::TimeIso8601
                    | P::Status
                    | P::BodyBytesSent
                    | P::BytesSent
                    | P::RequestTime
                    | P::Msec
                    | P::Connection
                    | P::ConnectionRequests
                    | P::RequestLength
                    | P::Pid
                    | P::Scheme
                    | P::UpstreamAddr
                    | P::UpstreamStatus
                    | P::UpstreamResponseTime
                    | P::UpstreamConnectTime
                    | P::UpstreamHeaderTime
                    | P::ServerProtocol
            )
        )
    }
}

macro_rules! plain {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Plain { $($variant),+ }

        impl Plain {
            fn find(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

plain! {
    Args = "args",
    BinaryRemoteAddr = "binary_remote_addr",
    BodyBytesSent = "body_bytes_sent",
    BytesSent = "bytes_sent",
    Connection = "connection",
    ConnectionRequests = "connection_requests",
    ConnectionTime = "connection_time",
    ConnectionsActive = "connections_active",
    ConnectionsReading = "connections_reading",
    ConnectionsWaiting = "connections_waiting",
    ConnectionsWriting = "connections_writing",
    ContentLength = "content_length",
    ContentType = "content_type",
    DateGmt = "date_gmt",
    DateLocal = "date_local",
    DocumentRoot = "document_root",
    DocumentUri = "document_uri",
    GzipRatio = "gzip_ratio",
    Host = "host",
    Hostname = "hostname",
    Http2 = "http2",
    Https = "https",
    InvalidReferer = "invalid_referer",
    IsArgs = "is_args",
    IsRequestPort = "is_request_port",
    LimitConnStatus = "limit_conn_status",
    LimitRate = "limit_rate",
    LimitReqStatus = "limit_req_status",
    Msec = "msec",
    NginxVersion = "nginx_version",
    OriginalDst = "original_dst",
    OtelParentId = "otel_parent_id",
    OtelParentSampled = "otel_parent_sampled",
    OtelSpanId = "otel_span_id",
    OtelTraceId = "otel_trace_id",
    Pid = "pid",
    Pipe = "pipe",
    ProxyAddXForwardedFor = "proxy_add_x_forwarded_for",
    ProxyHost = "proxy_host",
    ProxyPort = "proxy_port",
    ProxyProtocolAddr = "proxy_protocol_addr",
    ProxyProtocolPort = "proxy_protocol_port",
    ProxyProtocolServerAddr = "proxy_protocol_server_addr",
    ProxyProtocolServerPort = "proxy_protocol_server_port",
    QueryString = "query_string",
    RealipRemoteAddr = "realip_remote_addr",
    RealipRemotePort = "realip_remote_port",
    RealpathRoot = "realpath_root",
    RemoteAddr = "remote_addr",
    RemotePort = "remote_port",
    RemoteUser = "remote_user",
    Request = "request",
    RequestBody = "request_body",
    RequestBodyFile = "request_body_file",
    RequestCompletion = "request_completion",
    RequestFilename = "request_filename",
    RequestId = "request_id",
    RequestLength = "request_length",
    RequestMethod = "request_method",
    RequestPort = "request_port",
    RequestTime = "request_time",
    RequestUri = "request_uri",
    Scheme = "scheme",
    SecureLink = "secure_link",
    SecureLinkExpires = "secure_link_expires",
    ServerAddr = "server_addr",
    ServerName = "server_name",
    ServerPort = "server_port",
    ServerProtocol = "server_protocol",
    SliceRange = "slice_range",
    SslAlpnProtocol = "ssl_alpn_protocol",
    SslCipher = "ssl_cipher",
    SslCiphers = "ssl_ciphers",
    SslClientCert = "ssl_client_cert",
    SslClientEscapedCert = "ssl_client_escaped_cert",
    SslClientFingerprint = "ssl_client_fingerprint",
    SslClientIDn = "ssl_client_i_dn",
    SslClientIDnLegacy = "ssl_client_i_dn_legacy",
    SslClientRawCert = "ssl_client_raw_cert",
    SslClientSDn = "ssl_client_s_dn",
    SslClientSDnLegacy = "ssl_client_s_dn_legacy",
    SslClientSerial = "ssl_client_serial",
    SslClientVEnd = "ssl_client_v_end",
    SslClientVRemain = "ssl_client_v_remain",
    SslClientVStart = "ssl_client_v_start",
    SslClientVerify = "ssl_client_verify",
    SslCurve = "ssl_curve",
    SslCurves = "ssl_curves",
    SslEarlyData = "ssl_early_data",
    SslPrereadServerName = "ssl_preread_server_name",
    SslProtocol = "ssl_protocol",
    SslServerName = "ssl_server_name",
    SslSessionId = "ssl_session_id",
    SslSessionReused = "ssl_session_reused",
    Status = "status",
    TimeIso8601 = "time_iso8601",
    TimeLocal = "time_local",
    UpstreamAddr = "upstream_addr",
    UpstreamCacheKey = "upstream_cache_key",
    UpstreamCacheStatus = "upstream_cache_status",
    UpstreamBytesReceived = "upstream_bytes_received",
    UpstreamBytesSent = "upstream_bytes_sent",
    UpstreamConnectTime = "upstream_connect_time",
    UpstreamHeaderTime = "upstream_header_time",
    UpstreamLastAddr = "upstream_last_addr",
    UpstreamLastNetwork = "upstream_last_network",
    UpstreamResponseLength = "upstream_response_length",
    UpstreamResponseTime = "upstream_response_time",
    UpstreamStatus = "upstream_status",
    Uri = "uri",
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Arg,
    Cookie,
    Http,
    SentHttp,
    SentTrailer,
    UpstreamCookie,
    UpstreamHttp,
    UpstreamTrailer,
}

const FAMILIES: [(&str, Family); 8] = [
    ("arg_", Family::Arg),
    ("cookie_", Family::Cookie),
    ("http_", Family::Http),
    ("sent_http_", Family::SentHttp),
    ("sent_trailer_", Family::SentTrailer),
    ("upstream_cookie_", Family::UpstreamCookie),
    ("upstream_http_", Family::UpstreamHttp),
    ("upstream_trailer_", Family::UpstreamTrailer),
];

/// The names that a configuration defines itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    user: HashMap<String, usize>,
    classes: HashMap<String, usize>,
}

impl Names {
    /// Reserves a variable for `set` or a named capture. A built-in can't be defined again,
    /// save the few that nginx lets be changed.
    pub(crate) fn define(&mut self, name: &str) -> Result<usize, String> {
        if Plain::find(name).is_some() && !CHANGEABLE.contains(&name) {
            return Err(format!("the duplicate \"{name}\" variable"));
        }
        let next = self.user.len();
        Ok(*self.user.entry(name.to_owned()).or_insert(next))
    }

    pub(crate) fn define_class(&mut self, name: &str, index: usize) {
        self.classes.insert(name.to_owned(), index);
    }

    pub(crate) fn user_count(&self) -> usize {
        self.user.len()
    }

    pub(crate) fn user(&self, name: &str) -> Option<usize> {
        self.user.get(name).copied()
    }

    /// Finds a variable by the name after `$`.
    pub(crate) fn find(&self, name: &str) -> Result<Var, String> {
        if let [digit @ b'0'..=b'9'] = name.as_bytes() {
            return Ok(Var::Capture(usize::from(digit - b'0')));
        }
        let lower = name.to_ascii_lowercase();
        if let Some(&index) = self.classes.get(name) {
            return Ok(Var::Class(index));
        }
        if let Some(plain) = Plain::find(&lower) {
            return Ok(Var::Plain(plain));
        }
        match (self.user.get(name), family(&lower)) {
            (Some(&index), Some(other)) => Ok(Var::UserOr(index, Box::new(other))),
            (Some(&index), None) => Ok(Var::User(index)),
            (None, Some(other)) => Ok(other),
            (None, None) => Err(format!("unknown \"{name}\" variable")),
        }
    }
}

fn family(name: &str) -> Option<Var> {
    if let Some(tlv) = name
        .strip_prefix("proxy_protocol_tlv_")
        .and_then(Tlv::named)
    {
        return Some(Var::Tlv(tlv));
    }
    FAMILIES.iter().find_map(|(prefix, family)| {
        let rest = name.strip_prefix(prefix)?;
        Some(Var::Family(*family, rest.as_bytes().into()))
    })
}

/// Built-ins that `set` may assign.
pub(crate) const CHANGEABLE: [&str; 2] = ["args", "limit_rate"];
