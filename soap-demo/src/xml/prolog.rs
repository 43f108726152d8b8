//! The XML declaration (XML 2.8) and processing instructions (XML 2.6).

use quick_xml::events::{BytesDecl, BytesPI};

use super::attributes::scan;
use super::{XmlErrorKind as Kind, is_ncname};

/// `version="1.0" encoding="..." standalone="..."`, in this order, only the version required.
pub(super) fn declaration(declaration: &BytesDecl<'_>) -> Result<(), Kind> {
    // A declaration begins with "xml"; what follows is written as attributes are.
    let text: &str = declaration;
    let rest = text.strip_prefix("xml").ok_or(Kind::Declaration)?;
    let mut parts = scan(rest, 3).map_err(|_| Kind::Declaration)?.into_iter();
    let mut part = parts.next();
    let mut take = |name: &str| {
        let found = part.take_if(|p| p.prefix.is_empty() && p.local == name)?;
        part = parts.next();
        Some(found.value)
    };
    let version = take("version").ok_or(Kind::Declaration)?;
    let encoding = take("encoding");
    let standalone = take("standalone");
    let minor = version.strip_prefix("1.").unwrap_or_default();
    let good = !minor.is_empty()
        && minor.bytes().all(|byte| byte.is_ascii_digit())
        && encoding.is_none_or(|name| is_encoding_name(&name))
        && standalone.is_none_or(|value| value == "yes" || value == "no")
        && part.is_none();
    if good { Ok(()) } else { Err(Kind::Declaration) }
}

/// Production EncName.
fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A target that is a name without colon, and not "xml" in any case.
pub(super) fn instruction(instruction: &BytesPI<'_>) -> Result<(), Kind> {
    let target = instruction.target();
    if is_ncname(target) && !target.eq_ignore_ascii_case("xml") {
        Ok(())
    } else {
        Err(Kind::Instruction)
    }
}
