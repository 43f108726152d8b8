//! One bash that lives as long as a chapter, so that what a command sets the next one finds.
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(120);
/// Printed after each command; no program of the lab prints this.
const END: &str = "-=* end of the command *=-";

pub(crate) struct Shell {
    bash: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
}

impl Shell {
    /// `prepare` sets folder and environment.
    pub(crate) fn start(prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1");
        prepare(&mut command);
        let mut bash = command.spawn().unwrap();
        let mut input = bash.stdin.take().unwrap();
        let mut pipe = bash.stdout.take().unwrap();
        writeln!(input, "exec 2>&1").unwrap();
        let (sender, output) = sync_channel(64);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            bash,
            input,
            output,
        }
    }

    /// What the command printed, standard error included; ends with a line end unless it is empty.
    pub(crate) fn run(&mut self, command: &str) -> String {
        // A command reads nothing, or it would eat the next one.
        writeln!(
            self.input,
            "{{ {command}\n}} </dev/null; printf '%s' '{END}'"
        )
        .unwrap();
        let deadline = Instant::now() + PATIENCE;
        let mut printed = Vec::new();
        loop {
            match self
                .output
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(more) => printed.extend(more),
                Err(RecvTimeoutError::Timeout) => {
                    return format!("{}(no end after {PATIENCE:?})\n", lossy(&printed));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return format!("{}(the shell ended)\n", lossy(&printed));
                }
            }
            if let Some(text) = lossy(&printed).strip_suffix(END) {
                let open = !text.is_empty() && !text.ends_with('\n');
                return format!("{text}{}", if open { "\n" } else { "" });
            }
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}
