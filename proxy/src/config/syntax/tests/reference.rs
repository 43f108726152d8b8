//! The book's reference of directives and the table say the same.

use std::collections::{BTreeMap, BTreeSet};

use super::super::table::{self, Contexts, Support};

const PAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/src/reference/directives.md"
);

/// The book's letters for contexts, as its page explains them.
const LETTERS: [(&str, Contexts); 9] = [
    ("m", Contexts::MAIN),
    ("e", Contexts::EVENTS),
    ("h", Contexts::HTTP),
    ("s", Contexts::SERVER),
    ("l", Contexts::LOCATION),
    ("i", Contexts::IF_LOCATION),
    ("j", Contexts::IF_SERVER),
    ("x", Contexts::LIMIT_EXCEPT),
    ("u", Contexts::UPSTREAM),
];

/// The words between backquotes.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Contexts by name, from the rows of the page's tables (`| names | contexts | …`).
fn documented(page: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut documented: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').collect();
        for name in names(cells[1]) {
            documented
                .entry(name)
                .or_default()
                .extend(cells[2].split_whitespace());
        }
    }
    documented
}

fn built() -> impl Iterator<Item = &'static table::Row> {
    table::rows().filter(|row| row.support == Support::Built)
}

#[test]
fn the_reference_names_what_is_built_and_nothing_else() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (with_effect, rest) = page.split_once("## Accepted, and without effect").unwrap();
    let (no_effect, _) = rest.split_once("\n## ").unwrap();
    let in_book: BTreeSet<_> = documented(with_effect)
        .into_keys()
        .chain(names(no_effect))
        .collect();
    let in_table: BTreeSet<_> = built().map(|row| row.name).collect();
    let missing: Vec<_> = in_table.difference(&in_book).collect();
    let unknown: Vec<_> = in_book.difference(&in_table).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "to write: {missing:?}, to remove: {unknown:?}"
    );
}

#[test]
fn the_reference_says_where_a_directive_may_stand() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (page, _) = page.split_once("## Accepted, and without effect").unwrap();
    for (name, in_book) in documented(page) {
        let rows: Vec<_> = built().filter(|row| row.name == name).collect();
        let may_stand = |context| rows.iter().any(|row| row.contexts.meets(context));
        let in_table: BTreeSet<_> = LETTERS
            .iter()
            .filter(|(_, context)| may_stand(*context))
            .map(|(letter, _)| *letter)
            .collect();
        let agrees = in_book == in_table || in_book.contains("anywhere");
        assert!(agrees, "{name}: book {in_book:?}, table {in_table:?}");
    }
}
