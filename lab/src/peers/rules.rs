//! Differences that are meant and concern every configuration. A difference that a rule explains is counted under
//! its reason; a site marked `strict` allows none.

/// Takes out of an answer what the rule is about; equal afterwards means: this is the only difference.
pub(super) struct Rule {
    pub(super) reason: &'static str,
    pub(super) without: fn(&str) -> String,
}

pub(super) const RULES: &[Rule] = &[Rule {
    reason: "backends are spoken to in HTTP/1.1 and connections to them are kept, as nginx does since 1.29.7; \
             Debian's is older and sends HTTP/1.0 with Connection: close",
    without: without_backend_version,
}];

/// The first rule that makes both answers equal.
pub(super) fn explain(expected: &str, got: &str) -> Option<usize> {
    RULES
        .iter()
        .position(|rule| (rule.without)(expected) == (rule.without)(got))
}

/// Only in what a backend saw; the client's side of the answer stays under comparison.
fn without_backend_version(answer: &str) -> String {
    let Some(at) = answer.find("\nbackend ") else {
        return answer.to_owned();
    };
    let (head, seen) = answer.split_at(at);
    // What was seen is the body, so its length is another one.
    let head = head
        .lines()
        .filter(|line| !line.starts_with("content-length:"));
    let seen = seen.lines().filter(|line| *line != "Connection: close");
    let seen = seen.map(|line| {
        line.strip_suffix(" HTTP/1.0")
            .or_else(|| line.strip_suffix(" HTTP/1.1"))
            .unwrap_or(line)
    });
    head.chain(seen).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_towards_the_backend_is_explained() {
        let nginx = "HTTP/1.1 200 OK\ncontent-length: 9\n\nbackend a saw\nGET /1 HTTP/1.0\nConnection: close\nHost: a";
        let ours = "HTTP/1.1 200 OK\ncontent-length: 5\n\nbackend a saw\nGET /1 HTTP/1.1\nHost: a";
        assert_eq!(explain(nginx, ours), Some(0));
        assert_eq!(explain(nginx, &ours.replace("Host: a", "Host: b")), None);
        assert_eq!(explain(nginx, &ours.replace("200 OK", "201 OK")), None);
    }
}
