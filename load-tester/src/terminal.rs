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
    let known = "{bar:30} {pos}/{len} {per_sec} {msg}";
    let style = ProgressStyle::with_template(if options.requests.is_some() {
        known
    } else {
        "{spinner} {pos} {per_sec} {msg}"
    });
    line.set_style(style.expect("the template is valid"));
    let shown = line.clone();
    thread::spawn(move || {
        while !shown.is_finished() {
            let (done, failed) = progress.finished();
            shown.set_position(done);
            shown.set_message(if failed > 0 {
                format!("{failed} failed")
            } else {
                String::new()
            });
            thread::sleep(Duration::from_millis(100));
        }
    });
    line
}
