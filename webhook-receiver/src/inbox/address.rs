//! Reads an address: whose inbox, what path behind it, and which status it asks for. `/<token>/...` and
//! `<token>.<any host>/...` are the same address.

use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Request, header};
use uuid::Uuid;

/// The first part of the path, and the rest as it was sent.
pub(crate) fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('/') {
        Some(slash) => path.split_at(slash),
        None => (path, ""),
    }
}

/// The status that `/<token>/404` asks for: exactly three digits, as a whole part, and one that may end an exchange
/// (1xx only begins one).
pub(crate) fn status(rest: &str) -> Option<u16> {
    let part = rest.strip_prefix('/')?.split('/').next()?;
    let digits = part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let status: u16 = part.parse().ok().filter(|_| digits)?;
    (200..=599).contains(&status).then_some(status)
}

/// Turns `http://<token>.localhost/a` into `/<token>/a` before any route is looked for, so that such a host is all
/// inbox. Only ids count: an alias might be the name of a real host.
pub(crate) fn unfold_host<B>(mut request: Request<B>) -> Request<B> {
    let host = request.headers().get(header::HOST);
    let label = host.and_then(|host| host.to_str().ok()?.split_once('.'));
    let Some(token) = label.and_then(|(label, _)| hyphenated(label)) else {
        return request;
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", PathAndQuery::as_str);
    let slash = if target.starts_with('/') { "" } else { "/" };
    if let Ok(unfolded) = format!("/{token}{slash}{target}").parse::<Uri>() {
        *request.uri_mut() = unfolded;
    }
    request
}

/// A token id in its usual spelling; letters of either case, as DNS has it.
pub(crate) fn hyphenated(label: &str) -> Option<Uuid> {
    Uuid::try_parse(label).ok().filter(|_| label.len() == 36)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_whole_part_of_three_digits() {
        for (rest, expected) in [
            ("/404", Some(404)),
            ("/201/a/b", Some(201)),
            ("/599", Some(599)),
            ("/abc404", None),
            ("/4040", None),
            ("/a/404", None),
            ("/100", None),
            ("/600", None),
            ("/+20", None),
            ("404", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(status(rest), expected, "{rest}");
        }
    }

    #[test]
    fn the_path_is_cut_behind_the_token_and_kept_as_sent() {
        assert_eq!(split("/tok"), ("tok", ""));
        assert_eq!(split("/tok/"), ("tok", "/"));
        assert_eq!(split("/tok//a%2Fb/../c"), ("tok", "//a%2Fb/../c"));
        assert_eq!(split("*"), ("*", ""));
    }

    #[test]
    fn a_token_as_the_first_label_of_the_host_is_an_address_too() {
        let id = "7bfa1c6e-5bd1-4ac1-8f8c-3f1c2d4e5f60";
        for (host, target, expected) in [
            (
                format!("{id}.localhost:8004"),
                "/a?x=1",
                format!("/{id}/a?x=1"),
            ),
            (
                format!("{}.localhost", id.to_uppercase()),
                "/token",
                format!("/{id}/token"),
            ),
            ("localhost:8004".to_owned(), "/a", "/a".to_owned()),
            ("abc.localhost".to_owned(), "/a", "/a".to_owned()),
            (id.to_owned(), "/a", "/a".to_owned()),
        ] {
            let request = Request::get(target).header("host", host).body(()).unwrap();
            assert_eq!(unfold_host(request).uri(), expected.as_str());
        }
    }
}
