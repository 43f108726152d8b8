//! `upstream`: peers, the methods that pick one of them, idle connections.

use super::{BALANCING, BUILT, Body, H, L, MANY, ONCE, Row, U, block, more, n, row, to};

pub(super) const ROWS: &[Row] = &[
    // http_upstream_hash_module
    row("hash", U, to(1, 2), MANY, BUILT),
    // http_upstream_hc_module, which nginx sells
    row("health_check", L, more(0), MANY, BUILT),
    block("match", H, n(1), MANY, Body::Lines, BUILT),
    // http_upstream_ip_hash_module
    row("ip_hash", U, n(0), MANY, BUILT),
    // http_upstream_keepalive_module
    row("keepalive", U, to(1, 2), ONCE, BUILT),
    row("keepalive_time", U, n(1), ONCE, BUILT),
    row("keepalive_timeout", U, n(1), ONCE, BUILT),
    row("keepalive_requests", U, n(1), ONCE, BUILT),
    // http_upstream_least_conn_module
    row("least_conn", U, n(0), MANY, BUILT),
    // http_upstream_least_time_module
    row("least_time", U, to(1, 2), ONCE, BUILT),
    // http_upstream_random_module
    row("random", U, to(0, 2), MANY, BUILT),
    // http_upstream_sticky_module
    row("sticky", U, more(2), ONCE, BUILT),
    // http_upstream_zone_module
    row("zone", U, to(1, 2), MANY, BUILT),
    // http_upstream
    block("upstream", H, n(1), MANY, Body::Directives(U), BUILT),
    row("server", U, more(1), MANY, BUILT),
    row("queue", U, to(1, 2), ONCE, BUILT),
    row("state", U, n(1), ONCE, BALANCING),
    row("resolver", U, more(1), ONCE, BUILT),
    row("resolver_timeout", U, n(1), ONCE, BUILT),
];
