//! What makes or changes response bodies: compression, SSI, substitution, listings, media.

use super::{
    BUILT, Body, COMPRESSION, COOKIES, FILES, FLAG, H, H_S_L, H_S_L_I, L, L_X, MANY, MEDIA, ONCE,
    PERL, REWRITING, Row, block, more, n, row, to,
};

pub(super) const ROWS: &[Row] = &[
    // http_addition_filter_module
    row("add_before_body", H_S_L, n(1), ONCE, BUILT),
    row("add_after_body", H_S_L, n(1), ONCE, BUILT),
    row("addition_types", H_S_L, more(1), MANY, BUILT),
    // http_autoindex_module
    row("autoindex", H_S_L, FLAG, ONCE, BUILT),
    row("autoindex_format", H_S_L, n(1), ONCE, BUILT),
    row("autoindex_localtime", H_S_L, FLAG, ONCE, BUILT),
    row("autoindex_exact_size", H_S_L, FLAG, ONCE, BUILT),
    // http_charset_filter_module
    row("charset", H_S_L_I, n(1), ONCE, BUILT),
    row("source_charset", H_S_L_I, n(1), ONCE, BUILT),
    row("override_charset", H_S_L_I, FLAG, ONCE, BUILT),
    row("charset_types", H_S_L, more(1), MANY, BUILT),
    block("charset_map", H, n(2), MANY, Body::Lines, BUILT),
    // http_dav_module
    row("dav_methods", H_S_L, more(1), MANY, FILES),
    row("create_full_put_path", H_S_L, FLAG, ONCE, FILES),
    row("min_delete_depth", H_S_L, n(1), ONCE, FILES),
    row("dav_access", H_S_L, to(1, 3), ONCE, FILES),
    // http_empty_gif_module
    row("empty_gif", L, n(0), MANY, MEDIA),
    // http_flv_module
    row("flv", L, n(0), MANY, MEDIA),
    // http_gunzip_filter_module
    row("gunzip", H_S_L, FLAG, ONCE, BUILT),
    row("gunzip_buffers", H_S_L, n(2), ONCE, BUILT),
    // http_gzip_filter_module
    row("gzip", H_S_L_I, FLAG, ONCE, BUILT),
    row("gzip_buffers", H_S_L, n(2), ONCE, BUILT),
    row("gzip_types", H_S_L, more(1), MANY, BUILT),
    row("gzip_comp_level", H_S_L, n(1), ONCE, BUILT),
    row("gzip_window", H_S_L, n(1), ONCE, COMPRESSION),
    row("gzip_hash", H_S_L, n(1), ONCE, COMPRESSION),
    row("postpone_gzipping", H_S_L, n(1), ONCE, COMPRESSION),
    row("gzip_no_buffer", H_S_L, FLAG, ONCE, COMPRESSION),
    row("gzip_min_length", H_S_L, n(1), ONCE, BUILT),
    // http_gzip_static_module
    row("gzip_static", H_S_L, n(1), ONCE, BUILT),
    // http_image_filter_module
    row("image_filter", L, to(1, 3), MANY, MEDIA),
    row("image_filter_jpeg_quality", H_S_L, n(1), MANY, MEDIA),
    row("image_filter_webp_quality", H_S_L, n(1), MANY, MEDIA),
    row("image_filter_sharpen", H_S_L, n(1), MANY, MEDIA),
    row("image_filter_transparency", H_S_L, FLAG, ONCE, MEDIA),
    row("image_filter_interlace", H_S_L, FLAG, ONCE, MEDIA),
    row("image_filter_buffer", H_S_L, n(1), ONCE, MEDIA),
    // http_mirror_module
    row("mirror", H_S_L, n(1), MANY, BUILT),
    row("mirror_request_body", H_S_L, FLAG, ONCE, BUILT),
    // http_mp4_module
    row("mp4", L, n(0), MANY, MEDIA),
    row("mp4_buffer_size", H_S_L, n(1), ONCE, MEDIA),
    row("mp4_max_buffer_size", H_S_L, n(1), ONCE, MEDIA),
    row("mp4_start_key_frame", H_S_L, FLAG, ONCE, MEDIA),
    // http_random_index_module
    row("random_index", L, FLAG, ONCE, FILES),
    // http_slice_filter_module
    row("slice", H_S_L, n(1), ONCE, BUILT),
    // http_ssi_filter_module
    row("ssi", H_S_L_I, FLAG, ONCE, BUILT),
    row("ssi_silent_errors", H_S_L, FLAG, ONCE, BUILT),
    row("ssi_ignore_recycled_buffers", H_S_L, FLAG, ONCE, REWRITING),
    row("ssi_min_file_chunk", H_S_L, n(1), ONCE, BUILT),
    row("ssi_value_length", H_S_L, n(1), ONCE, BUILT),
    row("ssi_types", H_S_L, more(1), MANY, BUILT),
    row("ssi_last_modified", H_S_L, FLAG, ONCE, BUILT),
    // http_sub_filter_module
    row("sub_filter", H_S_L, n(2), MANY, BUILT),
    row("sub_filter_types", H_S_L, more(1), MANY, BUILT),
    row("sub_filter_once", H_S_L, FLAG, ONCE, BUILT),
    row("sub_filter_last_modified", H_S_L, FLAG, ONCE, BUILT),
    // http_userid_filter_module
    row("userid", H_S_L, n(1), ONCE, COOKIES),
    row("userid_service", H_S_L, n(1), ONCE, COOKIES),
    row("userid_name", H_S_L, n(1), ONCE, COOKIES),
    row("userid_domain", H_S_L, n(1), ONCE, COOKIES),
    row("userid_path", H_S_L, n(1), ONCE, COOKIES),
    row("userid_expires", H_S_L, n(1), ONCE, COOKIES),
    row("userid_flags", H_S_L, to(1, 3), MANY, COOKIES),
    row("userid_p3p", H_S_L, n(1), ONCE, COOKIES),
    row("userid_mark", H_S_L, n(1), ONCE, COOKIES),
    // http_xslt_filter_module
    row("xml_entities", H_S_L, n(1), ONCE, REWRITING),
    row("xml_external_entities", H_S_L, FLAG, ONCE, REWRITING),
    row("xslt_stylesheet", L, more(1), MANY, REWRITING),
    row("xslt_param", H_S_L, n(2), MANY, REWRITING),
    row("xslt_string_param", H_S_L, n(2), MANY, REWRITING),
    row("xslt_types", H_S_L, more(1), MANY, REWRITING),
    row("xslt_last_modified", H_S_L, FLAG, ONCE, REWRITING),
    // http_perl_module
    row("perl_modules", H, n(1), MANY, PERL),
    row("perl_require", H, n(1), MANY, PERL),
    row("perl", L_X, n(1), MANY, PERL),
    row("perl_set", H, n(2), MANY, PERL),
];
