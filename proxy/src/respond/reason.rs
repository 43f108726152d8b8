//! Reason phrases (RFC 9110 section 15), as nginx words them.

pub(super) fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        421 => "Misdirected Request",
        422 => "Unprocessable Entity",
        423 => "Locked",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

/// The title of an error page.
pub(super) fn title(status: u16) -> String {
    match status {
        494 => "400 Request Header Or Cookie Too Large".to_owned(),
        495 => "400 The SSL certificate error".to_owned(),
        496 => "400 No required SSL certificate was sent".to_owned(),
        497 => "400 The plain HTTP request was sent to HTTPS port".to_owned(),
        // Statuses of RFC 9110's own names differ from the pages' titles only here.
        302 => "302 Found".to_owned(),
        401 => "401 Authorization Required".to_owned(),
        408 => "408 Request Time-out".to_owned(),
        _ => format!("{status} {}", phrase(status)).trim_end().to_owned(),
    }
}
