//! The checkout: line ends that Linux containers can read, and a file the student has not broken.
use super::{Finding, output_of};
use crate::place::Place;

pub(super) fn look(place: &Place) -> Vec<Finding> {
    vec![line_ends(place), configuration(place)]
}

/// Windows checkouts with `core.autocrlf` turn scripts and configuration into something Linux cannot read.
fn line_ends(place: &Place) -> Finding {
    let root = place.root.display().to_string();
    let Some(listed) = output_of("git", &["-C", &root, "ls-files", "--eol"]) else {
        return Finding::Note(
            "no git, or no checkout".into(),
            "line ends were not looked at".into(),
        );
    };
    let wrong = with_carriage_returns(&listed);
    match wrong.first() {
        None => Finding::Well("all files have Linux line ends".into()),
        Some(first) => Finding::Fault(
            format!("{} files have Windows line ends (CRLF), such as {first}", wrong.len()),
            "git config core.autocrlf input; then `git rm -rq --cached . && git reset --hard` (commit your work first)"
                .into(),
        ),
    }
}

/// Paths of `git ls-files --eol` whose working copy has CRLF, unless .gitattributes says that they are no text.
fn with_carriage_returns(listed: &str) -> Vec<&str> {
    let rows = listed
        .lines()
        .filter(|row| row.contains("w/crlf") || row.contains("w/mixed"))
        .filter(|row| !row.contains("attr/-text"));
    rows.filter_map(|row| row.split('\t').next_back()).collect()
}

fn configuration(place: &Place) -> Finding {
    let file = place.conf.join("nginx.conf");
    if file.is_file() {
        return Finding::Well(format!("{} is there", file.display()));
    }
    Finding::Fault(
        format!("no {}", file.display()),
        "git checkout proxy/conf/nginx.conf brings it back".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriage_returns_in_the_working_copy_count_those_in_the_index_do_not() {
        let listed = "i/lf    w/crlf  attr/text=auto \tproxy/conf/nginx.conf\n\
                      i/crlf  w/lf    attr/text=auto \tREADME.md\n\
                      i/crlf  w/crlf  attr/-text     \tproxy/fuzz/seeds/chunk\n\
                      i/lf    w/lf    attr/text=auto \tCargo.toml";
        assert_eq!(with_carriage_returns(listed), ["proxy/conf/nginx.conf"]);
    }
}
