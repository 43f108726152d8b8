//! `websocket-chat join ROOM --name N`: the chat in a terminal, on tokio-tungstenite's client side. Takes lines from
//! standard input; what others say goes to standard output, what happens to standard error. Reconnects by itself.

mod conversation;
mod link;

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use conversation::{Conversation, Reaction, Shown};
use link::{Link, Url};

/// Longer silence than any heartbeat: the server or the way to it is gone, even if nobody said so.
const SILENCE: Duration = Duration::from_secs(60);
/// Lines that wait while there is no connection.
const TYPED_AHEAD: usize = 64;
/// At the end of the input, how long the last words may take to be confirmed.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct JoinOptions {
    /// The room
    room: String,
    /// What others see
    #[arg(long)]
    name: String,
    /// The chat's address
    #[arg(long, default_value = "ws://localhost:8003/chat")]
    url: Url,
    /// Leave after so many lines by others or oneself
    #[arg(long, value_name = "LINES")]
    until: Option<usize>,
}

/// Why a connection ended.
enum End {
    /// The person is done.
    Done,
    /// It is worth trying again.
    Cut(String),
    GiveUp(String),
}

/// Talks until the input ends or somebody types /quit.
pub async fn join(options: JoinOptions) -> anyhow::Result<ExitCode> {
    let mut talk = Talk {
        conversation: Conversation::new(options.room, options.name),
        lines: standard_input()?,
        input_ended: None,
        left: options.until,
    };
    let mut tries = 0;
    loop {
        let end = match link::open(&options.url).await {
            Ok(link) => {
                let began = Instant::now();
                let end = talk.over(link).await;
                // A connection that held is no reason to wait long for the next.
                tries = if began.elapsed() > SILENCE / 6 {
                    0
                } else {
                    tries
                };
                end
            }
            Err(error) => End::Cut(format!("{error:#}")),
        };
        match end {
            End::Done => return Ok(ExitCode::SUCCESS),
            End::GiveUp(why) => {
                notice(&why);
                return Ok(ExitCode::FAILURE);
            }
            End::Cut(why) if talk.is_late() => {
                let waiting = talk.conversation.waiting();
                notice(&format!("{why}; {waiting} messages were not confirmed"));
                return Ok(ExitCode::FAILURE);
            }
            End::Cut(why) => {
                let pause = link::pause(tries);
                tries += 1;
                notice(&format!("{why}; again in {:.1} s", pause.as_secs_f64()));
                tokio::time::sleep(pause).await;
            }
        }
    }
}

struct Talk {
    conversation: Conversation,
    lines: mpsc::Receiver<String>,
    input_ended: Option<Instant>,
    /// Lines still to be shown before it leaves; None if it stays.
    left: Option<usize>,
}

impl Talk {
    async fn over(&mut self, mut link: Link) -> End {
        match self.talk(&mut link).await {
            Ok(end) => end,
            Err(error) => End::Cut(format!("{error:#}")),
        }
    }

    async fn talk(&mut self, link: &mut Link) -> anyhow::Result<End> {
        send(link, &self.conversation.hello()).await?;
        let mut silence = Instant::now() + SILENCE;
        while !self.is_done() {
            let until = self
                .input_ended
                .map_or(silence, |ended| silence.min(ended + LAST_WORDS));
            tokio::select! {
                line = self.lines.recv(), if self.input_ended.is_none() => match line.as_deref().map(str::trim) {
                    Some("/quit") | None => self.input_ended = Some(Instant::now()),
                    Some(line) => self.typed(link, line).await?,
                },
                heard = timeout_at(until, link.next()) => {
                    let heard = heard.context("the server is silent")?;
                    silence = Instant::now() + SILENCE;
                    match heard.context("the connection was cut")?? {
                        Message::Text(text) => {
                            if let Some(end) = self.heard(link, &text).await? {
                                return Ok(end);
                            }
                        }
                        Message::Close(frame) => return Ok(closed(frame)),
                        _ => {}
                    }
                }
            }
        }
        // Fails only if the server is gone; then there is nobody to say goodbye to.
        let _ = link.close(None).await;
        Ok(End::Done)
    }

    /// With `--until`, when so much was seen; else when the input has ended and all of it is confirmed.
    fn is_done(&self) -> bool {
        match self.left {
            Some(left) => left == 0 && self.conversation.is_confirmed(),
            None => self.input_ended.is_some() && self.conversation.is_confirmed(),
        }
    }

    fn is_late(&self) -> bool {
        self.left.is_none()
            && self
                .input_ended
                .is_some_and(|ended| ended.elapsed() > LAST_WORDS)
    }

    async fn typed(&mut self, link: &mut Link, line: &str) -> anyhow::Result<()> {
        let message = match line
            .strip_prefix("/msg ")
            .and_then(|rest| rest.split_once(' '))
        {
            Some((to, text)) => self.conversation.tell(to.to_owned(), text.to_owned()),
            None if line.is_empty() => None,
            None => self.conversation.say(line.to_owned()),
        };
        match message {
            Some(message) => send(link, &message).await,
            None => Ok(()),
        }
    }

    async fn heard(&mut self, link: &mut Link, text: &str) -> anyhow::Result<Option<End>> {
        let message = serde_json::from_str(text).context("the server speaks another protocol")?;
        let Reaction { say, show, give_up } = self.conversation.hear(message);
        for shown in show {
            self.show(&shown);
        }
        for message in say {
            send(link, &message).await?;
        }
        Ok(give_up.map(End::GiveUp))
    }

    #[expect(clippy::print_stdout, reason = "this is what the command is for")]
    fn show(&mut self, shown: &Shown) {
        match shown {
            Shown::Line(line) => {
                println!("{}", printable(line));
                self.left = self.left.map(|left| left.saturating_sub(1));
            }
            Shown::Notice(text) => notice(text),
        }
    }
}

/// 1008 says that we did wrong, 1002 and 1003 that we don't understand each other: trying again would change nothing.
fn closed(frame: Option<tokio_tungstenite::tungstenite::protocol::CloseFrame>) -> End {
    let Some(frame) = frame else {
        return End::Cut("the server closed".to_owned());
    };
    let why = format!("the server closed: {} {}", frame.code, frame.reason);
    match frame.code {
        CloseCode::Policy | CloseCode::Protocol | CloseCode::Unsupported => End::GiveUp(why),
        _ => End::Cut(why),
    }
}

async fn send(link: &mut Link, message: &crate::protocol::ClientMessage) -> anyhow::Result<()> {
    let text = serde_json::to_string(message).context("our own message")?;
    Ok(link.send(Message::text(text)).await?)
}

fn notice(text: &str) {
    eprintln!("* {}", printable(text));
}

/// What others write must not move our cursor or colour our screen.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// A thread of its own, since nobody can interrupt a read from a terminal; it ends with the program.
fn standard_input() -> anyhow::Result<mpsc::Receiver<String>> {
    let (sender, lines) = mpsc::channel(TYPED_AHEAD);
    std::thread::Builder::new()
        .name("standard input".to_owned())
        .spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        })
        .context("no thread for standard input")?;
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_others_are_not_printed() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
