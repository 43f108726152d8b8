//! What the parts of one page share: variables, blocks, and how many parts there may be.

use std::collections::HashMap;

/// Includes of one answer to a client, nested ones counted. A page that includes itself ends here.
const MOST_INCLUDES: u32 = 1000;
/// Bytes that variables and blocks of a page may hold together.
const MOST_BYTES: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Page {
    variables: HashMap<Vec<u8>, Vec<u8>>,
    blocks: HashMap<Vec<u8>, Vec<u8>>,
    room: usize,
    includes_left: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            variables: HashMap::new(),
            blocks: HashMap::new(),
            room: MOST_BYTES,
            includes_left: MOST_INCLUDES,
        }
    }
}

impl Page {
    pub(super) fn variable(&self, name: &[u8]) -> Option<&Vec<u8>> {
        self.variables.get(name)
    }

    pub(super) fn block(&self, name: &[u8]) -> Option<&Vec<u8>> {
        self.blocks.get(name)
    }

    /// `false` if the page holds too much already.
    pub(crate) fn set(&mut self, name: Vec<u8>, value: Vec<u8>) -> bool {
        put(&mut self.variables, &mut self.room, name, value)
    }

    pub(super) fn define(&mut self, name: Vec<u8>, text: Vec<u8>) -> bool {
        put(&mut self.blocks, &mut self.room, name, text)
    }

    /// Counts one more include; `false` if there were enough.
    pub(super) fn count_include(&mut self) -> bool {
        let left = self.includes_left.checked_sub(1);
        self.includes_left = left.unwrap_or(0);
        left.is_some()
    }
}

fn put(
    map: &mut HashMap<Vec<u8>, Vec<u8>>,
    room: &mut usize,
    name: Vec<u8>,
    value: Vec<u8>,
) -> bool {
    // An entry costs more than its bytes.
    let cost = name.len() + value.len() + 64;
    let freed = map.get(&name).map_or(0, |old| name.len() + old.len() + 64);
    match (*room + freed).checked_sub(cost) {
        Some(left) => {
            *room = left;
            map.insert(name, value);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_so_much_and_includes_so_often() {
        let mut page = Page::default();
        assert!(page.set(b"a".to_vec(), vec![0; MOST_BYTES / 2]));
        assert!(
            page.set(b"a".to_vec(), vec![1; MOST_BYTES / 2]),
            "replaced, not added"
        );
        assert!(!page.define(b"b".to_vec(), vec![0; MOST_BYTES / 2]));
        assert_eq!(page.variable(b"a").map(Vec::len), Some(MOST_BYTES / 2));
        assert!((0..MOST_INCLUDES).all(|_| page.count_include()));
        assert!(!page.count_include());
    }
}
