//! The page and its files, without sockets.

use std::fs;

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};

use super::files::GRAPHIQL_FILES;
use super::{Files, Page};

fn asking(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.clone(), value.parse().unwrap()))
        .collect()
}

/// A folder as graphiql/collect.mjs leaves it, with other contents.
fn collection() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in GRAPHIQL_FILES {
        for (suffix, text) in [("", "plain"), (".gz", "gzip"), (".br", "brotli")] {
            fs::write(folder.path().join(format!("{name}{suffix}")), text).unwrap();
        }
    }
    folder
}

#[test]
fn each_client_gets_the_smallest_form_that_it_takes() {
    let folder = collection();
    let files = Files::graphiql(folder.path()).unwrap();
    let mut tags = Vec::new();
    for (accepted, expected) in [
        ("", None),
        ("identity", None),
        ("gzip, deflate", Some("gzip")),
        ("gzip, deflate, br, zstd", Some("br")),
        ("br;q=0, gzip;q=0.5", Some("gzip")),
        ("br;q=0.0, gzip;q=0", None),
        ("BR", Some("br")),
        ("x-br", None),
    ] {
        let headers = asking(&[(ACCEPT_ENCODING, accepted)]);
        let answer = files.answer("graphiql.js", None, &headers);
        let encoding = answer.headers().get(CONTENT_ENCODING);
        let encoding = encoding.map(|name| name.to_str().unwrap());
        assert_eq!(encoding, expected, "{accepted:?}");
        tags.push((encoding.map(str::to_owned), answer.headers()[ETAG].clone()));
    }
    tags.sort_by_key(|(encoding, _)| encoding.clone());
    tags.dedup();
    assert_eq!(tags.len(), 3, "one tag for each encoding: {tags:?}");
}

#[test]
fn a_tag_that_the_client_has_is_answered_with_304() {
    let files = Files::embedded();
    let first = files.answer("page.css", None, &HeaderMap::new());
    let tag = first.headers()[ETAG].to_str().unwrap();
    for (known, status) in [
        (tag.to_owned(), StatusCode::NOT_MODIFIED),
        (format!("\"other\", {tag}"), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
    ] {
        let answer = files.answer("page.css", None, &asking(&[(IF_NONE_MATCH, &known)]));
        assert_eq!(answer.status(), status, "{known}");
    }
}

#[test]
fn only_the_url_with_the_right_version_is_kept_forever() {
    let files = Files::embedded();
    let linked = files.with_versions(r#"<link href="/assets/page.css?v">"#);
    let version = linked
        .split("?v=")
        .nth(1)
        .unwrap()
        .trim_end_matches("\">")
        .to_owned();
    for (query, forever) in [
        (Some(format!("v={version}")), true),
        (Some("v=0000".to_owned()), false),
        (None, false),
    ] {
        let answer = files.answer("page.css", query.as_deref(), &HeaderMap::new());
        let kept = answer.headers()[CACHE_CONTROL].to_str().unwrap();
        assert_eq!(kept.contains("immutable"), forever, "{query:?}: {kept}");
    }
}

#[test]
fn a_page_links_only_to_files_that_are_there_and_to_nobody_else() {
    let folder = collection();
    let page = Page::load(Some(folder.path())).unwrap();
    for (html, explorer) in [
        (page.plain.text(), false),
        (page.graphiql.as_ref().unwrap().text(), true),
    ] {
        assert_eq!(html.contains("/graphiql/graphiql.js?v="), explorer);
        let links = html.split(['"', '\'']).filter(|part| part.contains("?v"));
        for link in links {
            assert!(link.contains("?v="), "{link} is in no folder");
        }
        assert!(!html.contains("src=\"http"), "a script from elsewhere");
        assert!(!html.contains("<script>"), "an inline script");
    }
}

#[test]
fn a_folder_without_all_files_says_which_one_is_missing() {
    let folder = collection();
    fs::remove_file(folder.path().join("react-dom.js")).unwrap();
    let error = Page::load(Some(folder.path())).err().unwrap();
    assert!(error.to_string().contains("react-dom.js"), "{error}");
    assert!(Page::load(None).unwrap().graphiql.is_none());
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_no_name() {
    let folder = collection();
    let files = Files::graphiql(folder.path()).unwrap();
    for name in ["../Cargo.toml", "..", "", "graphiql.js.br", "%2e%2e"] {
        let answer = files.answer(name, None, &HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name:?}");
    }
}
