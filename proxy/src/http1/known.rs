//! Header names that the proxy acts on, recognised once while parsing, so that every later
//! decision is a comparison of two bytes instead of two strings.

macro_rules! known {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A header name that means something to the proxy; `Other` is passed through unread.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Known { $($variant,)+ Other }

        impl Known {
            /// Recognises a name in any case (RFC 9110 section 5.1).
            pub(crate) fn of(name: &[u8]) -> Self {
                // The length rules out nearly all candidates before a byte is compared.
                match name.len() {
                    $(n if n == $name.len() && name.eq_ignore_ascii_case($name) => Self::$variant,)+
                    _ => Self::Other,
                }
            }
        }
    };
}

impl Known {
    /// Its place in a set of names.
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u64
    }
}

/// A set of names is a number of 64 bits.
const _: () = assert!((Known::Other as u64) < 64);

known! {
    AcceptEncoding = b"accept-encoding",
    AcceptRanges = b"accept-ranges",
    Age = b"age",
    Authorization = b"authorization",
    CacheControl = b"cache-control",
    Connection = b"connection",
    ContentEncoding = b"content-encoding",
    ContentLength = b"content-length",
    ContentRange = b"content-range",
    ContentType = b"content-type",
    Cookie = b"cookie",
    Date = b"date",
    Etag = b"etag",
    Expect = b"expect",
    Expires = b"expires",
    Host = b"host",
    IfMatch = b"if-match",
    IfModifiedSince = b"if-modified-since",
    IfNoneMatch = b"if-none-match",
    IfRange = b"if-range",
    IfUnmodifiedSince = b"if-unmodified-since",
    KeepAlive = b"keep-alive",
    LastModified = b"last-modified",
    Location = b"location",
    ProxyAuthorization = b"proxy-authorization",
    ProxyConnection = b"proxy-connection",
    Range = b"range",
    Refresh = b"refresh",
    Server = b"server",
    SetCookie = b"set-cookie",
    Te = b"te",
    Trailer = b"trailer",
    TransferEncoding = b"transfer-encoding",
    Upgrade = b"upgrade",
    Vary = b"vary",
    Via = b"via",
    XAccelBuffering = b"x-accel-buffering",
    XAccelCharset = b"x-accel-charset",
    XAccelExpires = b"x-accel-expires",
    XAccelLimitRate = b"x-accel-limit-rate",
    XAccelRedirect = b"x-accel-redirect",
    XForwardedFor = b"x-forwarded-for",
    XPad = b"x-pad",
}
