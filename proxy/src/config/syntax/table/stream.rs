//! `stream`: TCP and UDP.

use super::{
    Body, FLAG, M, MANY, ONCE, OPEN_FILES, Row, STREAM, T, T_TS, TS, TU, TUNING, block, more, n,
    row, to,
};

pub(super) const ROWS: &[Row] = &[
    // stream
    block("stream", M, n(0), ONCE, Body::Directives(T), STREAM),
    // stream_access_module
    row("allow", T_TS, n(1), MANY, STREAM),
    row("deny", T_TS, n(1), MANY, STREAM),
    // stream_core_module
    row("variables_hash_max_size", T, n(1), ONCE, STREAM),
    row("variables_hash_bucket_size", T, n(1), ONCE, STREAM),
    row("server_names_hash_max_size", T, n(1), ONCE, STREAM),
    row("server_names_hash_bucket_size", T, n(1), ONCE, STREAM),
    block("server", T, n(0), MANY, Body::Directives(TS), STREAM),
    row("listen", TS, more(1), MANY, STREAM),
    row("server_name", TS, more(1), MANY, STREAM),
    row("error_log", T_TS, more(1), MANY, STREAM),
    row("resolver", T_TS, more(1), ONCE, STREAM),
    row("resolver_timeout", T_TS, n(1), ONCE, STREAM),
    row("proxy_protocol_timeout", T_TS, n(1), ONCE, STREAM),
    row("tcp_nodelay", T_TS, FLAG, ONCE, STREAM),
    row("preread_buffer_size", T_TS, n(1), ONCE, STREAM),
    row("preread_timeout", T_TS, n(1), ONCE, STREAM),
    // stream_geo_module
    block("geo", T, to(1, 2), MANY, Body::Lines, STREAM),
    // stream_geoip_module
    row("geoip_country", T, to(1, 2), ONCE, STREAM),
    row("geoip_org", T, to(1, 2), ONCE, STREAM),
    row("geoip_city", T, to(1, 2), ONCE, STREAM),
    // stream_limit_conn_module
    row("limit_conn_zone", T, n(2), MANY, STREAM),
    row("limit_conn", T_TS, n(2), MANY, STREAM),
    row("limit_conn_log_level", T_TS, n(1), ONCE, STREAM),
    row("limit_conn_dry_run", T_TS, FLAG, ONCE, STREAM),
    // stream_log_module
    row("log_format", T, more(2), MANY, STREAM),
    row("access_log", T_TS, more(1), MANY, STREAM),
    row("open_log_file_cache", T_TS, to(1, 4), ONCE, OPEN_FILES),
    // stream_map_module
    block("map", T, n(2), MANY, Body::Lines, STREAM),
    row("map_hash_max_size", T, n(1), ONCE, STREAM),
    row("map_hash_bucket_size", T, n(1), ONCE, STREAM),
    // stream_pass_module
    row("pass", TS, n(1), ONCE, STREAM),
    // stream_proxy_module
    row("proxy_pass", TS, n(1), ONCE, STREAM),
    row("proxy_bind", T_TS, to(1, 2), ONCE, STREAM),
    row("proxy_socket_keepalive", T_TS, FLAG, ONCE, STREAM),
    row("proxy_socket_rcvbuf", T_TS, n(1), ONCE, TUNING),
    row("proxy_socket_sndbuf", T_TS, n(1), ONCE, TUNING),
    row("proxy_connect_timeout", T_TS, n(1), ONCE, STREAM),
    row("proxy_timeout", T_TS, n(1), ONCE, STREAM),
    row("proxy_buffer_size", T_TS, n(1), ONCE, STREAM),
    row("proxy_downstream_buffer", T_TS, n(1), ONCE, STREAM),
    row("proxy_upstream_buffer", T_TS, n(1), ONCE, STREAM),
    row("proxy_upload_rate", T_TS, n(1), ONCE, STREAM),
    row("proxy_download_rate", T_TS, n(1), ONCE, STREAM),
    row("proxy_requests", T_TS, n(1), ONCE, STREAM),
    row("proxy_responses", T_TS, n(1), ONCE, STREAM),
    row("proxy_next_upstream", T_TS, FLAG, ONCE, STREAM),
    row("proxy_next_upstream_tries", T_TS, n(1), ONCE, STREAM),
    row("proxy_next_upstream_timeout", T_TS, n(1), ONCE, STREAM),
    row("proxy_protocol", T_TS, n(1), ONCE, STREAM),
    row("proxy_half_close", T_TS, FLAG, ONCE, STREAM),
    row("proxy_ssl", T_TS, FLAG, ONCE, STREAM),
    row("proxy_ssl_session_reuse", T_TS, FLAG, ONCE, STREAM),
    row("proxy_ssl_protocols", T_TS, more(1), MANY, STREAM),
    row("proxy_ssl_ciphers", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_name", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_server_name", T_TS, FLAG, ONCE, STREAM),
    row("proxy_ssl_alpn", T_TS, more(1), ONCE, STREAM),
    row("proxy_ssl_verify", T_TS, FLAG, ONCE, STREAM),
    row("proxy_ssl_verify_depth", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_trusted_certificate", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_crl", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_certificate", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_certificate_key", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_certificate_cache", T_TS, to(1, 3), ONCE, STREAM),
    row("proxy_ssl_password_file", T_TS, n(1), ONCE, STREAM),
    row("proxy_ssl_conf_command", T_TS, n(2), MANY, STREAM),
    // stream_realip_module
    row("set_real_ip_from", T_TS, n(1), MANY, STREAM),
    // stream_return_module
    row("return", TS, n(1), ONCE, STREAM),
    // stream_set_module
    row("set", TS, n(2), MANY, STREAM),
    // stream_split_clients_module
    block("split_clients", T, n(2), MANY, Body::Lines, STREAM),
    // stream_ssl_module
    row("ssl_handshake_timeout", T_TS, n(1), ONCE, STREAM),
    row("ssl_certificate", T_TS, n(1), MANY, STREAM),
    row("ssl_certificate_key", T_TS, n(1), MANY, STREAM),
    row("ssl_certificate_cache", T_TS, to(1, 3), ONCE, STREAM),
    row("ssl_ech_file", T_TS, n(1), MANY, STREAM),
    row("ssl_password_file", T_TS, n(1), ONCE, STREAM),
    row("ssl_certificate_compression", T_TS, FLAG, ONCE, STREAM),
    row("ssl_dhparam", T_TS, n(1), ONCE, STREAM),
    row("ssl_ecdh_curve", T_TS, n(1), ONCE, STREAM),
    row("ssl_protocols", T_TS, more(1), MANY, STREAM),
    row("ssl_ciphers", T_TS, n(1), ONCE, STREAM),
    row("ssl_verify_client", T_TS, n(1), ONCE, STREAM),
    row("ssl_verify_depth", T_TS, n(1), ONCE, STREAM),
    row("ssl_client_certificate", T_TS, n(1), ONCE, STREAM),
    row("ssl_trusted_certificate", T_TS, n(1), ONCE, STREAM),
    row("ssl_prefer_server_ciphers", T_TS, FLAG, ONCE, STREAM),
    row("ssl_session_cache", T_TS, to(1, 2), MANY, STREAM),
    row("ssl_session_tickets", T_TS, FLAG, ONCE, STREAM),
    row("ssl_session_ticket_key", T_TS, n(1), MANY, STREAM),
    row("ssl_session_timeout", T_TS, n(1), ONCE, STREAM),
    row("ssl_crl", T_TS, n(1), ONCE, STREAM),
    row("ssl_ocsp", T_TS, n(1), ONCE, STREAM),
    row("ssl_ocsp_responder", T_TS, n(1), ONCE, STREAM),
    row("ssl_ocsp_cache", T_TS, n(1), ONCE, STREAM),
    row("ssl_stapling", T_TS, FLAG, ONCE, STREAM),
    row("ssl_stapling_file", T_TS, n(1), ONCE, STREAM),
    row("ssl_stapling_responder", T_TS, n(1), ONCE, STREAM),
    row("ssl_stapling_verify", T_TS, FLAG, ONCE, STREAM),
    row("ssl_conf_command", T_TS, n(2), MANY, STREAM),
    row("ssl_reject_handshake", T_TS, FLAG, ONCE, STREAM),
    row("ssl_alpn", T_TS, more(1), ONCE, STREAM),
    // stream_ssl_preread_module
    row("ssl_preread", T_TS, FLAG, ONCE, STREAM),
    // stream_upstream
    block("upstream", T, n(1), MANY, Body::Directives(TU), STREAM),
    row("server", TU, more(1), MANY, STREAM),
    row("resolver", TU, more(1), ONCE, STREAM),
    row("resolver_timeout", TU, n(1), ONCE, STREAM),
    // stream_upstream_hash_module
    row("hash", TU, to(1, 2), MANY, STREAM),
    // stream_upstream_least_conn_module
    row("least_conn", TU, n(0), MANY, STREAM),
    // stream_upstream_least_time_module
    row("least_time", TU, to(1, 2), ONCE, STREAM),
    // stream_upstream_random_module
    row("random", TU, to(0, 2), MANY, STREAM),
    // stream_upstream_zone_module
    row("zone", TU, to(1, 2), MANY, STREAM),
];
