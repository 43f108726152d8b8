//! One event on its way to a target: everything of the original request that a target can see, byte for byte. Between
//! server and forwarder it travels as one line of JSON: the body in base64, header values as Latin-1 text, since both
//! may hold bytes that no JSON string can.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) sequence: i64,
    pub(crate) id: Uuid,
    pub(crate) method: String,
    /// Behind the token, as sent: "" or "/a/b".
    pub(crate) path: String,
    /// As sent, so that repeated keys and their order stay.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The line of JSON.
#[derive(Serialize, Deserialize)]
struct Line {
    sequence: i64,
    id: Uuid,
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: String,
}

/// A line that no server of ours sends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadParcel {
    #[error("not the JSON of a parcel")]
    Json(#[from] serde_json::Error),
    #[error("a header is malformed")]
    Header,
    #[error("the body is not base64")]
    Body(#[from] base64::DecodeError),
}

impl Parcel {
    pub(crate) fn to_line(&self) -> String {
        let latin_1 =
            |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        let line = Line {
            sequence: self.sequence,
            id: self.id,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), latin_1(value)))
                .collect(),
            body: STANDARD.encode(&self.body),
        };
        serde_json::to_string(&line).expect("text and numbers always serialize")
    }

    pub(crate) fn from_line(line: &str) -> Result<Self, BadParcel> {
        let line: Line = serde_json::from_str(line)?;
        let mut headers = HeaderMap::with_capacity(line.headers.len());
        for (name, value) in &line.headers {
            let bytes: Option<Vec<u8>> =
                value.chars().map(|char| u8::try_from(char).ok()).collect();
            let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
            let name: HeaderName = name.parse().map_err(|_| BadParcel::Header)?;
            headers.append(name, value.ok_or(BadParcel::Header)?);
        }
        Ok(Self {
            sequence: line.sequence,
            id: line.id,
            method: line.method,
            path: line.path,
            query: line.query,
            headers,
            body: STANDARD.decode(line.body)?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_the_line() {
        let mut headers = HeaderMap::new();
        headers.append("x-twice", HeaderValue::from_static("1"));
        headers.append("x-twice", HeaderValue::from_static("2"));
        headers.append("x-latin", HeaderValue::from_bytes(b"gr\xfc\xdfe").unwrap());
        let parcel = Parcel {
            sequence: 7,
            id: Uuid::from_u128(8),
            method: "PATCH".to_owned(),
            path: "/a%2Fb//c".to_owned(),
            query: Some("x=1&x=2&y".to_owned()),
            headers,
            body: (0..=255).collect::<Vec<u8>>().into(),
        };
        let line = parcel.to_line();
        assert!(!line.contains('\n'));
        assert_eq!(Parcel::from_line(&line).unwrap(), parcel);
    }

    #[test]
    fn a_line_that_is_no_parcel_is_an_error() {
        let good = r#"{"sequence":1,"id":"00000000-0000-0000-0000-000000000008","method":"GET","path":"","query":null,"#;
        for rest in [
            "",
            r#""headers":[["a b",""]],"body":""}"#,
            r#""headers":[["a","\n"]],"body":""}"#,
            r#""headers":[["a","€"]],"body":""}"#,
            r#""headers":[],"body":"@"}"#,
        ] {
            assert!(
                Parcel::from_line(&format!("{good}{rest}")).is_err(),
                "{rest}"
            );
        }
        assert!(Parcel::from_line(&format!(r#"{good}"headers":[],"body":"AA=="}}"#)).is_ok());
    }
}
