//! DNS messages (RFC 1035 section 4): a question becomes bytes, bytes become what they say about that question.
//!
//! A reply is believed only if id, question and class are ours; every length and pointer in it is checked, and a
//! pointer may only lead back, so that reading a name always ends. Records that nobody asked for are stepped over.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Name;

const IN: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const HEADER: usize = 12;

/// What is asked for, with its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    A = 1,
    Aaaa = 28,
    Srv = 33,
}

#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) id: u16,
    pub(crate) name: Name,
    pub(crate) kind: Kind,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// It did not fit; the whole of it can be had over TCP.
    pub(crate) truncated: bool,
    /// 0 is no error, 3 no such name.
    pub(crate) code: u8,
    pub(super) records: Vec<Record>,
    /// How long it may be remembered that there is nothing (RFC 2308).
    pub(super) negative_ttl: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) owner: Name,
    pub(super) ttl: u32,
    pub(super) data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    Alias(Name),
    Address(IpAddr),
    Service(Service),
}

/// An SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    pub(crate) priority: u16,
    pub(crate) weight: u16,
    pub(crate) port: u16,
    pub(crate) target: Name,
}

/// Not a reply to this question, or not one at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotForUs;

impl Question {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + self.name.as_str().len() + 6);
        out.extend(self.id.to_be_bytes());
        // A standard query, recursion desired; one question.
        out.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in self.name.labels() {
            out.push(u8::try_from(label.len()).expect("a label has 63 bytes at most"));
            out.extend(label.as_bytes());
        }
        out.push(0);
        out.extend((self.kind as u16).to_be_bytes());
        out.extend(IN.to_be_bytes());
        out
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<Reply, NotForUs> {
        let mut reader = Reader { bytes, at: 0 };
        let (id, flags) = (reader.u16()?, reader.u16()?);
        let [questions, answers, authorities, _] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        // A response (QR) to a standard query (OPCODE 0).
        if id != self.id || flags & 0xf800 != 0x8000 || questions != 1 {
            return Err(NotForUs);
        }
        let name = reader.name()?;
        let (kind, class) = (reader.u16()?, reader.u16()?);
        if name.as_ref() != Some(&self.name) || kind != self.kind as u16 || class != IN {
            return Err(NotForUs);
        }
        let mut reply = Reply {
            truncated: flags & 0x0200 != 0,
            code: (flags & 0xf) as u8,
            records: Vec::new(),
            negative_ttl: None,
        };
        if reply.truncated {
            return Ok(reply);
        }
        for _ in 0..answers {
            reply.records.extend(reader.record(self.kind)?);
        }
        for _ in 0..authorities {
            let ttl = reader.negative_ttl()?;
            reply.negative_ttl = reply.negative_ttl.or(ttl);
        }
        Ok(reply)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What precedes the data of a record.
struct RecordHead {
    owner: Option<Name>,
    kind: u16,
    class: u16,
    ttl: u32,
    /// Where its data ends.
    end: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotForUs> {
        let end = self.at.checked_add(count).ok_or(NotForUs)?;
        let taken = self.bytes.get(self.at..end).ok_or(NotForUs)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotForUs> {
        self.take(N)?.try_into().map_err(|_| NotForUs)
    }

    fn u16(&mut self) -> Result<u16, NotForUs> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    /// RFC 2181 section 8: a time with the first bit set counts as none.
    fn ttl(&mut self) -> Result<u32, NotForUs> {
        let ttl = u32::from_be_bytes(self.array()?);
        Ok(if ttl >> 31 == 0 { ttl } else { 0 })
    }

    /// `None` is a name that no host can have (the root, or other characters).
    fn name(&mut self) -> Result<Option<Name>, NotForUs> {
        let mut text = Vec::new();
        let (mut at, mut after) = (self.at, None);
        let mut is_plain = true;
        // Each jump leads to before the one it comes from.
        let mut before = self.at;
        loop {
            let length = *self.bytes.get(at).ok_or(NotForUs)?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length));
                    let label = label.ok_or(NotForUs)?;
                    is_plain &= !label.contains(&b'.');
                    text.extend_from_slice(label);
                    text.push(b'.');
                    at += 1 + label.len();
                }
                0xc0.. => {
                    let low = *self.bytes.get(at + 1).ok_or(NotForUs)?;
                    let to = usize::from(length & 0x3f) << 8 | usize::from(low);
                    after = after.or(Some(at + 2));
                    if to >= before {
                        return Err(NotForUs);
                    }
                    (at, before) = (to, to);
                }
                _ => return Err(NotForUs),
            }
            if text.len() > 512 {
                return Err(NotForUs);
            }
        }
        self.at = after.unwrap_or(at + 1);
        let text = std::str::from_utf8(&text).ok().filter(|_| is_plain);
        Ok(text.and_then(Name::new))
    }

    fn record_head(&mut self) -> Result<RecordHead, NotForUs> {
        let owner = self.name()?;
        let (kind, class, ttl) = (self.u16()?, self.u16()?, self.ttl()?);
        let length = usize::from(self.u16()?);
        let end = self.at + length;
        if end > self.bytes.len() {
            return Err(NotForUs);
        }
        Ok(RecordHead {
            owner,
            kind,
            class,
            ttl,
            end,
        })
    }

    /// The next record, if it is of the kind wanted or an alias.
    fn record(&mut self, wanted: Kind) -> Result<Option<Record>, NotForUs> {
        let head = self.record_head()?;
        let data = match head.kind {
            // An alias of the root leads nowhere.
            CNAME if head.class == IN => self.name()?.map(Data::Alias),
            kind if head.class == IN && kind == wanted as u16 => self.data(wanted)?,
            _ => {
                self.at = head.end;
                None
            }
        };
        if self.at != head.end {
            return Err(NotForUs);
        }
        let record = head.owner.zip(data);
        Ok(record.map(|(owner, data)| Record {
            owner,
            ttl: head.ttl,
            data,
        }))
    }

    fn data(&mut self, kind: Kind) -> Result<Option<Data>, NotForUs> {
        let address = |ip: IpAddr| Some(Data::Address(ip));
        Ok(match kind {
            Kind::A => address(Ipv4Addr::from(self.array::<4>()?).into()),
            Kind::Aaaa => address(Ipv6Addr::from(self.array::<16>()?).into()),
            Kind::Srv => {
                let (priority, weight, port) = (self.u16()?, self.u16()?, self.u16()?);
                // The root says that there is no such service.
                self.name()?.map(|target| {
                    Data::Service(Service {
                        priority,
                        weight,
                        port,
                        target,
                    })
                })
            }
        })
    }

    /// RFC 2308 section 5: the lesser of the SOA's own time and its last field.
    fn negative_ttl(&mut self) -> Result<Option<u32>, NotForUs> {
        let head = self.record_head()?;
        if head.kind != SOA || head.class != IN {
            self.at = head.end;
            return Ok(None);
        }
        self.name()?;
        self.name()?;
        self.take(16)?;
        let minimum = self.ttl()?;
        if self.at == head.end {
            Ok(Some(head.ttl.min(minimum)))
        } else {
            Err(NotForUs)
        }
    }
}

#[cfg(test)]
mod tests;
