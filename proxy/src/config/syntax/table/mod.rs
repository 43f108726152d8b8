//! The table of all directives of nginx 1.31 (without mail): where each may stand, how many arguments it takes, whether it
//! opens a block, and whether this proxy has it. Rows live in one file per area; a row that gets built changes its last word.

mod content;
mod core;
mod gateways;
mod http;
mod proxy;
mod stream;
mod tls;
mod upstream;

use std::collections::HashMap;
use std::sync::LazyLock;

/// A set of the places where a directive may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contexts(u16);

impl Contexts {
    pub(super) const MAIN: Self = Self(1);
    pub(super) const EVENTS: Self = Self(1 << 1);
    pub(super) const HTTP: Self = Self(1 << 2);
    pub(super) const SERVER: Self = Self(1 << 3);
    pub(super) const LOCATION: Self = Self(1 << 4);
    pub(super) const IF_SERVER: Self = Self(1 << 5);
    pub(super) const IF_LOCATION: Self = Self(1 << 6);
    pub(super) const LIMIT_EXCEPT: Self = Self(1 << 7);
    pub(super) const UPSTREAM: Self = Self(1 << 8);
    pub(super) const STREAM: Self = Self(1 << 9);
    pub(super) const STREAM_SERVER: Self = Self(1 << 10);
    pub(super) const STREAM_UPSTREAM: Self = Self(1 << 11);
    pub(super) const ANY: Self = Self((1 << 12) - 1);

    const NAMES: [&str; 12] = [
        "the top level",
        "\"events\"",
        "\"http\"",
        "\"server\"",
        "\"location\"",
        "\"if\" in \"server\"",
        "\"if\" in \"location\"",
        "\"limit_except\"",
        "\"upstream\"",
        "\"stream\"",
        "\"server\" in \"stream\"",
        "\"upstream\" in \"stream\"",
    ];

    #[cfg(test)]
    pub(super) const fn single(bit: u16) -> Self {
        Self(1 << bit)
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// For people: the places by name.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| *name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// Exactly `on` or `off`.
    Flag,
    Between(usize, usize),
    AtLeast(usize),
}

/// What stands between a directive's braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// No braces: the directive ends with `;`.
    Simple,
    Directives(Contexts),
    /// Lines of words (`map`, `types` and their like) which no table checks.
    Lines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    Once,
    Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Built,
    /// nginx has it, we do not: what it belongs to.
    Later(&'static str),
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) contexts: Contexts,
    pub(super) arity: Arity,
    pub(super) repeats: Repeats,
    pub(super) body: Body,
    pub(super) support: Support,
}

// The vocabulary of the rows: letters for contexts (M main, E events, H http, S server, L location, I if in location,
// J if in server, X limit_except, U upstream; T, TS, TU the same in stream), then arity, repetition, support.
const M: Contexts = Contexts::MAIN;
const E: Contexts = Contexts::EVENTS;
const H: Contexts = Contexts::HTTP;
const S: Contexts = Contexts::SERVER;
const L: Contexts = Contexts::LOCATION;
const I: Contexts = Contexts::IF_LOCATION;
const J: Contexts = Contexts::IF_SERVER;
const X: Contexts = Contexts::LIMIT_EXCEPT;
const U: Contexts = Contexts::UPSTREAM;
const T: Contexts = Contexts::STREAM;
const TS: Contexts = Contexts::STREAM_SERVER;
const TU: Contexts = Contexts::STREAM_UPSTREAM;
const FLAG: Arity = Arity::Flag;
const ONCE: Repeats = Repeats::Once;
const MANY: Repeats = Repeats::Many;
const BUILT: Support = Support::Built;
const H_S: Contexts = H.or(S);
const S_L: Contexts = S.or(L);
const L_I: Contexts = L.or(I);
const L_X: Contexts = L.or(X);
const L_I_X: Contexts = L_I.or(X);
const S_L_I: Contexts = S_L.or(I);
const S_L_I_J: Contexts = S_L_I.or(J);
const H_S_L: Contexts = H_S.or(L);
const H_S_L_I: Contexts = H_S_L.or(I);
const H_S_L_I_J: Contexts = H_S_L_I.or(J);
const H_S_L_I_X: Contexts = H_S_L_I.or(X);
const H_S_L_X: Contexts = H_S_L.or(X);
const T_TS: Contexts = T.or(TS);
const ANYWHERE: Contexts = Contexts::ANY;

// What is not built, by what it belongs to; a row that gets built says BUILT instead.
const BALANCING: Support = Support::Later("nginx's other ways to balance");
const CLASSES: Support = Support::Later("sorting clients into classes");
const COMPRESSION: Support = Support::Later("compression");
const COOKIES: Support = Support::Later("cookies that count users");
const DETAIL: Support = Support::Later("a rare part of nginx");
const EARLY_HINTS: Support = Support::Later("103 Early Hints");
const FASTCGI: Support = Support::Later("FastCGI");
const FILES: Support = Support::Later("listing and writing of files");
const GRPC: Support = Support::Later("gRPC");
const HTTP3: Support = Support::Later("HTTP/3 and QUIC");
const MAIL: Support = Support::Later("mail proxying");
const MEDIA: Support = Support::Later("serving of media");
const MEMCACHED: Support = Support::Later("memcached");
const OPEN_FILES: Support = Support::Later("keeping files open");
const PERL: Support = Support::Later("Perl");
const PROCESS: Support = Support::Later("control of nginx's own processes");
const REWRITING: Support = Support::Later("changing of response bodies");
const SCGI: Support = Support::Later("SCGI");
const STORE: Support = Support::Later("storing of responses as files");
const STREAM: Support = Support::Later("TCP and UDP proxying");
const TLS: Support = Support::Later("TLS");
const TUNING: Support = Support::Later("tuning of nginx's own buffers and system calls");
const TUNNEL: Support = Support::Later("CONNECT tunnels");
const UWSGI: Support = Support::Later("uWSGI");

const fn n(arguments: usize) -> Arity {
    Arity::Between(arguments, arguments)
}

const fn to(least: usize, most: usize) -> Arity {
    Arity::Between(least, most)
}

const fn more(least: usize) -> Arity {
    Arity::AtLeast(least)
}

const fn row(
    name: &'static str,
    contexts: Contexts,
    arity: Arity,
    repeats: Repeats,
    support: Support,
) -> Row {
    block(name, contexts, arity, repeats, Body::Simple, support)
}

const fn block(
    name: &'static str,
    contexts: Contexts,
    arity: Arity,
    repeats: Repeats,
    body: Body,
    support: Support,
) -> Row {
    Row {
        name,
        contexts,
        arity,
        repeats,
        body,
        support,
    }
}

/// All rows, area by area.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    [
        core::ROWS,
        http::ROWS,
        proxy::ROWS,
        upstream::ROWS,
        gateways::ROWS,
        content::ROWS,
        tls::ROWS,
        stream::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The rows of one name; several areas may use it in different contexts (`server`, `proxy_pass`).
pub(super) fn named(name: &str) -> &'static [&'static Row] {
    static BY_NAME: LazyLock<HashMap<&'static str, Vec<&'static Row>>> = LazyLock::new(|| {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows() {
            by_name.entry(row.name).or_default().push(row);
        }
        by_name
    });
    BY_NAME.get(name).map_or(&[], Vec::as_slice)
}
