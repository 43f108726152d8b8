//! What a command means: takes its name and parameters, decides whether they fit, hands on the
//! command with every parameter in its place.

use super::scan::Raw;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Include {
        target: Vec<u8>,
        /// The variable that gets the answer, in place of the page.
        set: Option<Vec<u8>>,
        /// The block that stands in for an answer that is empty or failed.
        stub: Option<Vec<u8>>,
    },
    Echo {
        name: Vec<u8>,
        default: Option<Vec<u8>>,
        encoding: Encoding,
    },
    Set {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    Config {
        errmsg: Option<Vec<u8>>,
        timefmt: Option<Vec<u8>>,
    },
    If(Expr),
    Elif(Expr),
    Else,
    Endif,
    Block(Vec<u8>),
    Endblock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    None,
    Url,
    Entity,
}

/// `text`, `text = text`, `text != text`, `text = /expression/`, `text != /expression/`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expr {
    pub(crate) left: Vec<u8>,
    pub(crate) right: Option<Right>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) negated: bool,
    pub(crate) is_pattern: bool,
    pub(crate) text: Vec<u8>,
}

impl Command {
    /// `None` is a command that nobody knows, or one whose parameters don't fit.
    pub(crate) fn parse(raw: Raw) -> Option<Self> {
        let Raw {
            name,
            mut parameters,
        } = raw;
        let mut take = |wanted: &str| {
            let at = parameters
                .iter()
                .position(|(name, _)| name == wanted.as_bytes())?;
            Some(parameters.remove(at).1)
        };
        let command = match name.as_slice() {
            b"include" => {
                let (file, uri) = (take("file"), take("virtual"));
                let (set, stub) = (take("set"), take("stub"));
                let wait = take("wait");
                if !matches!(wait.as_deref(), None | Some(b"yes" | b"no")) {
                    return None;
                }
                let target = match (file, uri) {
                    (Some(target), None) | (None, Some(target)) if !target.is_empty() => target,
                    _ => return None,
                };
                if set.is_some() && stub.is_some() {
                    return None;
                }
                Self::Include { target, set, stub }
            }
            b"echo" => Self::Echo {
                name: take("var")?.to_ascii_lowercase(),
                default: take("default"),
                encoding: match take("encoding").as_deref() {
                    None | Some(b"entity") => Encoding::Entity,
                    Some(b"none") => Encoding::None,
                    Some(b"url") => Encoding::Url,
                    Some(_) => return None,
                },
            },
            b"set" => Self::Set {
                name: take("var")?.to_ascii_lowercase(),
                value: take("value")?,
            },
            b"config" => Self::Config {
                errmsg: take("errmsg"),
                timefmt: take("timefmt"),
            },
            b"if" => Self::If(Expr::parse(&take("expr")?)?),
            b"elif" => Self::Elif(Expr::parse(&take("expr")?)?),
            b"else" => Self::Else,
            b"endif" => Self::Endif,
            b"block" => Self::Block(take("name")?),
            b"endblock" => Self::Endblock,
            _ => return None,
        };
        parameters.is_empty().then_some(command)
    }
}

impl Expr {
    fn parse(text: &[u8]) -> Option<Self> {
        let Some(equals) = text.iter().position(|&b| b == b'=') else {
            let left = text.trim_ascii().to_vec();
            return Some(Self { left, right: None });
        };
        let negated = equals > 0 && text[equals - 1] == b'!';
        let left = text[..equals - usize::from(negated)].trim_ascii().to_vec();
        let right = text[equals + 1..].trim_ascii();
        let (text, is_pattern) = match right.strip_prefix(b"/") {
            Some(rest) => (rest.strip_suffix(b"/")?, true),
            None => (right, false),
        };
        let right = Right {
            negated,
            is_pattern,
            text: text.to_vec(),
        };
        Some(Self {
            left,
            right: Some(right),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::scan::{Found, scan};
    use super::*;

    fn parse(text: &str) -> Option<Command> {
        match scan(text.as_bytes(), true, 256) {
            Found::Command(_, raw) => Command::parse(raw),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parameters_fit_or_the_command_is_none() {
        let bytes = |text: &str| text.as_bytes().to_vec();
        let include = Command::Include {
            target: bytes("/a"),
            set: None,
            stub: Some(bytes("s")),
        };
        assert_eq!(
            parse(r#"<!--#include virtual="/a" stub="s" wait="yes" -->"#),
            Some(include)
        );
        for bad in [
            r#"<!--#include -->"#,
            r#"<!--#include file="a" virtual="b" -->"#,
            r#"<!--#include virtual="a" set="x" stub="y" -->"#,
            r#"<!--#include virtual="a" wait="perhaps" -->"#,
            r#"<!--#include virtual="a" more="b" -->"#,
            r#"<!--#echo var="a" encoding="b" -->"#,
            r#"<!--#echo -->"#,
            r#"<!--#exec cmd="ls" -->"#,
            r#"<!--#if expr="$a = /b" -->"#,
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_expression_has_two_sides_or_one() {
        let expr = |text: &str| Expr::parse(text.as_bytes());
        let one = expr(" $a ").expect("one side");
        assert_eq!((one.left.as_slice(), one.right), (&b"$a"[..], None));
        let two = expr("$a != /b=c/").expect("two sides");
        let right = Right {
            negated: true,
            is_pattern: true,
            text: b"b=c".to_vec(),
        };
        assert_eq!((two.left.as_slice(), two.right), (&b"$a"[..], Some(right)));
    }
}
