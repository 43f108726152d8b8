//! The top level and `events`: processes, logging, the event loop, and the doors to `http` and `stream`.

use super::{
    ANYWHERE, BUILT, Body, E, FLAG, H, HTTP3, M, MAIL, MANY, ONCE, PROCESS, Row, TLS, TUNING,
    block, more, n, row, to,
};

pub(super) const ROWS: &[Row] = &[
    // nginx
    row("daemon", M, FLAG, ONCE, BUILT),
    row("master_process", M, FLAG, ONCE, BUILT),
    row("timer_resolution", M, n(1), ONCE, PROCESS),
    row("pid", M, n(1), ONCE, BUILT),
    row("lock_file", M, n(1), ONCE, PROCESS),
    row("worker_processes", M, n(1), ONCE, BUILT),
    row("debug_points", M, n(1), ONCE, PROCESS),
    row("user", M, to(1, 2), ONCE, BUILT),
    row("worker_priority", M, n(1), ONCE, PROCESS),
    row("worker_cpu_affinity", M, more(1), ONCE, PROCESS),
    row("worker_rlimit_nofile", M, n(1), ONCE, BUILT),
    row("worker_rlimit_core", M, n(1), ONCE, PROCESS),
    row("worker_shutdown_timeout", M, n(1), ONCE, BUILT),
    row("working_directory", M, n(1), ONCE, PROCESS),
    row("env", M, n(1), MANY, BUILT),
    row("load_module", M, n(1), MANY, PROCESS),
    // conf_file
    row("include", ANYWHERE, n(1), MANY, BUILT),
    // log
    row("error_log", M, more(1), MANY, BUILT),
    // regex
    row("pcre_jit", M, FLAG, ONCE, PROCESS),
    // thread_pool
    row("thread_pool", M, to(2, 3), MANY, TUNING),
    // devpoll_module
    row("devpoll_changes", E, n(1), ONCE, TUNING),
    row("devpoll_events", E, n(1), ONCE, TUNING),
    // epoll_module
    row("epoll_events", E, n(1), ONCE, TUNING),
    row("worker_aio_requests", E, n(1), ONCE, TUNING),
    // eventport_module
    row("eventport_events", E, n(1), ONCE, TUNING),
    // kqueue_module
    row("kqueue_changes", E, n(1), ONCE, TUNING),
    row("kqueue_events", E, n(1), ONCE, TUNING),
    // event
    block("events", M, n(0), ONCE, Body::Directives(E), BUILT),
    row("worker_connections", E, n(1), ONCE, BUILT),
    row("use", E, n(1), ONCE, BUILT),
    row("multi_accept", E, FLAG, ONCE, BUILT),
    row("accept_mutex", E, FLAG, ONCE, BUILT),
    row("accept_mutex_delay", E, n(1), ONCE, BUILT),
    row("debug_connection", E, n(1), MANY, BUILT),
    // event_openssl
    row("ssl_engine", M, n(1), ONCE, TLS),
    // event_openssl_cache
    row("ssl_object_cache_inheritable", M, FLAG, ONCE, TLS),
    // event_quic_bpf
    row("quic_bpf", M, FLAG, ONCE, HTTP3),
    // http
    block("http", M, n(0), ONCE, Body::Directives(H), BUILT),
    // google_perftools_module
    row("google_perftools_profiles", M, n(1), ONCE, PROCESS),
    // mail
    block("mail", M, n(0), ONCE, Body::Lines, MAIL),
];
