//! Version 2: sixteen bytes that say how much follows, then addresses, then type-length-values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Broken, Ends, Told, tlv};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
pub(super) const FIXED: usize = 16;
/// The length could say 65535; nginx takes so much, too.
const LARGEST: usize = 4096;

/// How long the whole header is, from its fixed part.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let [high, low] = *bytes.get(14..FIXED)? else {
        return None;
    };
    Some(FIXED + usize::from(u16::from_be_bytes([high, low])))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Told, usize)>, Broken> {
    let Some(length) = length(bytes) else {
        return Ok(None);
    };
    let (version, command) = (bytes[12] >> 4, bytes[12] & 15);
    if version != 2 {
        return Err(Broken::Version(version));
    }
    if command > 1 {
        return Err(Broken::Command(command));
    }
    if length > LARGEST {
        return Err(Broken::TooLarge(length));
    }
    let Some(rest) = bytes.get(FIXED..length) else {
        return Ok(None);
    };
    // LOCAL: the sender speaks for itself, and whatever follows is not to be used.
    let told = if command == 0 {
        Told::default()
    } else {
        told(bytes[13], rest).ok_or(Broken::Header)?
    };
    Ok(Some((told, length)))
}

/// `family` has the kind of address in its high half, the kind of transport (1 is a stream) in its low.
fn told(family: u8, rest: &[u8]) -> Option<Told> {
    let (ends, tlvs) = match family {
        0x11 => {
            let (addresses, tlvs) = rest.split_first_chunk::<12>()?;
            (v4(addresses), tlvs)
        }
        0x21 => {
            let (addresses, tlvs) = rest.split_first_chunk::<36>()?;
            (v6(addresses), tlvs)
        }
        // Without knowing the addresses nobody knows where they end.
        _ => return Some(Told::default()),
    };
    tlv::is_whole(tlvs).then(|| Told {
        ends: Some(ends),
        tlvs: tlvs.into(),
    })
}

fn v4(bytes: &[u8; 12]) -> Ends {
    let [a, b, c, d, e, f, g, h, ports @ ..] = *bytes;
    let client = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    ends(client, IpAddr::V4(Ipv4Addr::new(e, f, g, h)), ports)
}

fn v6(bytes: &[u8; 36]) -> Ends {
    let address = |from: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&bytes[from..from + 16]);
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let ports = [bytes[32], bytes[33], bytes[34], bytes[35]];
    ends(address(0), address(16), ports)
}

fn ends(client: IpAddr, server: IpAddr, [a, b, c, d]: [u8; 4]) -> Ends {
    Ends {
        client: SocketAddr::new(client, u16::from_be_bytes([a, b])),
        server: SocketAddr::new(server, u16::from_be_bytes([c, d])),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    const V4: [u8; 12] = [192, 0, 2, 1, 192, 0, 2, 2, 0, 123, 22, 46];

    #[test]
    fn both_families_of_addresses_are_read() {
        let told = parse(&header(0x21, 0x11, &V4))
            .unwrap()
            .unwrap()
            .0
            .ends
            .unwrap();
        assert_eq!(told.client.to_string(), "192.0.2.1:123");
        assert_eq!(told.server.to_string(), "192.0.2.2:5678");
        let mut v6 = [0; 36];
        (v6[0], v6[15], v6[31], v6[33], v6[35]) = (0x20, 1, 2, 123, 80);
        let told = parse(&header(0x21, 0x21, &v6))
            .unwrap()
            .unwrap()
            .0
            .ends
            .unwrap();
        assert_eq!(told.client.to_string(), "[2000::1]:123");
        assert_eq!(told.server.to_string(), "[::2]:80");
    }

    #[test]
    fn a_header_for_itself_or_of_another_family_names_nobody() {
        for (command, family) in [
            (0x20, 0x11),
            (0x20, 0),
            (0x21, 0),
            (0x21, 0x31),
            (0x21, 0x12),
        ] {
            let whole = header(command, family, &V4);
            let expected = Some((Told::default(), whole.len()));
            assert_eq!(parse(&whole), Ok(expected), "{command:x} {family:x}");
        }
    }

    #[test]
    fn a_header_is_taken_whole_and_not_a_byte_more() {
        let mut bytes = header(0x21, 0x11, &[&V4[..], &[1, 0, 2, 104, 50]].concat());
        let whole = bytes.len();
        bytes.extend_from_slice(b"GET /");
        for cut in 0..bytes.len() {
            let length = parse(&bytes[..cut]).unwrap().map(|(_, length)| length);
            assert_eq!(length, (cut >= whole).then_some(whole), "{cut}");
        }
    }

    #[test]
    fn what_does_not_fit_is_broken() {
        let short = header(0x21, 0x11, &V4[..11]);
        let torn = header(0x21, 0x11, &[&V4[..], &[1, 0, 3, 104]].concat());
        let short_v6 = header(0x21, 0x21, &V4);
        for bytes in [short, torn, short_v6, b"\r\n\r\n\0\r\nQUID".to_vec()] {
            assert_eq!(parse(&bytes), Err(Broken::Header), "{bytes:?}");
        }
        assert_eq!(parse(&header(0x11, 0x11, &V4)), Err(Broken::Version(1)));
        assert_eq!(parse(&header(0x22, 0x11, &V4)), Err(Broken::Command(2)));
        let large = header(0x21, 0x11, &[0; 5000]);
        assert_eq!(parse(&large), Err(Broken::TooLarge(5016)));
    }
}
