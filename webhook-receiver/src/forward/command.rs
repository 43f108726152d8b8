//! `webhook-receiver forward`: brings a token's events to a server on the student's own machine and the server's
//! answers back to the senders. In order, one after the other; an event is passed over only when it is delivered or
//! buried. Runs until Ctrl-C.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use service::Shutdown;
use tokio::time::sleep;

use super::courier::{Answer, Courier};
use super::parcel::Parcel;
use super::progress::{DeadLetter, Progress};
use super::remote::{Arrival, Line, LineError, Receiver};
use super::schedule::Schedule;
use crate::target::{Refused, Targets};

/// What to forward, and where to.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The token (or its alias)
    #[arg(long, env = "WH_TOKEN")]
    token: String,
    /// Where the events go; their path and query are added
    #[arg(long, env = "WH_TARGET")]
    target: String,
    /// The receiver
    #[arg(long, env = "WH_API", default_value = "http://localhost:8004")]
    server: String,
    /// Send everything to exactly the target, without the event's path and query
    #[arg(long)]
    keep_url: bool,
    /// Seconds for which a sender waits for the target's answer; 0 is one way: the sender gets the inbox's own answer,
    /// and whatever the target doesn't answer with 2xx is tried again
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=10))]
    listen_timeout: u64,
    /// Begin with the oldest event that the inbox holds, not with the next one (a known progress comes first)
    #[arg(long)]
    from_start: bool,
    /// Attempts for each event, before it is written to dead.jsonl
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    attempts: u32,
    /// Milliseconds of the first pause at most; it doubles with each failure, up to 30 s
    #[arg(long, default_value_t = 500)]
    pause_ms: u64,
    /// Folder for the progress and the dead letters; ~/.local/state/webhook-receiver/TOKEN if left out
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
}

/// Why the forwarder ends.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    #[error("the target can't be used")]
    Target(#[from] Refused),
    #[error("the token {0:?} is malformed")]
    Token(String),
    #[error("the receiver has no token {0:?}")]
    NoToken(String),
    #[error("no client could be made")]
    Client(#[from] reqwest::Error),
    #[error("the folder for the progress can't be used; name one with --state")]
    Progress(#[source] std::io::Error),
}

/// Longest pause, between attempts and between connections.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long the target may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Forwards until `shutdown`.
pub async fn run(arguments: &Arguments, shutdown: &Shutdown) -> Result<(), ForwardError> {
    let mut forwarder = Forwarder::new(arguments)?;
    tokio::select! {
        ended = forwarder.stay_connected() => ended,
        () = shutdown.triggered() => Ok(()),
    }
}

struct Forwarder {
    token: String,
    receiver: Receiver,
    courier: Courier,
    schedule: Schedule,
    progress: Progress,
    listen: u64,
}

impl Forwarder {
    fn new(arguments: &Arguments) -> Result<Self, ForwardError> {
        let token = arguments.token.clone();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if token.is_empty() || !token.bytes().all(plain) {
            return Err(ForwardError::Token(token));
        }
        let folder = arguments
            .state
            .clone()
            .unwrap_or_else(|| default_folder(&token));
        let mut progress = Progress::open(&folder).map_err(ForwardError::Progress)?;
        if arguments.from_start && progress.cursor.is_none() {
            progress.cursor = Some(0);
        }
        let courier = Courier::new(
            Targets::any(),
            &arguments.target,
            arguments.keep_url,
            ANSWER_WITHIN,
        )?;
        tracing::info!(token, target = arguments.target, progress = %folder.display(), "forwarding");
        Ok(Self {
            receiver: Receiver::new(&arguments.server, &token)?,
            courier,
            schedule: Schedule {
                attempts: arguments.attempts,
                first: Duration::from_millis(arguments.pause_ms),
                longest: LONGEST_PAUSE,
            },
            progress,
            listen: arguments.listen_timeout,
            token,
        })
    }

    /// Connects again and again, each time behind the last event that is done with.
    async fn stay_connected(&mut self) -> Result<(), ForwardError> {
        let reconnect = Schedule {
            attempts: u32::MAX,
            ..self.schedule
        };
        let mut failed = 0;
        loop {
            let error = match self
                .receiver
                .connect(self.progress.cursor, self.listen)
                .await
            {
                Ok(line) => {
                    failed = 0;
                    self.follow(line).await?
                }
                Err(error) => error,
            };
            if matches!(error, LineError::NoToken) {
                return Err(ForwardError::NoToken(self.token.clone()));
            }
            failed += 1;
            let pause = reconnect
                .pause(failed, None, rand::random())
                .unwrap_or(LONGEST_PAUSE);
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                ?pause,
                "line broken, connecting again"
            );
            sleep(pause).await;
        }
    }

    /// Forwards what comes along one line, until it breaks.
    async fn follow(&mut self, mut line: Line) -> Result<LineError, ForwardError> {
        loop {
            match line.next().await {
                Ok(Arrival::Ready(sequence)) => {
                    tracing::info!(sequence, "connected");
                    // From now on a reconnect goes on here, also before the first event.
                    self.progress.cursor.get_or_insert(sequence);
                }
                Ok(Arrival::Parcel(parcel)) => {
                    self.forward(&parcel).await?;
                    self.progress
                        .done(parcel.sequence)
                        .map_err(ForwardError::Progress)?;
                }
                Err(error) => return Ok(error),
            }
        }
    }

    /// Forwards one event, as often as it takes.
    async fn forward(&mut self, parcel: &Parcel) -> Result<(), ForwardError> {
        let mut failed = 0;
        loop {
            let carried = self.courier.carry(parcel).await;
            let (reason, asked, last) = match carried {
                Ok(answer) if self.settles(&answer) => {
                    let (id, status) = (parcel.id, answer.status);
                    tracing::info!(sequence = parcel.sequence, %id, status, "forwarded");
                    self.pass_back(parcel, &answer).await;
                    return Ok(());
                }
                Ok(answer) => (
                    format!("answered {}", answer.status),
                    answer.retry_after(),
                    false,
                ),
                Err(failure) => (failure.to_string(), None, failure.is_final()),
            };
            failed += 1;
            let pause = self
                .schedule
                .pause(failed, asked, rand::random())
                .filter(|_| !last);
            let Some(pause) = pause else {
                return self.bury(parcel, failed, &reason);
            };
            tracing::warn!(sequence = parcel.sequence, id = %parcel.id, reason, failed, ?pause, "trying again");
            sleep(pause).await;
        }
    }

    /// Two ways, any answer is the sender's business, who decides about another try; one way, only success is the end.
    fn settles(&self, answer: &Answer) -> bool {
        self.listen > 0 || answer.is_success()
    }

    async fn pass_back(&self, parcel: &Parcel, answer: &Answer) {
        if self.listen == 0 {
            return;
        }
        // The sender may be gone; the event is delivered all the same.
        match self.receiver.answer(parcel.id, answer).await {
            Ok(true) => {}
            Ok(false) => tracing::debug!(id = %parcel.id, "the sender no longer waits"),
            Err(error) => tracing::warn!(id = %parcel.id, %error, "the answer did not get back"),
        }
    }

    fn bury(&self, parcel: &Parcel, attempts: u32, reason: &str) -> Result<(), ForwardError> {
        tracing::error!(sequence = parcel.sequence, id = %parcel.id, reason, attempts, "dead letter");
        let letter = DeadLetter {
            request: parcel.id,
            sequence: parcel.sequence,
            attempts,
            reason,
            at: jiff::Timestamp::now().to_string(),
        };
        self.progress.bury(&letter).map_err(ForwardError::Progress)
    }
}

fn default_folder(token: &str) -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    let state = state.unwrap_or_else(|| home().join(".local/state"));
    state.join("webhook-receiver").join(token)
}
