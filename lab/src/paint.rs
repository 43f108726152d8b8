//! Colours for a terminal, none for a pipe or when NO_COLOR is set.
use std::io::IsTerminal;
use std::sync::LazyLock;

static COLOURED: LazyLock<bool> =
    LazyLock::new(|| std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());

fn ansi(code: &str, text: &str) -> String {
    if *COLOURED {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

pub(crate) fn green(text: &str) -> String {
    ansi("32", text)
}

pub(crate) fn red(text: &str) -> String {
    ansi("31", text)
}

pub(crate) fn yellow(text: &str) -> String {
    ansi("33", text)
}

pub(crate) fn bold(text: &str) -> String {
    ansi("1", text)
}

/// One of six colours that stay readable on light and dark, so that each service keeps its own.
pub(crate) fn nth(index: usize, text: &str) -> String {
    let codes = ["36", "35", "34", "33", "32", "96"];
    ansi(codes[index % codes.len()], text)
}
