//! "Did you mean": the directive's name that is nearest to what was typed.

use super::table::{self, Contexts};

/// The nearest known name; one that is allowed in `context` wins over a nearer one that is not.
pub(super) fn nearest(typed: &str, context: Contexts) -> Option<&'static str> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let near = |row: &'static table::Row| {
        let edits = distance(&typed, row.name.as_bytes())?;
        Some((!row.contexts.meets(context), edits, row.name))
    };
    table::rows()
        .filter_map(near)
        .min()
        .map(|(_, _, name)| name)
}

/// How many single edits (insert, delete, replace, swap neighbours) lead from one to the other;
/// `None` if too many to be a slip.
fn distance(typed: &[char], name: &[u8]) -> Option<usize> {
    let limit = (name.len() / 3).clamp(1, 3);
    if typed.len().abs_diff(name.len()) > limit {
        return None;
    }
    // Three rows of the table of distances between prefixes: before last, last, current.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    for i in 1..=typed.len() {
        let mut row = vec![i];
        for j in 1..=name.len() {
            let same = |i: usize, j: usize| typed[i - 1] == char::from(name[j - 1]);
            let replaced = last[j - 1] + usize::from(!same(i, j));
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j) {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        if row.iter().min() > Some(&limit) {
            return None;
        }
        before = std::mem::replace(&mut last, row);
    }
    let edits = last[name.len()];
    (edits <= limit).then_some(edits)
}
