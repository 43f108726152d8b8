//! What happens on the terminal while the run goes on: a progress line, and Ctrl-C.

use std::{sync::Arc, thread, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use load_tester::{Options, Progress};

/// Ctrl-C ends the run: answers on their way are awaited for a second at most, and the report covers what was done.
pub(crate) fn stop_on_ctrl_c(progress: Arc<Progress>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    thread::Builder::new()
        .name("ctrl-c".into())
        .spawn(move || {
            runtime.block_on(async {
                while tokio::signal::ctrl_c().await.is_ok() {
                    progress.stop();
                }
            });
        })?;
    Ok(())
}

/// A line on the terminal that says how far the run is. It goes to stderr: stdout is for the result.
pub(crate) fn show(options: &Options, progress: Arc<Progress>) -> ProgressBar {
    let line = ProgressBar::new(options.requests.unwrap_or(0));
    let template = match options.requests {
        Some(_) => "{bar:30} {pos} of {len}{msg}",
        None => "{spinner} {elapsed} {pos} requests{msg}",
    };
    line.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    let shown = line.clone();
    thread::spawn(move || {
        while !shown.is_finished() {
            let (done, failed) = progress.finished();
            let rate = done as f64 / shown.elapsed().as_secs_f64();
            shown.set_position(done);
            shown.set_message(match failed {
                0 => format!(", {rate:.0} a second"),
                _ => format!(", {rate:.0} a second, {failed} failed"),
            });
            thread::sleep(Duration::from_millis(100));
        }
    });
    line
}
