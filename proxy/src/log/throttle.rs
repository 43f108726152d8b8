//! A flood must not fill the disk by way of the error log. Takes the kind of a message and the second it comes in,
//! decides whether it is written; of what is left out, the number is written.
//!
//! Each worker counts for itself, and each kind for itself: ten thousand refusals hide no broken peer.

use std::cell::RefCell;

use crate::clock;
use crate::config::{ErrorLog, Level};

/// Messages of one kind in one second.
const MOST: u32 = 100;
/// Kinds that are told apart; text that comes from outside is no part of one.
const KINDS: usize = 64;

#[derive(Debug)]
struct Kind {
    name: Box<str>,
    log: ErrorLog,
    level: Level,
    second: u64,
    seen: u32,
}

#[derive(Debug, Default)]
struct Throttle {
    kinds: Vec<Kind>,
}

thread_local! {
    static THROTTLE: RefCell<Throttle> = RefCell::default();
}

/// Whether this message is written.
pub(super) fn admits(log: &ErrorLog, level: Level, text: &str) -> bool {
    // Who asks for these wants all of them.
    if level == Level::Debug {
        return true;
    }
    THROTTLE.with_borrow_mut(|throttle| throttle.admits(log, level, text, second()))
}

/// Writes how many were left out in seconds that are over; a worker calls it once a second.
pub(crate) fn tell_left_out() {
    let now = second();
    let over = THROTTLE.with_borrow_mut(|throttle| throttle.over(now));
    for Kind {
        name,
        log,
        level,
        seen,
        ..
    } in over.into_iter().filter(|kind| kind.seen > MOST)
    {
        let text = format!(
            "{} more messages like \"{name}\" in one second were left out",
            seen - MOST
        );
        super::error::write(&log, level, &text);
    }
}

fn second() -> u64 {
    clock::since_epoch().as_secs()
}

impl Throttle {
    fn admits(&mut self, log: &ErrorLog, level: Level, text: &str, second: u64) -> bool {
        let name = kind_of(text);
        let known = self
            .kinds
            .iter_mut()
            .find(|kind| *kind.name == *name && kind.log.is_same(log));
        if let Some(kind) = known {
            // What was left out before is told by the one who asks for it.
            if kind.second != second && kind.seen <= MOST {
                (kind.second, kind.seen) = (second, 0);
            }
            kind.seen += 1;
            return kind.seen <= MOST;
        }
        if self.kinds.len() == KINDS {
            let quiet = self.kinds.iter().position(|kind| kind.seen <= MOST);
            let Some(quiet) = quiet else { return false };
            self.kinds.swap_remove(quiet);
        }
        self.kinds.push(Kind {
            name: name.into(),
            log: log.clone(),
            level,
            second,
            seen: 1,
        });
        true
    }

    /// Takes the kinds whose second is over.
    fn over(&mut self, now: u64) -> Vec<Kind> {
        self.kinds
            .extract_if(.., |kind| kind.second != now)
            .collect()
    }
}

/// The words of a message before anything that differs from one to the next.
fn kind_of(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && !matches!(c, ' ' | '_' | '(' | ')'));
    text[..end.unwrap_or(text.len())].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_the_words_before_what_differs() {
        for (text, kind) in [
            (
                "limiting requests, excess: 20.5 by zone \"one\"",
                "limiting requests",
            ),
            ("access forbidden by rule", "access forbidden by rule"),
            ("user \"bob\" was not found in \"users\"", "user"),
            ("open() \"/var/x\" failed", "open()"),
            ("", ""),
        ] {
            assert_eq!(kind_of(text), kind);
        }
    }

    #[test]
    fn each_kind_has_its_own_hundred_a_second_and_the_rest_is_counted() {
        let (mut throttle, log) = (Throttle::default(), ErrorLog::default());
        let mut say = |text: &str, second| throttle.admits(&log, Level::Error, text, second);
        let written = (0..5000)
            .filter(|_| say("limiting requests, excess: 1", 7))
            .count();
        assert_eq!(written, 100);
        assert!(say("connect() failed", 7));
        assert!(!say("limiting requests, excess: 2", 8));
        let over = throttle.over(8);
        let counts: Vec<_> = over.iter().map(|kind| (&*kind.name, kind.seen)).collect();
        assert_eq!(
            counts,
            [("limiting requests", 5001), ("connect() failed", 1)]
        );
        assert!(throttle.admits(&log, Level::Error, "limiting requests", 8));
    }

    #[test]
    fn kinds_that_are_quiet_make_room() {
        let (mut throttle, log) = (Throttle::default(), ErrorLog::default());
        let names: Vec<String> = (0..KINDS * 2).map(|n| "x".repeat(n + 1)).collect();
        assert!(
            names
                .iter()
                .all(|name| throttle.admits(&log, Level::Error, name, 1))
        );
        assert_eq!(throttle.kinds.len(), KINDS);
    }
}
