//! The configuration language, both layers, without touching the disk or the network.

use std::path::PathBuf;

use crate::config::syntax::{self, Directive};
use crate::config::{self, LoadOptions};

/// A configuration is read or refused with a report, and what was read survives being written out
/// and read again.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let error = match syntax::load_str("fuzz.conf", text) {
        Err(error) => error,
        Ok(tree) => {
            let written = write_out(&tree.directives);
            let again = syntax::load_str("again.conf", &written);
            let again = again.expect("a tree written out is good text");
            assert_eq!(write_out(&again.directives), written);
            if reaches_outside(&tree.directives) {
                return;
            }
            let nowhere = PathBuf::from("/nonexistent");
            let options = LoadOptions {
                prefix: nowhere,
                ..LoadOptions::default()
            };
            match config::build(tree, &options) {
                Err(error) => error,
                Ok(_) => return,
            }
        }
    };
    let report = format!("{error}\n{}", error.report());
    assert!(
        report.len() < 20_000 + 10 * error.message.len(),
        "a report stays readable"
    );
}

/// Logs are files, and the name of an address to listen on is looked up.
fn reaches_outside(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| {
        let mut args = directive.args.iter().map(|arg| arg.text.as_str());
        let outside = match directive.name.as_str() {
            "error_log" | "access_log" => !matches!(args.next(), Some("off" | "stderr")),
            "set_real_ip_from" | "debug_connection" => true,
            "listen" => args.next().is_some_and(|address| {
                let plain =
                    |c: char| c.is_ascii_digit() || matches!(c, '.' | ':' | '*' | '[' | ']');
                !address.starts_with("unix:") && !address.chars().all(plain)
            }),
            _ => false,
        };
        outside || reaches_outside(directive.children())
    })
}

/// The tree as text: every word quoted, so that nothing depends on what a word looks like.
fn write_out(directives: &[Directive]) -> String {
    let mut text = String::new();
    for directive in directives {
        text.push_str(&quoted(&directive.name));
        for arg in &directive.args {
            text.push(' ');
            text.push_str(&quoted(&arg.text));
        }
        match &directive.block {
            Some(block) => text.push_str(&format!(" {{\n{}}}\n", write_out(block))),
            None => text.push_str(";\n"),
        }
    }
    text
}

fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}
