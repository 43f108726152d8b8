//! What a client offered in its first message, for `$ssl_ciphers`, `$ssl_curves` and the choice of
//! a certificate.

use rustls::server::ClientHello;

use super::ciphers;

#[derive(Debug, Default)]
pub(super) struct Offered {
    pub(super) name: Option<Box<str>>,
    pub(super) ciphers: String,
    pub(super) curves: String,
}

impl Offered {
    pub(super) fn read(hello: &ClientHello<'_>) -> Self {
        let show = |name: Option<&str>, id: u16| match name {
            Some(name) => name.to_owned(),
            None => format!("0x{id:04x}"),
        };
        let ciphers = hello.cipher_suites().iter();
        let ciphers = ciphers.map(|&suite| show(ciphers::suite_name(suite), suite.into()));
        let groups = hello.named_groups().unwrap_or_default().iter();
        let groups = groups.map(|&group| show(ciphers::group_name(group), group.into()));
        Self {
            name: hello
                .server_name()
                .map(|name| name.to_ascii_lowercase().into()),
            ciphers: ciphers.collect::<Vec<_>>().join(":"),
            curves: groups.collect::<Vec<_>>().join(":"),
        }
    }
}
