//! What a reply means for the name that was asked about: follows the aliases in it, keeps times in bounds.

use std::time::Duration;

use super::message::{Data, Question, Reply};
use super::{Name, Trouble};

/// Aliases of one name, over all replies; more is a loop.
pub(super) const MOST_ALIASES: usize = 16;
/// A name with more records than this has too many.
pub(super) const MOST_RECORDS: usize = 64;

/// However short the zone wants it: one busy name must not ask its server for each request.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// That a name is not there is forgotten sooner: it may be about to come.
const LONGEST_NEGATIVE: Duration = Duration::from_secs(60);

/// One reply, understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) found: Vec<Data>,
    /// The end of the chain of aliases, where the reply has no records for it.
    pub(super) alias: Option<Name>,
    /// Of the shortest-lived record on the way.
    pub(super) ttl: Option<u32>,
    pub(super) negative_ttl: Option<u32>,
}

pub(super) fn understand(question: &Question, reply: &Reply) -> Result<Said, Trouble> {
    let mut said = Said {
        found: Vec::new(),
        alias: None,
        ttl: None,
        negative_ttl: reply.negative_ttl,
    };
    match reply.code {
        0 | 3 => {}
        code => return Err(Trouble::Server(code)),
    }
    let mut name = question.name.clone();
    for _ in 0..=MOST_ALIASES {
        let mut next = None;
        for record in reply.records.iter().filter(|record| record.owner == name) {
            match &record.data {
                Data::Alias(to) => next = Some((to, record.ttl)),
                data if said.found.len() < MOST_RECORDS => {
                    said.found.push(data.clone());
                    said.lives(record.ttl);
                }
                _ => {}
            }
        }
        if !said.found.is_empty() {
            said.alias = None;
            return Ok(said);
        }
        let Some((to, ttl)) = next else {
            return Ok(said);
        };
        said.lives(ttl);
        name = to.clone();
        said.alias = Some(name.clone());
    }
    Err(Trouble::Loop)
}

impl Said {
    fn lives(&mut self, ttl: u32) {
        self.ttl = Some(self.ttl.map_or(ttl, |shortest| shortest.min(ttl)));
    }
}

/// How long an answer counts: `valid` of the configuration before what the records say.
pub(super) fn lifetime(ttl: u32, valid: Option<Duration>) -> Duration {
    let said = Duration::from_secs(u64::from(ttl)).clamp(SHORTEST, LONGEST);
    valid.unwrap_or(said)
}

/// How long it counts that there is nothing.
pub(super) fn negative_lifetime(ttl: Option<u32>, valid: Option<Duration>) -> Duration {
    let said = ttl.map_or(SHORTEST, |ttl| Duration::from_secs(u64::from(ttl)));
    let said = said.clamp(SHORTEST, LONGEST_NEGATIVE);
    valid.map_or(said, |valid| said.min(valid))
}

#[cfg(test)]
mod tests {
    use super::super::message::{Kind, Record};
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// `"a>b:60 b=127.0.0.1:30"`: an alias and an address, each with its time.
    fn said(code: u8, records: &str) -> Result<Said, Trouble> {
        let record = |word: &str| {
            let (rest, ttl) = word.rsplit_once(':').unwrap();
            let (owner, data) = match rest.split_once('>') {
                Some((owner, to)) => (owner, Data::Alias(name(to))),
                None => {
                    let (owner, ip) = rest.split_once('=').unwrap();
                    (owner, Data::Address(ip.parse().unwrap()))
                }
            };
            Record {
                owner: name(owner),
                ttl: ttl.parse().unwrap(),
                data,
            }
        };
        let question = Question {
            id: 1,
            name: name("a"),
            kind: Kind::A,
        };
        let reply = Reply {
            truncated: false,
            code,
            records: records.split_whitespace().map(record).collect(),
            negative_ttl: None,
        };
        understand(&question, &reply)
    }

    #[test]
    fn aliases_are_followed_in_any_order_and_the_shortest_time_counts() {
        for records in [
            "a=127.0.0.1:60",
            "a>b:90 b>c:60 c=127.0.0.1:70",
            "c=127.0.0.1:70 b>c:60 a>b:90",
        ] {
            let said = said(0, records).unwrap();
            assert_eq!(
                said.found,
                [Data::Address("127.0.0.1".parse().unwrap())],
                "{records}"
            );
            assert_eq!((said.ttl, said.alias), (Some(60), None), "{records}");
        }
    }

    #[test]
    fn an_address_of_somebody_else_is_not_taken() {
        let said = said(0, "a>b:60 c=127.0.0.1:60").unwrap();
        assert_eq!((said.found, said.alias), (Vec::new(), Some(name("b"))));
    }

    #[test]
    fn nothing_is_nothing_and_an_error_is_an_error() {
        for code in [0, 3] {
            let said = said(code, "").unwrap();
            assert_eq!((said.found, said.alias), (Vec::new(), None));
        }
        assert_eq!(said(2, "a=127.0.0.1:60"), Err(Trouble::Server(2)));
        assert_eq!(said(0, "a>b:60 b>a:60"), Err(Trouble::Loop));
    }

    #[test]
    fn times_are_kept_in_bounds() {
        let seconds = Duration::from_secs;
        for (ttl, valid, lives) in [
            (0, None, 1),
            (60, None, 60),
            (u32::MAX, None, 86400),
            (60, Some(5), 5),
        ] {
            assert_eq!(lifetime(ttl, valid.map(seconds)), seconds(lives), "{ttl}");
        }
        for (ttl, valid, lives) in [
            (None, None, 1),
            (Some(30), None, 30),
            (Some(900), None, 60),
            (Some(30), Some(5), 5),
        ] {
            assert_eq!(
                negative_lifetime(ttl, valid.map(seconds)),
                seconds(lives),
                "{ttl:?}"
            );
        }
    }
}
