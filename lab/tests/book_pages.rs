//! The pages of the book are whole: every included piece of code is there, every link leads somewhere, and
//! nothing is loaded from another origin.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// What stands between `before` and the next `after`, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let parts = text.split(before).skip(1);
    parts
        .filter_map(|part| part.split_once(after).map(|(found, _)| found))
        .collect()
}

/// `a/b/../c` as `a/c`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

struct Page {
    path: PathBuf,
    html: String,
}

fn pages(folder: &Path) -> Vec<Page> {
    let html = files(folder)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|kind| kind == "html"));
    html.map(|path| Page {
        html: fs::read_to_string(&path).unwrap(),
        path,
    })
    .collect()
}

/// `page: fault`, for each code block without code, foreign file and link to nowhere.
fn faults(folder: &Path) -> Vec<String> {
    let pages = pages(folder);
    let ids: BTreeMap<&Path, BTreeSet<&str>> = pages
        .iter()
        .map(|page| {
            (
                page.path.as_path(),
                between(&page.html, " id=\"", "\"").into_iter().collect(),
            )
        })
        .collect();
    let mut faults = Vec::new();
    for Page { path, html } in &pages {
        let mut fault = |what: String| {
            faults.push(format!(
                "{}: {what}",
                path.strip_prefix(folder).unwrap().display()
            ));
        };
        for code in between(html, "<pre><code class=\"language-", "</code>") {
            if code
                .split_once('>')
                .is_none_or(|(_, code)| code.trim().is_empty())
            {
                fault("an empty code block: is the ANCHOR that it includes still there?".into());
            }
        }
        for source in between(html, " src=\"", "\"") {
            if source.contains("//") {
                fault(format!("loads {source}"));
            }
        }
        for link in between(html, "<a href=\"", "\"") {
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                plain(&path.parent().unwrap().join(file))
            };
            let known = ids.get(target.as_path());
            if !target.exists()
                || (!place.is_empty() && known.is_some_and(|ids| !ids.contains(place)))
            {
                fault(format!("links to nowhere: {link}"));
            }
        }
    }
    faults
}

#[test]
fn every_page_is_whole() {
    let book = tempfile::tempdir().unwrap();
    lab::book::build(root(), book.path()).unwrap();
    let found = faults(book.path());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn faults_are_found() {
    let book = tempfile::tempdir().unwrap();
    let page = "<a href=\"b.html\"></a><a href=\"#x\"></a><script src=\"https://a/b.js\"></script>\
                <pre><code class=\"language-rust\">\n</code></pre>";
    fs::write(book.path().join("a.html"), page).unwrap();
    assert_eq!(faults(book.path()).len(), 4);
}
