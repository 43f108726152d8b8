//! Text that is looked for, letters of either case alike; `*` stands for any text and `?` for one character.

/// A literal or a pattern, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    One,
    Any,
}

impl Pattern {
    /// Every character means itself.
    pub(super) fn literal(text: &str) -> Self {
        Self(lower(text).map(Piece::Char).collect())
    }

    /// `*` and `?` have their meaning unless a backslash takes it.
    pub(super) fn wild(text: &str) -> Self {
        let (mut pieces, mut escaped) = (Vec::new(), false);
        for character in lower(text) {
            match character {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '*' if !escaped => pieces.push(Piece::Any),
                '?' if !escaped => pieces.push(Piece::One),
                other => pieces.push(Piece::Char(other)),
            }
            escaped = false;
        }
        Self(pieces)
    }

    /// Whether the whole of `text` is meant.
    pub(super) fn is(&self, text: &str) -> bool {
        let text: Vec<char> = lower(text).collect();
        whole(&self.0, &text)
    }

    /// Whether it occurs in `text`.
    pub(super) fn occurs_in(&self, text: &str) -> bool {
        let literal: Option<String> = self.0.iter().map(|piece| piece.literal()).collect();
        match literal {
            Some(literal) => text.to_lowercase().contains(&literal),
            None => {
                let inner = self.0.iter().copied();
                let pieces: Vec<_> = [Piece::Any]
                    .into_iter()
                    .chain(inner)
                    .chain([Piece::Any])
                    .collect();
                let text: Vec<char> = lower(text).collect();
                whole(&pieces, &text)
            }
        }
    }
}

impl Piece {
    const fn literal(self) -> Option<char> {
        match self {
            Self::Char(character) => Some(character),
            Self::One | Self::Any => None,
        }
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

/// Matches without recursion: after a mismatch only the last `*` takes one character more, so the time is at most
/// pattern times text.
fn whole(pieces: &[Piece], text: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                star = Some((piece + 1, at));
                piece += 1;
            }
            Some(Piece::One) => (piece, at) = (piece + 1, at + 1),
            Some(Piece::Char(character)) if *character == text[at] => {
                (piece, at) = (piece + 1, at + 1);
            }
            Some(Piece::Char(_)) | None => match star {
                Some((behind, taken)) => {
                    star = Some((behind, taken + 1));
                    (piece, at) = (behind, taken + 1);
                }
                None => return false,
            },
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, is, occurs) in [
            ("post", "POST", true, true),
            ("pos", "POST", false, true),
            ("p*t", "POST", true, true),
            ("p?st", "post", true, true),
            ("p??st", "post", false, false),
            ("a*b*c", "xxaxxbxxcxx", false, true),
            ("*", "", true, true),
            ("\\*", "*", true, true),
            ("\\*", "a", false, false),
            ("\u{c9}t\u{e9}", "\u{e9}T\u{c9}", true, true),
        ] {
            let compiled = Pattern::wild(pattern);
            assert_eq!(compiled.is(text), is, "{pattern} is {text}");
            assert_eq!(compiled.occurs_in(text), occurs, "{pattern} in {text}");
        }
        assert!(!Pattern::literal("a*").is("ab"));
    }
}
