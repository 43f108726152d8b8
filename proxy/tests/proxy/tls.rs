//! TLS on both sides: certificates by name, sessions, client certificates, peers by https.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use nix::sys::signal::Signal;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};

use crate::harness::{PATIENCE, Proxy, test_config, wait_for};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root")
}

/// Writes `NAME.crt` and `NAME.key`; answers both.
fn issue(
    dir: &Path,
    name: &str,
    issuer: &Issuer<'_, KeyPair>,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    std::fs::write(dir.join(format!("{name}.crt")), certificate.pem()).expect("write");
    std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).expect("write");
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    (certificate.der().clone(), der)
}

pub(crate) struct Lab {
    pub(crate) dir: tempfile::TempDir,
    root: Authority,
}

impl Lab {
    /// A folder with `root.crt` and a certificate for each name.
    pub(crate) fn new(names: &[&str]) -> Self {
        let (dir, root) = (tempfile::tempdir().expect("a folder"), authority("root"));
        std::fs::write(dir.path().join("root.crt"), root.pem()).expect("write");
        for name in names {
            issue(dir.path(), name, &root);
        }
        Self { dir, root }
    }

    pub(crate) fn client(
        &self,
        identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.der().clone()).expect("a root");
        let builder = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(match identity {
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate], key)
                .expect("an identity"),
            None => builder.with_no_client_auth(),
        })
    }
}

pub(crate) type Tls = StreamOwned<ClientConnection, UnixStream>;

pub(crate) fn connect(proxy: &Proxy, config: &Arc<ClientConfig>, name: &str) -> Tls {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let session = ClientConnection::new(Arc::clone(config), name).expect("a session");
    StreamOwned::new(session, proxy.connect())
}

/// Asks once and reads to the end; with whether the session was an old one.
fn ask(
    proxy: &Proxy,
    config: &Arc<ClientConfig>,
    name: &str,
    path: &str,
) -> (String, Option<HandshakeKind>) {
    let mut tls = connect(proxy, config, name);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    let sent = tls.write_all(request.as_bytes());
    let mut answer = Vec::new();
    match sent.and_then(|()| tls.read_to_end(&mut answer)) {
        Ok(_) => {}
        Err(why) => answer.extend_from_slice(format!("error: {why}").as_bytes()),
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    (text, tls.conn.handshake_kind())
}

#[test]
fn the_name_in_the_handshake_chooses_the_certificate() {
    let lab = Lab::new(&["a.test", "b.test"]);
    let client = lab.client(None);
    let proxy = Proxy::start_in(
        lab.dir,
        "server { listen unix:DIR/front.sock ssl; server_name a.test; \
           ssl_certificate a.test.crt; ssl_certificate_key a.test.key; \
           return 200 'a $scheme $https $ssl_server_name $ssl_protocol $ssl_cipher'; }\n\
         server { listen unix:DIR/front.sock ssl; server_name b.test; ssl_protocols TLSv1.2; \
           ssl_certificate b.test.crt; ssl_certificate_key b.test.key; return 200 'b $ssl_protocol'; }\n\
         server { listen unix:DIR/front.sock ssl; server_name c.test; ssl_reject_handshake on; }",
    );
    let answer = ask(&proxy, &client, "a.test", "/").0;
    assert!(
        answer.ends_with("a https on a.test TLSv1.3 TLS_AES_256_GCM_SHA384"),
        "{answer}"
    );
    let answer = ask(&proxy, &client, "b.test", "/").0;
    assert!(answer.ends_with("b TLSv1.2"), "{answer}");
    let answer = ask(&proxy, &client, "c.test", "/").0;
    assert!(answer.contains("error: received fatal alert"), "{answer}");
    let log = wait_for("the error log", || {
        Some(proxy.log("error.log")).filter(|log| log.contains("SSL handshaking"))
    });
    assert!(
        log.contains("[info]") && log.contains("SSL_do_handshake() failed"),
        "{log}"
    );
}

#[test]
fn a_client_comes_back_by_ticket_and_by_cache_and_only_where_it_may() {
    for (settings, comes_back) in [
        ("", true),
        ("ssl_session_tickets off;", false),
        (
            "ssl_session_tickets off; ssl_session_cache shared:one:1m;",
            true,
        ),
        (
            "ssl_session_tickets off; ssl_session_cache shared:one:1m; ssl_protocols TLSv1.2;",
            true,
        ),
        ("ssl_protocols TLSv1.2;", true),
    ] {
        let lab = Lab::new(&["a.test"]);
        let client = lab.client(None);
        let proxy = Proxy::start_in(
            lab.dir,
            &format!(
                "ssl_certificate a.test.crt; ssl_certificate_key a.test.key; {settings}\n\
                 server {{ listen unix:DIR/front.sock ssl; return 200 'reused $ssl_session_reused'; }}"
            ),
        );
        let first = ask(&proxy, &client, "a.test", "/");
        assert!(first.0.ends_with("reused ."), "{settings}: {}", first.0);
        assert_eq!(first.1, Some(HandshakeKind::Full));
        let second = ask(&proxy, &client, "a.test", "/");
        let mark = if comes_back { "reused r" } else { "reused ." };
        assert!(second.0.ends_with(mark), "{settings}: {}", second.0);
        proxy.signal(Signal::SIGHUP);
        wait_for("the reload", || {
            proxy
                .log("error.log")
                .contains("exited with code 0")
                .then_some(())
        });
        let third = ask(&proxy, &client, "a.test", "/");
        assert!(
            third.0.ends_with(mark),
            "after a reload, {settings}: {}",
            third.0
        );
    }
}

#[test]
fn a_client_certificate_is_judged_and_the_answer_says_how() {
    let lab = Lab::new(&["a.test"]);
    let good = issue(lab.dir.path(), "somebody", &lab.root);
    let other = authority("other");
    let bad = issue(lab.dir.path(), "stranger", &other);
    let (none, good, bad) = (
        lab.client(None),
        lab.client(Some(good)),
        lab.client(Some(bad)),
    );
    let proxy = Proxy::start_in(
        lab.dir,
        "ssl_certificate a.test.crt; ssl_certificate_key a.test.key; ssl_client_certificate root.crt;\n\
         server { listen unix:DIR/front.sock ssl; server_name a.test; ssl_verify_client on; \
           return 200 '$ssl_client_verify $ssl_client_s_dn $ssl_client_i_dn_legacy'; }",
    );
    let answer = ask(&proxy, &good, "a.test", "/").0;
    assert!(answer.contains("SUCCESS CN=somebody /CN=root"), "{answer}");
    let answer = ask(&proxy, &bad, "a.test", "/").0;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
    assert!(answer.contains("The SSL certificate error"), "{answer}");
    let answer = ask(&proxy, &none, "a.test", "/").0;
    assert!(
        answer.contains("No required SSL certificate was sent"),
        "{answer}"
    );
    assert!(
        proxy
            .log("error.log")
            .contains("unable to verify the first certificate")
    );
}

#[test]
fn a_peer_by_https_is_asked_only_if_it_is_the_right_one() {
    let lab = Lab::new(&["a.test", "peer.test"]);
    let client = lab.client(None);
    let other = authority("other");
    std::fs::write(lab.dir.path().join("other.crt"), other.pem()).expect("write");
    let proxy = Proxy::start_in(
        lab.dir,
        "ssl_certificate a.test.crt; ssl_certificate_key a.test.key;\n\
         upstream peer { server unix:DIR/back.sock; keepalive 4; }\n\
         server { listen unix:DIR/back.sock ssl; ssl_certificate peer.test.crt; ssl_certificate_key peer.test.key; \
           ssl_client_certificate root.crt; ssl_verify_client optional; \
           return 200 'peer $ssl_server_name $ssl_client_s_dn $connection_requests'; }\n\
         server { listen unix:DIR/front.sock ssl; proxy_ssl_verify on; proxy_ssl_trusted_certificate root.crt; \
           proxy_ssl_server_name on; proxy_ssl_name peer.test; \
           location / { proxy_pass https://peer; } \
           location /name/ { proxy_ssl_name other.test; proxy_pass https://peer/; } \
           location /roots/ { proxy_ssl_trusted_certificate other.crt; proxy_pass https://peer/; } \
           location /any/ { proxy_ssl_verify off; proxy_pass https://peer/; } \
           location /mine/ { proxy_ssl_certificate a.test.crt; proxy_ssl_certificate_key a.test.key; proxy_pass https://peer/; } }",
    );
    for (path, expected) in [
        ("/", "peer peer.test  1"),
        ("/", "peer peer.test  2"),
        ("/name/", "502 Bad Gateway"),
        ("/roots/", "502 Bad Gateway"),
        ("/any/", "peer peer.test  1"),
        ("/mine/", "peer peer.test CN=a.test 1"),
    ] {
        let answer = ask(&proxy, &client, "a.test", path).0;
        assert!(answer.contains(expected), "{path}: {answer}");
    }
    let log = proxy.log("error.log");
    assert!(
        log.contains("upstream SSL certificate does not match \"other.test\""),
        "{log}"
    );
    assert!(
        log.contains("upstream SSL certificate verify error: (21:"),
        "{log}"
    );
}

#[test]
fn a_handshake_that_never_ends_is_ended() {
    let lab = Lab::new(&["a.test"]);
    let proxy = Proxy::start_in(
        lab.dir,
        "server { listen unix:DIR/front.sock ssl; client_header_timeout 100ms; \
         ssl_certificate a.test.crt; ssl_certificate_key a.test.key; }",
    );
    let mut stream = proxy.connect();
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(&[22, 3, 1]).expect("taken");
    assert_eq!(stream.read(&mut [0; 1]).expect("closed in time"), 0);
    wait_for("the error log", || {
        let log = proxy.log("error.log");
        log.contains("client timed out while SSL handshaking")
            .then_some(())
    });
}

#[test]
fn a_large_answer_and_a_large_body_arrive_whole() {
    let lab = Lab::new(&["a.test"]);
    let client = lab.client(None);
    std::fs::write(lab.dir.path().join("large"), vec![b'x'; 3 << 20]).expect("write");
    let proxy = Proxy::start_in(
        lab.dir,
        "ssl_certificate a.test.crt; ssl_certificate_key a.test.key;\n\
         server { listen unix:DIR/back.sock ssl; root DIR; location /length { return 200 '$content_length'; } }\n\
         server { listen unix:DIR/front.sock ssl; client_max_body_size 10m; \
           location / { proxy_pass https://unix:DIR/back.sock:; } }",
    );
    let (answer, _) = ask(&proxy, &client, "a.test", "/large");
    let body = answer.split_once("\r\n\r\n").expect("a head").1;
    assert_eq!(body.len(), 3 << 20);
    let mut tls = connect(&proxy, &client, "a.test");
    let head =
        "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4194304\r\n\r\n";
    tls.write_all(head.as_bytes()).expect("taken");
    tls.write_all(&vec![b'y'; 4 << 20]).expect("taken");
    let mut answer = String::new();
    tls.read_to_string(&mut answer).expect("answered");
    assert!(answer.ends_with("4194304"), "{answer}");
}

#[test]
fn a_configuration_without_what_tls_needs_is_refused() {
    for (http, message) in [
        (
            "server { listen unix:DIR/front.sock ssl; }",
            "no \"ssl_certificate\" is defined",
        ),
        (
            "ssl_certificate none.crt; ssl_certificate_key none.key; server { listen 1 ssl; }",
            "cannot load certificate \"none.crt\"",
        ),
        (
            "ssl_protocols TLSv1.4; ssl_reject_handshake on; server { listen 1 ssl; }",
            "invalid value \"TLSv1.4\"",
        ),
        (
            "server { listen 1; location / { proxy_ssl_verify on; proxy_pass https://a; } }",
            "no proxy_ssl_trusted_certificate for proxy_ssl_verify",
        ),
    ] {
        let output = test_config(http);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && text.contains(message),
            "{http}: {text}"
        );
    }
}
