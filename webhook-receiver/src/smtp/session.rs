//! The protocol of RFC 5321 as a state machine: a line in, what to do out. Knows nothing of sockets and stores.

/// Longest command, its line end included.
pub const LINE: usize = 2048;
/// Most recipients of one mail.
const RECIPIENTS: usize = 20;

/// What the connection does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Reply(String),
    /// Look whether this recipient has an inbox, and tell [`Session::recipient`].
    Recipient(String),
    /// Say so, then read the mail's text.
    Data,
    /// Say so, then hang up.
    Quit(String),
}

/// Who sends one mail to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    pub sender: String,
    pub recipients: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Session {
    greeted: bool,
    envelope: Option<Envelope>,
}

impl Session {
    /// Takes a command without its line end; `limit` is the largest mail.
    pub fn command(&mut self, line: &[u8], limit: usize) -> Step {
        let Ok(line) = str::from_utf8(line) else {
            return reply(500, "Not text");
        };
        if line.contains(|c: char| c.is_control()) {
            return reply(500, "Control characters");
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "HELO" | "EHLO" if rest.is_empty() => reply(501, "Who are you?"),
            "HELO" => {
                self.restart();
                reply(250, "hook.localhost")
            }
            "EHLO" => {
                self.restart();
                Step::Reply(format!(
                    "250-hook.localhost\r\n250-SIZE {limit}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n"
                ))
            }
            "MAIL" => self.mail(rest, limit),
            "RCPT" => self.rcpt(rest),
            "DATA" if !rest.is_empty() => reply(501, "DATA stands alone"),
            "DATA" if self.ready() => Step::Data,
            "DATA" => reply(503, "First MAIL and RCPT"),
            "RSET" => {
                self.envelope = None;
                reply(250, "Forgotten")
            }
            "NOOP" => reply(250, "Fine"),
            "VRFY" => reply(252, "Send and see"),
            "QUIT" => Step::Quit("221 Good-bye\r\n".to_owned()),
            "STARTTLS" | "AUTH" | "EXPN" | "HELP" | "BDAT" => reply(502, "Not here"),
            _ => reply(500, "Unknown command"),
        }
    }

    fn restart(&mut self) {
        self.greeted = true;
        self.envelope = None;
    }

    fn ready(&self) -> bool {
        let envelope = self.envelope.as_ref();
        envelope.is_some_and(|envelope| !envelope.recipients.is_empty())
    }

    fn mail(&mut self, rest: &str, limit: usize) -> Step {
        if !self.greeted || self.envelope.is_some() {
            return reply(503, "Not now");
        }
        let Some((sender, parameters)) = path(rest, "FROM:") else {
            return reply(501, "Write MAIL FROM:<address>");
        };
        for parameter in parameters.split_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (name.to_ascii_uppercase().as_str(), value.parse::<usize>()) {
                ("SIZE", Ok(size)) if size > limit => return reply(552, "Too large"),
                ("SIZE", Ok(_)) | ("BODY" | "SMTPUTF8", _) => {}
                _ => return reply(555, "Unknown parameter"),
            }
        }
        let sender = sender.to_owned();
        self.envelope = Some(Envelope {
            sender,
            recipients: Vec::new(),
        });
        reply(250, "Go on")
    }

    fn rcpt(&mut self, rest: &str) -> Step {
        let Some(envelope) = &self.envelope else {
            return reply(503, "First MAIL");
        };
        if envelope.recipients.len() >= RECIPIENTS {
            return reply(452, "Too many recipients");
        }
        match path(rest, "TO:") {
            Some((address, "")) if !address.is_empty() => Step::Recipient(address.to_owned()),
            Some((_, parameters)) if !parameters.is_empty() => reply(555, "Unknown parameter"),
            _ => reply(501, "Write RCPT TO:<address>"),
        }
    }

    /// The answer to the last [`Step::Recipient`]: only those with an inbox here are taken, mail for others is never
    /// passed on.
    pub fn recipient(&mut self, address: String, known: bool) -> String {
        match (&mut self.envelope, known) {
            (Some(envelope), true) => {
                envelope.recipients.push(address);
                "250 Go on\r\n".to_owned()
            }
            _ => "550 No such inbox here, and mail is not passed on\r\n".to_owned(),
        }
    }

    /// The envelope of the mail whose text has come.
    pub fn take(&mut self) -> Envelope {
        self.envelope.take().unwrap_or_default()
    }
}

fn reply(code: u16, text: &str) -> Step {
    Step::Reply(format!("{code} {text}\r\n"))
}

/// The address in `FROM:<address> parameters`, and the parameters.
fn path<'a>(text: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = text.get(..keyword.len())?;
    let rest = head
        .eq_ignore_ascii_case(keyword)
        .then(|| text[keyword.len()..].trim_start())?;
    let (address, parameters) = rest.strip_prefix('<')?.split_once('>')?;
    let plain = address.len() <= 320 && !address.contains(['<', ' ']);
    let apart = parameters.is_empty() || parameters.starts_with(' ');
    (plain && apart).then(|| (address, parameters.trim()))
}

/// The token in an address: what stands before `@`, without a `+tag`.
pub fn token(address: &str) -> Option<&str> {
    let (local, domain) = address.rsplit_once('@')?;
    let token = local.split('+').next()?;
    (!token.is_empty() && !domain.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(session: &mut Session, line: &str) -> String {
        match session.command(line.as_bytes(), 1000) {
            Step::Reply(text) | Step::Quit(text) => text[..3].to_owned(),
            Step::Recipient(address) => {
                session.recipient(address.clone(), address.starts_with("tok"))[..3].to_owned()
            }
            Step::Data => "354".to_owned(),
        }
    }

    #[test]
    fn commands_come_in_their_order() {
        let mut session = Session::default();
        for (line, expected) in [
            ("MAIL FROM:<a@b>", "503"),
            ("EHLO", "501"),
            ("ehlo me", "250"),
            ("DATA", "503"),
            ("RCPT TO:<tok@hook>", "503"),
            ("MAIL FROM:a@b", "501"),
            ("MAIL FROM:<a@b> SIZE=1001", "552"),
            ("MAIL FROM:<a@b> X=1", "555"),
            ("MAIL FROM:<> SIZE=10 BODY=8BITMIME", "250"),
            ("MAIL FROM:<a@b>", "503"),
            ("DATA", "503"),
            ("RCPT TO:<other@hook>", "550"),
            ("RCPT TO:<>", "501"),
            ("RCPT TO:<tok+tag@hook>", "250"),
            ("DATA now", "501"),
            ("DATA", "354"),
            ("NOOP", "250"),
            ("AUTH PLAIN x", "502"),
            ("FOO\u{e9}", "500"),
            ("NO\0P", "500"),
            ("RSET", "250"),
            ("DATA", "503"),
            ("QUIT", "221"),
        ] {
            assert_eq!(code(&mut session, line), expected, "{line}");
        }
        assert!(
            matches!(session.command(b"\xff", 9), Step::Reply(text) if text.starts_with("500"))
        );
    }

    #[test]
    fn the_token_is_the_local_part_without_its_tag() {
        for (address, expected) in [
            ("tok@hook", Some("tok")),
            ("tok+a+b@hook", Some("tok")),
            ("\"a@b\"@hook", Some("\"a@b\"")),
            ("@hook", None),
            ("tok@", None),
            ("tok", None),
        ] {
            assert_eq!(token(address), expected, "{address}");
        }
    }
}
