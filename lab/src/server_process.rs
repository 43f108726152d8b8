//! A program that listens on a port: started, waited for, and ended when its owner drops it.
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::place;

const START_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) port: u16,
}

impl ServerProcess {
    /// Starts it and waits until somebody listens; what it printed goes to `NAME.stdout` and `NAME.stderr`.
    pub(crate) fn start(
        mut command: Command,
        port: u16,
        folder: &Path,
        name: &str,
    ) -> Result<Self> {
        let errors = folder.join(format!("{name}.stderr"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(folder.join(format!("{name}.stdout")))?)
            .stderr(File::create(&errors)?)
            .spawn()
            .with_context(|| command.get_program().display().to_string())?;
        let mut process = Self { child, port };
        let deadline = Instant::now() + START_PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if process.child.try_wait()?.is_some() || Instant::now() > deadline {
                let said = std::fs::read_to_string(errors).unwrap_or_default();
                bail!(
                    "{} does not start:\n{said}",
                    command.get_program().display()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(process)
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().cast_signed()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // A master must end its workers, so not SIGKILL.
        let _ = place::signal(self.pid(), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// A port that nobody has at this moment.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}
