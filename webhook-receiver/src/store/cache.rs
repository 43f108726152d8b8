//! Tokens that were read lately: every event needs its token, which seldom changes. Any change empties the cache; a
//! token that was read before the change and arrives after it is not taken in.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Token;

/// At this many names the cache starts over.
const MOST: usize = 10_000;

/// When a miss was noticed; [`TokenCache::put`] takes nothing from before the last change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen(u64);

#[derive(Debug, Default)]
pub(super) struct TokenCache {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    changes: u64,
    tokens: HashMap<String, Arc<Token>>,
}

impl TokenCache {
    pub(super) fn get(&self, name: &str) -> Result<Arc<Token>, Seen> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.tokens.get(name).cloned().ok_or(Seen(state.changes))
    }

    pub(super) fn put(&self, name: String, token: Arc<Token>, seen: Seen) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.changes != seen.0 {
            return;
        }
        if state.tokens.len() >= MOST {
            state.tokens.clear();
        }
        state.tokens.insert(name, token);
    }

    pub(super) fn clear(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.changes += 1;
        state.tokens.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_read_before_a_change_is_not_taken_in_after_it() {
        let cache = TokenCache::default();
        let seen = cache.get("a").unwrap_err();
        cache.clear();
        cache.put("a".to_owned(), Arc::default(), seen);
        let seen = cache.get("a").unwrap_err();
        cache.put("a".to_owned(), Arc::default(), seen);
        assert!(cache.get("a").is_ok());
    }
}
