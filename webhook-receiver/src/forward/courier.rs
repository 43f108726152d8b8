//! Carries one parcel to a target: rebuilds the request below the target's URL, sends it once, and sorts what comes
//! back into delivered, to be tried again, and the end. Body, path, query and end-to-end headers arrive as they were
//! sent, so a signature over them still fits.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, Method, header};
use bytes::{Bytes, BytesMut};
use reqwest::{Client, Url};

use super::parcel::Parcel;
use crate::target::{self, Refused, Targets};

/// Largest answer that is passed back.
const MAX_ANSWER: usize = 10 * 1024 * 1024;
/// Counts the forwarders that an event went through.
const HOPS: HeaderName = HeaderName::from_static("webhook-forward-hops");
/// A forwarder that points at its own inbox would never end.
const MAX_HOPS: u32 = 4;

/// About the connection that the sender had, or set anew for ours.
const NOT_FORWARDED: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What a target said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// How long the target asks to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self
            .headers
            .get(header::RETRY_AFTER)?
            .to_str()
            .ok()?
            .parse()
            .ok()?;
        Some(Duration::from_secs(seconds))
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Never worth another try.
    #[error("target refused: {0}")]
    Refused(#[from] Refused),
    #[error("the path leads out of the target")]
    Path,
    #[error("the method {0:?} can't be sent")]
    Method(String),
    #[error("forwarded {MAX_HOPS} times already: it goes round in a circle")]
    Circle,
    /// Worth another try.
    #[error("{0}")]
    Unreachable(String),
}

impl Failure {
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }
}

/// A target and the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Courier {
    client: Client,
    targets: Targets,
    target: Url,
    keep_url: bool,
}

impl Courier {
    /// `keep_url` sends everything to exactly the target's URL, without the parcel's path and query.
    pub(crate) fn new(
        targets: Targets,
        target: &str,
        keep_url: bool,
        answer_within: Duration,
    ) -> Result<Self, Refused> {
        Ok(Self {
            client: targets.client(answer_within),
            target: targets.check(target)?,
            targets,
            keep_url,
        })
    }

    /// One attempt.
    pub(crate) async fn carry(&self, parcel: &Parcel) -> Result<Answer, Failure> {
        let url = if self.keep_url {
            self.target.clone()
        } else {
            below(&self.target, parcel).ok_or(Failure::Path)?
        };
        let url = self.targets.check(url.as_str())?;
        let method = Method::from_bytes(parcel.method.as_bytes())
            .map_err(|_| Failure::Method(parcel.method.clone()))?;
        let headers = forwarded(&parcel.headers)?;
        let request = self
            .client
            .request(method, url)
            .headers(headers)
            .body(parcel.body.clone());
        let unreachable = |error: reqwest::Error| Failure::Unreachable(target::reason(&error));
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = whole(response).await.map_err(unreachable)?;
        let body =
            body.ok_or_else(|| Failure::Unreachable("the answer is larger than 10 MB".to_owned()))?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// The target's URL with the parcel's path behind it. A path such as `/../admin` would reach what the target's owner
/// didn't offer, so it must still lie below.
fn below(target: &Url, parcel: &Parcel) -> Option<Url> {
    let base = target.path().trim_end_matches('/');
    let mut url = target.clone();
    if !parcel.path.is_empty() {
        url.set_path(&format!("{base}{}", parcel.path));
        let inside = url.path() == base || url.path().starts_with(&format!("{base}/"));
        if !inside || dots(&parcel.path) {
            return None;
        }
    }
    match (target.query(), &parcel.query) {
        (_, None) => {}
        (None, Some(query)) => url.set_query(Some(query)),
        (Some(own), Some(query)) => url.set_query(Some(&format!("{own}&{query}"))),
    }
    Some(url)
}

/// Whether a path has a `..` segment, also in a disguise that a target might undo.
fn dots(path: &str) -> bool {
    let plain = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    plain.split(['/', '\\']).any(|segment| segment == "..")
}

fn forwarded(headers: &HeaderMap) -> Result<HeaderMap, Failure> {
    let mut left = headers.clone();
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in NOT_FORWARDED.iter().chain(&named) {
        left.remove(name);
    }
    let hops: u32 = headers
        .get(&HOPS)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    if hops >= MAX_HOPS {
        return Err(Failure::Circle);
    }
    left.insert(HOPS, (hops + 1).into());
    Ok(left)
}

/// The whole body; None if it is too large.
async fn whole(mut response: reqwest::Response) -> Result<Option<Bytes>, reqwest::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn parcel(path: &str, query: Option<&str>) -> Parcel {
        Parcel {
            sequence: 1,
            id: Uuid::nil(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    #[test]
    fn path_and_query_stand_behind_the_targets() {
        for (target, path, query, url) in [
            ("http://h", "", None, "http://h/"),
            ("http://h/hooks", "", None, "http://h/hooks"),
            (
                "http://h/hooks/",
                "/a%2Fb//c",
                Some("x=1&x=2"),
                "http://h/hooks/a%2Fb//c?x=1&x=2",
            ),
            (
                "http://h/hooks?k=1",
                "/a",
                Some("x"),
                "http://h/hooks/a?k=1&x",
            ),
            ("http://h/hooks", "/", None, "http://h/hooks/"),
            (
                "http://h",
                "/a/./b",
                Some("q=%C3%A4"),
                "http://h/a/b?q=%C3%A4",
            ),
        ] {
            let found = below(&target.parse().unwrap(), &parcel(path, query)).unwrap();
            assert_eq!(found.as_str(), url, "{target} {path}");
        }
    }

    #[test]
    fn a_path_cannot_leave_the_target() {
        for path in [
            "/..",
            "/../admin",
            "/a/../../admin",
            "/%2e%2e/admin",
            "/.%2E/admin",
            "/..%2fadmin",
            "/..\\admin",
            "/a/..%5cadmin",
        ] {
            let found = below(&"http://h/hooks".parse().unwrap(), &parcel(path, None));
            assert_eq!(found, None, "{path}");
        }
    }

    #[test]
    fn headers_about_the_connection_stay_behind() {
        let headers: HeaderMap = [
            ("host", "h"),
            ("content-length", "3"),
            ("connection", "keep-alive, X-Mine"),
            ("x-mine", "1"),
            ("transfer-encoding", "chunked"),
            ("content-type", "a/b"),
            ("x-hub-signature-256", "s"),
        ]
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect::<HeaderMap>();
        let mut left: Vec<String> = forwarded(&headers)
            .unwrap()
            .keys()
            .map(ToString::to_string)
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "content-type",
                "webhook-forward-hops",
                "x-hub-signature-256"
            ]
        );
    }

    #[test]
    fn a_circle_ends() {
        let mut headers = HeaderMap::new();
        let mut hops = 0;
        while let Ok(next) = forwarded(&headers) {
            headers = next;
            hops += 1;
            assert!(hops < 10);
        }
        assert_eq!(forwarded(&headers).unwrap_err(), Failure::Circle);
        assert_eq!(hops, MAX_HOPS);
    }
}
