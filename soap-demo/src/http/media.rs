//! `Content-Type`: the two media types of SOAP, their charset, and SOAP 1.2's `action`.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};

use super::Refused;
use crate::soap::Version;
use crate::xml::Charset;

/// What a request says about its body.
#[derive(Debug)]
pub(crate) struct MediaType {
    /// The version that the type is for. The envelope decides; this only counts while there is none to be read.
    pub(crate) version: Version,
    pub(crate) charset: Option<Charset>,
    pub(crate) action: Option<String>,
}

impl MediaType {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        let parsed = value
            .filter(|_| values.next().is_none())
            .and_then(Self::parse);
        parsed.ok_or_else(|| {
            let hint = "Content-Type must be text/xml or application/soap+xml, in UTF-8 or UTF-16";
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, hint.to_owned())
        })
    }

    /// None for other types and charsets.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
        let version = match essence.trim().to_ascii_lowercase().as_str() {
            "text/xml" => Version::Soap11,
            "application/soap+xml" => Version::Soap12,
            _ => return None,
        };
        let mut media = Self {
            version,
            charset: None,
            action: None,
        };
        while !rest.trim().is_empty() {
            let (name, value, after) = parameter(rest)?;
            match name.to_ascii_lowercase().as_str() {
                "charset" if media.charset.is_none() => {
                    media.charset = Some(Charset::from_name(&value)?);
                }
                "action" if media.action.is_none() => media.action = Some(value),
                "charset" | "action" => return None,
                _ => {}
            }
            rest = after;
        }
        Some(media)
    }
}

/// `name=value` or `name="value"`, and what follows its semicolon.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let Some(quoted) = rest.trim_start().strip_prefix('"') else {
        let (value, after) = rest.split_once(';').unwrap_or((rest, ""));
        return Some((name.trim(), value.trim().to_owned(), after));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            '"' => {
                let after = quoted[at + 1..].trim_start();
                let after = if after.is_empty() {
                    after
                } else {
                    after.strip_prefix(';')?
                };
                return Some((name.trim(), value, after));
            }
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_as_clients_write_them() {
        for (value, action) in [
            ("text/xml", None),
            ("Text/XML;charset=\"utf-8\"", None),
            (
                "application/soap+xml; charset=utf-8; action=\"urn:a;b\"",
                Some("urn:a;b"),
            ),
            ("application/soap+xml;charset=utf-8;action=\"\"", Some("")),
            (
                "application/soap+xml; action=urn:a; charset=utf-16",
                Some("urn:a"),
            ),
            ("text/xml;", None),
        ] {
            let media = MediaType::parse(value).expect(value);
            assert_eq!(media.action.as_deref(), action, "{value}");
        }
        for value in [
            "",
            "application/xml",
            "text/plain",
            "application/json",
            "multipart/related; type=\"text/xml\"",
            "text/xml; charset=iso-8859-1",
            "text/xml; charset",
            "text/xml; charset=\"utf-8",
            "text/xml; charset=utf-8; charset=utf-16",
        ] {
            assert!(MediaType::parse(value).is_none(), "{value}");
        }
    }
}
