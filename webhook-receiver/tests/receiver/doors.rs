//! Mail and DNS, byte by byte.

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::harness::{DEADLINE, Receiver, plain};

/// Sends it all at once, as a client that pipelines, and reads to the end.
async fn converse(receiver: &Receiver, said: &[u8]) -> String {
    let mut stream = TcpStream::connect(receiver.smtp).await.unwrap();
    stream.write_all(said).await.unwrap();
    let mut heard = Vec::new();
    // A server that hangs up on nonsense may reset the connection.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut heard))
        .await
        .unwrap();
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_mail_becomes_an_event_with_its_text_and_attachments() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let mail = "From: me@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n..dot\r\n--b\r\n\
                Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
                Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";
    let said = format!(
        "EHLO me\r\nMAIL FROM:<me@example.org>\r\nRCPT TO:<{}+tag@hook.localhost>\r\nRCPT TO:<x@y>\r\nDATA\r\n{mail}.\r\nQUIT\r\n",
        token.to_uppercase()
    );
    let heard = converse(&receiver, said.as_bytes()).await;
    let codes: Vec<_> = heard
        .lines()
        .map(|line| &line[..4])
        .filter(|code| code.ends_with(' '))
        .collect();
    assert_eq!(
        codes,
        [
            "220 ", "250 ", "250 ", "250 ", "550 ", "354 ", "250 ", "221 "
        ]
    );
    let record = receiver.latest(&token).await;
    assert_eq!(record["type"], "email");
    assert_eq!(record["sender"], "me@example.org");
    assert_eq!(record["subject"], "Gr\u{fc}\u{df}e");
    assert_eq!(record["text_content"].as_str().unwrap().trim(), ".dot");
    assert_eq!(record["content"], mail.replace("..dot", ".dot"));
    let id = record["files"]["0"]["id"].as_str().unwrap();
    let file = receiver
        .get(&format!("/token/{token}/request/latest/download/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(file.bytes().await.unwrap(), [0, 1, 2].as_slice());
}

#[tokio::test]
async fn nonsense_in_mail_hurts_nobody() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let token = receiver.token(plain()).await;
    let long = [b"EHLO ".as_slice(), &[b'x'; 5000], b"\r\n"].concat();
    let rubbish: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let smuggled = format!(
        "EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<{token}@h>\r\nDATA\r\na\n.\nMAIL FROM:<c@d>\r\n.\r\nQUIT\r\n"
    );
    let http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(30);
    for said in [
        &long[..],
        &rubbish,
        b"EHLO a\nQUIT\n",
        smuggled.as_bytes(),
        &http,
        b"\r\n",
    ] {
        let heard = tokio::time::timeout(DEADLINE, async {
            let mut stream = TcpStream::connect(receiver.smtp).await.unwrap();
            // It may be refused before it is all sent.
            let _ = stream.write_all(said).await;
            let _ = stream.shutdown().await;
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard).await;
            heard
        });
        assert!(heard.await.unwrap().len() < 5000);
    }
    assert_eq!(
        receiver.json(&format!("/token/{token}/requests")).await["total"],
        1
    );
}

/// A question as it is on the wire.
fn question(name: &str, kind: u8) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, kind, 0, 1]);
    message
}

#[tokio::test]
async fn a_dns_query_becomes_an_event_by_udp_and_by_tcp() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let content = r#"[{"type":"a","value":"192.0.2.7"},{"type":"txt","value":"hi"}]"#;
    let token = receiver.token(json!({"default_content": content})).await;
    let asked = question(&format!("Data.{token}.dnshook.localhost"), 1);
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.send_to(&asked, receiver.dns).await.unwrap();
    let mut answer = vec![0; 512];
    let (size, _) = timeout(DEADLINE, udp.recv_from(&mut answer))
        .await
        .unwrap()
        .unwrap();
    answer.truncate(size);
    assert_eq!(
        (&answer[..2], answer[3] & 15, answer[7]),
        (&[0x12, 0x34][..], 0, 1)
    );
    assert!(answer.ends_with(&[192, 0, 2, 7]));
    let mut tcp = TcpStream::connect(receiver.dns).await.unwrap();
    let framed = [
        &u16::try_from(asked.len()).unwrap().to_be_bytes()[..],
        &asked,
    ]
    .concat();
    tcp.write_all(&framed).await.unwrap();
    let size = timeout(DEADLINE, tcp.read_u16()).await.unwrap().unwrap();
    let mut again = vec![0; usize::from(size)];
    tcp.read_exact(&mut again).await.unwrap();
    assert_eq!(again, answer);
    let list = receiver
        .json(&format!("/token/{token}/requests?query=type:dns"))
        .await;
    assert_eq!(list["total"], 2);
    assert_eq!(
        list["data"][0]["content"],
        format!("Data.{token}.dnshook.localhost A")
    );
}

#[tokio::test]
async fn other_names_and_nonsense_in_dns_are_refused() {
    let folder = TempDir::new().unwrap();
    let receiver = Receiver::start(folder.path(), &[]);
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for rubbish in [&[][..], &[0; 11], &[0xff; 400]] {
        udp.send_to(rubbish, receiver.dns).await.unwrap();
    }
    let cut = &question("a.dnshook.localhost", 1)[..20];
    for (asked, code) in [
        (question("example.org", 1), 5),
        (question("nobody.dnshook.localhost", 1), 3),
        (cut.to_vec(), 1),
    ] {
        udp.send_to(&asked, receiver.dns).await.unwrap();
        let mut answer = vec![0; 512];
        timeout(DEADLINE, udp.recv_from(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer[3] & 15, code);
    }
}
