//! Requests from HTTP/2 to HTTP/1 and answers back (RFC 9113 section 8). hyper has refused what is malformed:
//! fields of the connection, pseudo-fields out of place, a body unlike its length.

use hyper::body::{Body, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::{Method, Request, Response, Uri, Version};

/// Fields that speak of one connection, not of the message.
const OF_CONNECTION: [HeaderName; 5] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

pub(super) fn request(request: Request<Incoming>) -> Request<Incoming> {
    let (mut parts, body) = request.into_parts();
    parts.version = Version::HTTP_11;
    let authority = parts.uri.authority().map(ToString::to_string);
    for name in OF_CONNECTION {
        parts.headers.remove(name);
    }
    // Whoever may send a body here just sends it.
    parts.headers.remove(EXPECT);
    join_cookies(&mut parts.headers);
    name_host(&mut parts.headers, authority.as_deref());
    if parts.method != Method::CONNECT {
        let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = target.parse().unwrap_or_else(|_| Uri::from_static("/"));
    }
    if !body.is_end_stream() && !parts.headers.contains_key(CONTENT_LENGTH) {
        let chunked = HeaderValue::from_static("chunked");
        parts.headers.insert(TRANSFER_ENCODING, chunked);
    }
    Request::from_parts(parts, body)
}

/// Cookies come one by one, as they compress better so (section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers
        .get_all(COOKIE)
        .iter()
        .map(|c| c.as_bytes())
        .collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// The authority is the host. A `host` that says otherwise stays beside it: the pipeline refuses
/// requests with two.
fn name_host(headers: &mut HeaderMap, authority: Option<&str>) {
    let Some(authority) = authority else { return };
    let Ok(host) = HeaderValue::from_str(authority) else {
        return;
    };
    let same = |found: &HeaderValue| found.as_bytes().eq_ignore_ascii_case(host.as_bytes());
    if headers.get_all(HOST).iter().all(same) {
        headers.insert(HOST, host);
    } else {
        headers.append(HOST, host);
    }
}

pub(super) fn answer(mut answer: Response<Incoming>) -> Response<Incoming> {
    for name in OF_CONNECTION {
        answer.headers_mut().remove(name);
    }
    *answer.version_mut() = Version::HTTP_2;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_the_host_and_two_that_differ_stay_two() {
        for (field, authority, expected) in [
            (None, Some("a.test"), vec!["a.test"]),
            (Some("A.test"), Some("a.test"), vec!["a.test"]),
            (Some("b.test"), Some("a.test"), vec!["b.test", "a.test"]),
            (Some("b.test"), None, vec!["b.test"]),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(field) = field {
                headers.insert(HOST, HeaderValue::from_static(field));
            }
            name_host(&mut headers, authority);
            assert_eq!(headers.get_all(HOST).iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn crumbs_of_cookies_become_one_field() {
        let mut headers = HeaderMap::new();
        for crumb in ["a=1", "b=2"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut headers);
        assert_eq!(
            headers.get_all(COOKIE).iter().collect::<Vec<_>>(),
            ["a=1; b=2"]
        );
    }
}
