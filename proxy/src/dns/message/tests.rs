//! Messages byte by byte.

use super::*;

fn question(kind: Kind) -> Question {
    let name = Name::new("a.example.net").unwrap();
    Question { id: 7, name, kind }
}

/// A reply with one section of records; `0xc00c` in them is the name of the question.
fn reply(asked: &Question, answers: &[&[u8]], authorities: &[&[u8]]) -> Vec<u8> {
    let mut bytes = asked.encode();
    bytes[2] = 0x81;
    bytes[7] = u8::try_from(answers.len()).unwrap();
    bytes[9] = u8::try_from(authorities.len()).unwrap();
    bytes.extend(answers.concat());
    bytes.extend(authorities.concat());
    bytes
}

const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01";

#[test]
fn a_question_is_one_name_in_labels() {
    assert_eq!(
        question(Kind::Aaaa).encode(),
        b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\x03net\0\0\x1c\0\x01"
    );
}

#[test]
fn addresses_are_read_with_their_time() {
    let asked = question(Kind::A);
    let read = asked
        .decode(&reply(&asked, &[ADDRESS, ADDRESS], &[]))
        .unwrap();
    let record = Record {
        owner: asked.name.clone(),
        ttl: 60,
        data: Data::Address(Ipv4Addr::LOCALHOST.into()),
    };
    assert_eq!(read.records, [record.clone(), record]);
    assert_eq!(
        (read.code, read.truncated, read.negative_ttl),
        (0, false, None)
    );
}

#[test]
fn what_is_not_our_reply_is_not_believed() {
    let asked = question(Kind::A);
    let good = reply(&asked, &[ADDRESS], &[]);
    assert!(asked.decode(&good).is_ok());
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        asked.decode(&bytes)
    };
    for (at, byte, why) in [
        (1, 8, "another id"),
        (2, 0x01, "a query"),
        (2, 0xa1, "another operation"),
        (5, 2, "two questions"),
        (13, b'b', "another name"),
        (28, 28, "another kind"),
        (30, 3, "another class"),
        (7, 2, "more records than there are"),
        (32, 0xff, "a pointer that leads ahead"),
        (42, 3, "a short address"),
        (42, 5, "a long one"),
    ] {
        assert_eq!(with(at, byte), Err(NotForUs), "{why}");
    }
    for length in 0..good.len() {
        assert_eq!(
            asked.decode(&good[..length]),
            Err(NotForUs),
            "{length} bytes"
        );
    }
}

#[test]
fn a_pointer_to_itself_ends_the_reading() {
    let asked = question(Kind::A);
    let start = u8::try_from(asked.encode().len()).unwrap();
    let record = [&[0xc0, start], &ADDRESS[2..]].concat();
    assert_eq!(asked.decode(&reply(&asked, &[&record], &[])), Err(NotForUs));
}

#[test]
fn aliases_are_read_and_other_records_stepped_over() {
    let asked = question(Kind::A);
    let alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0e";
    let text = b"\xc0\x0c\0\x10\0\x01\0\0\0\x05\0\x04\x03abc";
    let chaos = b"\xc0\x0c\0\x01\0\x03\0\0\0\x05\0\x04\x7f\0\0\x01";
    let read = asked
        .decode(&reply(&asked, &[text, chaos, alias], &[]))
        .unwrap();
    let to = Data::Alias(Name::new("b.example.net").unwrap());
    assert_eq!(read.records.len(), 1);
    assert_eq!(read.records[0].data, to);
}

#[test]
fn a_service_has_a_port_and_a_target() {
    let asked = question(Kind::Srv);
    let record = b"\xc0\x0c\0\x21\0\x01\0\0\0\x05\0\x09\0\x01\0\x05\x1f\x90\x00";
    let root = asked.decode(&reply(&asked, &[&record[..19]], &[]));
    assert_eq!(root, Err(NotForUs), "nine bytes are announced, seven there");
    let record = b"\xc0\x0c\0\x21\0\x01\0\0\0\x05\0\x0a\0\x01\0\x05\x1f\x90\x01b\xc0\x0e";
    let read = asked.decode(&reply(&asked, &[record], &[])).unwrap();
    let service = Service {
        priority: 1,
        weight: 5,
        port: 8080,
        target: Name::new("b.example.net").unwrap(),
    };
    assert_eq!(read.records[0].data, Data::Service(service));
}

#[test]
fn a_zone_says_how_long_nothing_is_nothing() {
    let asked = question(Kind::A);
    let soa = b"\xc0\x0c\0\x06\0\x01\0\0\0\x3c\0\x18\xc0\x0c\xc0\x0c\
        \0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x1e";
    let read = asked.decode(&reply(&asked, &[], &[soa])).unwrap();
    assert_eq!(read.negative_ttl, Some(30));
}

#[test]
fn whatever_byte_is_another_the_reading_ends() {
    let asked = question(Kind::A);
    let alias = b"\xc0\x0c\0\x05\0\x01\0\0\0\x05\0\x04\x01b\xc0\x0e";
    let bytes = reply(&asked, &[alias, ADDRESS], &[]);
    let believed = (0..bytes.len()).flat_map(|at| (0..=u8::MAX).map(move |byte| (at, byte)));
    let believed = believed.filter_map(|(at, byte)| {
        let mut changed = bytes.clone();
        changed[at] = byte;
        asked.decode(&changed).ok()
    });
    let most = believed.map(|reply| reply.records.len()).max();
    assert_eq!(most, Some(2), "and finds no more than there is");
}
