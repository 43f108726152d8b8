//! A head as it came: the bytes, kept once, and its fields as ranges into them. Names keep their
//! case and order, because what students see behind the proxy must be what was on the wire.

use super::Known;

/// A range of the head's bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        // A head is limited to a few kilobytes long before this could wrap.
        Self {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }

    /// Where `part` lies inside `whole`; both come from one buffer.
    pub(crate) fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Self::new(start, start + part.len())
    }

    pub(crate) fn of(self, raw: &[u8]) -> &[u8] {
        raw.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: Span,
    pub(crate) value: Span,
    pub(crate) known: Known,
}

/// One field, borrowed from its head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
    pub(crate) known: Known,
}

/// The bytes of a head and where its fields are. Reused from request to request, so that a
/// keep-alive connection parses without allocating.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(super) raw: Vec<u8>,
    fields: Vec<Field>,
    /// The known names among them, as a set.
    names: u64,
}

impl Head {
    /// The first field of this name, in lower case with underscores as variables have it.
    pub(crate) fn get_named(&self, variable: &[u8]) -> Option<&[u8]> {
        let named = |header: &Header<'_>| matches_variable(header.name, variable);
        self.iter().find(named).map(|header| header.value)
    }

    pub(crate) fn clear(&mut self) {
        self.raw.clear();
        self.fields.clear();
        self.names = 0;
    }

    /// Adds a field that lies in `raw`.
    pub(super) fn add(&mut self, field: Field) {
        self.names |= field.known.bit();
        self.fields.push(field);
    }

    /// Whether a field of one of these names is there (`Known::bit`).
    pub(crate) fn has_any(&self, names: u64) -> bool {
        self.names & names != 0
    }

    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Header<'_>> {
        self.fields.iter().map(|field| Header {
            name: field.name.of(&self.raw),
            value: field.value.of(&self.raw),
            known: field.known,
        })
    }

    /// The first field of this name.
    pub(crate) fn get(&self, known: Known) -> Option<&[u8]> {
        if !self.has_any(known.bit()) {
            return None;
        }
        let field = self.fields.iter().find(|field| field.known == known)?;
        Some(field.value.of(&self.raw))
    }

    pub(crate) fn count(&self, known: Known) -> usize {
        self.fields.iter().filter(|f| f.known == known).count()
    }

    /// All values of one name, joined as a list (RFC 9110 section 5.3); `None` without a field.
    pub(crate) fn joined(&self, known: Known, separator: &[u8]) -> Option<Vec<u8>> {
        join(
            self.iter().filter(|h| h.known == known).map(|h| h.value),
            separator,
        )
    }

    /// As `joined`, for a name that a variable spells: lower case, `_` for every other character.
    pub(crate) fn by_variable(&self, variable: &[u8], separator: &[u8]) -> Option<Vec<u8>> {
        join(
            self.iter()
                .filter(|h| matches_variable(h.name, variable))
                .map(|h| h.value),
            separator,
        )
    }

    /// As `by_variable`, appended to `out`; answers whether there is such a field.
    pub(crate) fn write_by_variable(
        &self,
        variable: &[u8],
        separator: &[u8],
        out: &mut Vec<u8>,
    ) -> bool {
        let mut found = false;
        for header in self.iter().filter(|h| matches_variable(h.name, variable)) {
            if found {
                out.extend_from_slice(separator);
            }
            out.extend_from_slice(header.value);
            found = true;
        }
        found
    }

    /// Adds a field that was not on the wire as such (a trailer, for instance).
    pub(crate) fn push(&mut self, name: &[u8], value: &[u8]) {
        let at = self.raw.len();
        self.raw.extend_from_slice(name);
        self.raw.extend_from_slice(value);
        self.add(Field {
            name: Span::new(at, at + name.len()),
            value: Span::new(at + name.len(), self.raw.len()),
            known: Known::of(name),
        });
    }
}

fn join<'a>(values: impl Iterator<Item = &'a [u8]>, separator: &[u8]) -> Option<Vec<u8>> {
    let mut joined: Option<Vec<u8>> = None;
    for value in values {
        let joined = match &mut joined {
            Some(joined) => {
                joined.extend_from_slice(separator);
                joined
            }
            None => joined.insert(Vec::with_capacity(value.len())),
        };
        joined.extend_from_slice(value);
    }
    joined
}

/// Whether `$http_…` with this ending names the header: letters in any case, `-` as `_`.
pub(crate) fn matches_variable(name: &[u8], variable: &[u8]) -> bool {
    name.len() == variable.len()
        && name.iter().zip(variable).all(|(&n, &v)| match n {
            b'-' => v == b'_',
            n => n.to_ascii_lowercase() == v,
        })
}

/// Whether a comma-separated field value holds this token, in any case (RFC 9110 section 5.6.1).
pub(crate) fn has_token(value: &[u8], token: &[u8]) -> bool {
    value
        .split(|&b| b == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}
