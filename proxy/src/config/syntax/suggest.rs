//! "Did you mean": the directive's name that is nearest to what was typed.

use super::table::{self, Contexts};

/// The nearest known name; one that is allowed in `context` wins over a nearer one that is not.
pub(super) fn nearest(typed: &str, context: Contexts) -> Option<&'static str> {
    let near = |row: &'static table::Row| {
        let edits = distance(typed, row.name)?;
        Some((!row.contexts.meets(context), edits, row.name))
    };
    table::rows()
        .filter_map(near)
        .min()
        .map(|(_, _, name)| name)
}

/// How many single edits (insert, delete, replace, swap neighbours) lead from one to the other; `None` if too many to be a slip.
fn distance(typed: &str, name: &str) -> Option<usize> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let name: Vec<char> = name.chars().collect();
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
            let replaced = last[j - 1] + usize::from(typed[i - 1] != name[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && typed[i - 1] == name[j - 2] && typed[i - 2] == name[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    let edits = last[name.len()];
    (edits <= limit).then_some(edits)
}
