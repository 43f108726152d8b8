//! How a process ends: it is asked once (signal or [`Shutdown::trigger`]), stops accepting and drains; asked a second
//! time it drops what is left. Everybody who must know holds a clone.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A clonable handle: triggered once for the whole service.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    asked: CancellationToken,
    hurried: CancellationToken,
}

impl Shutdown {
    /// A handle that only [`trigger`](Self::trigger) fires: for tests and for the launcher.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handle that SIGINT (Ctrl-C) and SIGTERM (`docker stop`) fire, too.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let (interrupt, terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        // Ends with the process: a second signal may come at any time.
        tokio::spawn(shutdown.clone().listen(interrupt, terminate));
        Ok(shutdown)
    }

    async fn listen(self, mut interrupt: Signal, mut terminate: Signal) {
        for token in [&self.asked, &self.hurried] {
            let name = tokio::select! {
                _ = interrupt.recv() => "SIGINT",
                _ = terminate.recv() => "SIGTERM",
            };
            tracing::info!(signal = name, "shutdown asked for");
            token.cancel();
        }
    }

    /// Asks the service to stop.
    pub fn trigger(&self) {
        self.asked.cancel();
    }

    /// Waits until somebody asks.
    pub async fn triggered(&self) {
        self.asked.cancelled().await;
    }

    /// Waits until somebody asks a second time: don't drain any longer.
    pub async fn hurried(&self) {
        self.hurried.cancelled().await;
    }
}
