//! A whole lab of one's own: free ports, its own state folder, a copy of the configuration that may be edited.
//! Tests, the browser run and the book's commands use it, so a student's running lab is never touched. It is the
//! real `cargo lab up`, as a child process, and it ends when this value is dropped or this process dies.
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::place::{Place, Running};
use crate::ports::Ports;

const START_PATIENCE: Duration = Duration::from_secs(60);

/// A running private lab.
#[derive(Debug)]
pub struct PrivateLab {
    launcher: Child,
    program: PathBuf,
    folder: tempfile::TempDir,
    place: Place,
    said: Arc<Mutex<String>>,
    pub ports: Ports,
}

impl PrivateLab {
    /// Starts the services named (empty: all) by `program up` and waits until all are well.
    pub fn start(program: &Path, root: &Path, only: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let conf = folder.path().join("proxy/conf");
        copy_folder(&root.join("proxy/conf"), &conf)?;
        let mut command = Command::new(program);
        command
            .current_dir(root)
            .args(["up", "--free-ports", "--no-build", "--until-input-ends"]);
        if !only.is_empty() {
            command.args(["--only", &only.join(",")]);
        }
        let place = Place {
            root: root.to_path_buf(),
            state: folder.path().join(".lab"),
            conf,
        };
        let mut launcher = command
            .env("LAB_STATE", &place.state)
            .env("LAB_CONF", &place.conf)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let said = Arc::new(Mutex::new(String::new()));
        collect(
            launcher.stdout.take().context("stdout is piped")?,
            Arc::clone(&said),
        );
        let mut lab = Self {
            launcher,
            program: program.into(),
            folder,
            place,
            said,
            ports: Ports::default(),
        };
        lab.ports = lab.wait_until_up()?.ports;
        Ok(lab)
    }

    fn wait_until_up(&mut self) -> Result<Running> {
        let deadline = Instant::now() + START_PATIENCE;
        while !self.said().contains("the lab is up") {
            if self.launcher.try_wait()?.is_some() || Instant::now() > deadline {
                bail!("the private lab does not come up:\n{}", self.said());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.place.must_run()
    }

    /// Everything the launcher and its services printed so far.
    pub fn said(&self) -> String {
        self.said
            .lock()
            .map(|said| said.clone())
            .unwrap_or_default()
    }

    /// The folder that looks like the workspace to a student: `proxy/conf/nginx.conf` is in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// `cargo lab ARGS` for this lab.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env("LAB_STATE", &self.place.state)
            .env("LAB_CONF", &self.place.conf);
        command.current_dir(&self.place.root).stdin(Stdio::null());
        command
    }

    /// `cargo lab ARGS`, which must succeed; what it printed.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.command(args).output()?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "cargo lab {args:?}: {printed}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(printed)
    }

    /// Changes nginx.conf as an editor would.
    pub fn edit(&self, from: &str, to: &str) -> Result<()> {
        let path = self.place.conf.join("nginx.conf");
        let text = fs::read_to_string(&path)?;
        if !text.contains(from) {
            bail!("nginx.conf has no {from:?}");
        }
        Ok(fs::write(path, text.replace(from, to))?)
    }

    /// A URL of the main lab.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.http)
    }

    /// Stops it as Ctrl-C does; what it said, all of it.
    pub fn stop(mut self) -> Result<String> {
        self.end()?;
        Ok(self.said())
    }

    fn end(&mut self) -> Result<()> {
        drop(self.launcher.stdin.take());
        self.launcher.wait()?;
        Ok(())
    }
}

impl Drop for PrivateLab {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn collect(pipe: impl std::io::Read + Send + 'static, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if let Ok(mut said) = said.lock() {
                said.push_str(&String::from_utf8_lossy(&line));
                said.push('\n');
            }
        }
    });
}

/// All files below `from`, over what `to` has already.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| from.display().to_string())?;
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
