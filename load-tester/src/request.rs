//! Takes the options, refuses what would break a request apart, and writes the bytes that every request of the run is.

use crate::{Options, OptionsError};

/// Method and fields are the user's, so they could hold anything.
pub(crate) fn check(options: &Options) -> Result<(), OptionsError> {
    if !is_token(&options.method) {
        return Err(OptionsError::Method(options.method.clone()));
    }
    options
        .headers
        .iter()
        .try_for_each(|(name, value)| check_field(name, value))
}

/// The bytes of every request of the run.
pub(crate) fn bytes(options: &Options) -> Vec<u8> {
    let mut head = format!("{} {} HTTP/1.1\r\n", options.method, options.target.path());
    let mut field = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    let given = |wanted: &str| {
        options
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    if !given("host") {
        field("Host", options.target.authority());
    }
    if !given("user-agent") {
        field(
            "User-Agent",
            concat!("load-tester/", env!("CARGO_PKG_VERSION")),
        );
    }
    for (name, value) in &options.headers {
        field(name, value);
    }
    if !options.body.is_empty() || matches!(options.method.as_str(), "POST" | "PUT" | "PATCH") {
        field("Content-Length", &options.body.len().to_string());
    }
    if !options.keepalive && !given("connection") {
        field("Connection", "close");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&options.body);
    bytes
}

fn check_field(name: &str, value: &str) -> Result<(), OptionsError> {
    if !is_token(name)
        || value
            .bytes()
            .any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f)
    {
        return Err(OptionsError::Header(format!("{name}: {value}")));
    }
    let framing = ["content-length", "transfer-encoding", "expect", "upgrade"];
    if framing.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
        return Err(OptionsError::Framing(name.to_owned()));
    }
    Ok(())
}

/// RFC 9110's `token`: what a method or a field name is made of.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use crate::{Options, OptionsError, request};

    fn options() -> Options {
        Options::new("http://localhost:8088/a?b=c".parse().unwrap())
    }

    #[test]
    fn a_request_names_its_host_and_closes_unless_kept_alive() {
        let mut options = options();
        let version = env!("CARGO_PKG_VERSION");
        let head = format!(
            "GET /a?b=c HTTP/1.1\r\nHost: localhost:8088\r\nUser-Agent: load-tester/{version}\r\n"
        );
        assert_eq!(
            request::bytes(&options),
            format!("{head}Connection: close\r\n\r\n").into_bytes()
        );
        options.keepalive = true;
        assert_eq!(request::bytes(&options), format!("{head}\r\n").into_bytes());
    }

    #[test]
    fn given_fields_replace_ours_and_a_body_gets_its_length() {
        let mut options = options();
        options.keepalive = true;
        options.method = "POST".into();
        options.body = b"abc".to_vec();
        options.headers = vec![
            ("host".into(), "example".into()),
            ("User-Agent".into(), "me".into()),
        ];
        assert_eq!(
            String::from_utf8(request::bytes(&options)).unwrap(),
            "POST /a?b=c HTTP/1.1\r\nhost: example\r\nUser-Agent: me\r\nContent-Length: 3\r\n\r\nabc"
        );
    }

    #[test]
    fn what_would_break_the_request_apart_is_refused() {
        let with = |name: &str, value: &str| {
            let mut options = options();
            options.headers = vec![(name.into(), value.into())];
            options.check()
        };
        assert_eq!(with("X-Ok", "a\tb \u{e9}"), Ok(()));
        assert!(matches!(
            with("X", "a\r\nB: c"),
            Err(OptionsError::Header(_))
        ));
        assert!(matches!(with("X Y", "a"), Err(OptionsError::Header(_))));
        assert!(matches!(
            with("Content-Length", "3"),
            Err(OptionsError::Framing(_))
        ));
        let mut options = options();
        options.method = "GET /x".into();
        assert!(matches!(options.check(), Err(OptionsError::Method(_))));
    }
}
