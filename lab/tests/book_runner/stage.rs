//! Where a chapter is played: a private lab whose `curl`, `docker` and `cargo` are ours, or the compose lab itself.
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use lab::binaries::Binaries;
use lab::ports::Ports;
use lab::private_lab::PrivateLab;
use snapbox::IntoData;

use super::chapter::{Chapter, Needs, Step};
use super::shell::Shell;

/// What came of a chapter.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) skipped: usize,
    pub(crate) failures: Vec<String>,
}

pub(crate) enum Stage {
    Docker {
        root: PathBuf,
        program: PathBuf,
    },
    Private {
        root: PathBuf,
        program: PathBuf,
    },
    /// This machine as it is; only what needs a swarm is run.
    Swarm {
        root: PathBuf,
    },
}

impl Stage {
    pub(crate) fn docker(root: &Path, program: &str) -> Self {
        Self::Docker {
            root: root.into(),
            program: program.into(),
        }
    }

    pub(crate) fn without_docker(root: &Path, program: &str) -> Self {
        Binaries::beside_this_executable()
            .unwrap()
            .build_if_stale(root)
            .unwrap();
        Self::Private {
            root: root.into(),
            program: program.into(),
        }
    }

    fn has(&self, needs: Needs) -> bool {
        match self {
            Self::Private { .. } => needs == Needs::Nothing,
            Self::Docker { .. } => needs != Needs::Swarm,
            Self::Swarm { .. } => needs == Needs::Swarm,
        }
    }

    /// Runs what this stage has the means for, and counts the rest.
    pub(crate) fn play(&self, chapter: &Chapter) -> Outcome {
        let (played, skipped): (Vec<_>, Vec<_>) = chapter
            .commands
            .iter()
            .partition(|step| self.has(step.needs));
        let failures = match self {
            _ if played.is_empty() => Vec::new(),
            Self::Docker { root, program } => play_in_docker(root, program, chapter, &played),
            Self::Private { root, program } => play_privately(root, program, chapter, &played),
            Self::Swarm { root } => {
                let mut shell = Shell::start(|command| {
                    command.current_dir(root);
                });
                play_steps(&mut shell, chapter, &played)
            }
        };
        Outcome {
            skipped: skipped.len(),
            failures,
        }
    }
}

fn play_privately(root: &Path, program: &Path, chapter: &Chapter, steps: &[&Step]) -> Vec<String> {
    let lab = PrivateLab::start(program, root, &[]).unwrap();
    lend_workspace(root, lab.folder());
    let shims = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("curl", include_str!("shims/curl.sh")),
        ("docker", include_str!("shims/docker.sh")),
        ("cargo", include_str!("shims/cargo.sh")),
    ] {
        install(shims.path(), name, text);
    }
    let mut shell = Shell::start(|command| {
        with_shims(command, shims.path(), &lab.ports);
        command.current_dir(lab.folder()).env("LAB", program);
        command
            .env("LAB_STATE", &lab.place().state)
            .env("LAB_CONF", &lab.place().conf);
    });
    play_steps(&mut shell, chapter, steps)
}

fn play_steps(shell: &mut Shell, chapter: &Chapter, steps: &[&Step]) -> Vec<String> {
    let played = steps.iter().map(|step| play_step(shell, chapter, step));
    played.flatten().collect()
}

/// The real thing: a fresh proxy and backends for each chapter, and the student's file as it was. What a chapter's
/// commands write beside it goes to a folder of its own.
fn play_in_docker(root: &Path, program: &Path, chapter: &Chapter, steps: &[&Step]) -> Vec<String> {
    let conf = root.join("proxy/conf/nginx.conf");
    let original = fs::read(&conf).unwrap();
    let fresh = Command::new("docker")
        .args([
            "compose",
            "up",
            "-d",
            "--wait",
            "--force-recreate",
            "--quiet-pull",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        fresh.status.success(),
        "{}",
        String::from_utf8_lossy(&fresh.stderr)
    );
    let shims = tempfile::tempdir().unwrap();
    install(shims.path(), "curl", include_str!("shims/curl.sh"));
    // Already built, and not to be confused by a lab without Docker that runs beside.
    install(shims.path(), "cargo", include_str!("shims/cargo.sh"));
    let folder = tempfile::tempdir().unwrap();
    link_all(root, folder.path(), &[".lab", "target", ".git"]);
    let mut shell = Shell::start(|command| {
        with_shims(command, shims.path(), &Ports::of_compose().unwrap());
        // Compose takes relative paths, and .env, from where the named file is.
        command
            .current_dir(folder.path())
            .env("COMPOSE_FILE", root.join("compose.yaml"))
            .env("LAB", program)
            .env("LAB_STATE", shims.path().join(".lab"));
    });
    let failures = play_steps(&mut shell, chapter, steps);
    fs::write(&conf, original).unwrap();
    failures
}

fn play_step(shell: &mut Shell, chapter: &Chapter, step: &Step) -> Option<String> {
    // Empty lines at the end are seen neither on a terminal nor in the book.
    let printed = trimmed(&shell.run(&step.command));
    let compared = snapbox::Assert::new()
        .palette(snapbox::report::Palette::plain())
        .try_eq(
            None,
            printed.clone().into_data(),
            trimmed(&step.expected).into_data(),
        );
    let error = compared.err()?;
    Some(format!(
        "{}:{}\n$ {}\n{error}\nprinted:\n{printed}",
        chapter.name, step.line, step.command
    ))
}

fn trimmed(text: &str) -> String {
    let text = text.trim_end_matches('\n');
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n")
    }
}

/// Our programs are found first, the real ones behind them.
fn with_shims(command: &mut Command, shims: &Path, ports: &Ports) {
    for (variable, port) in [
        ("HTTP_PORT", ports.http),
        ("HTTPS_PORT", ports.https),
        ("DOCS_PORT", ports.docs),
        ("ADMIN_PORT", ports.admin),
        ("SOAP_PORT", ports.soap),
        ("GRAPHQL_PORT", ports.graphql),
        ("CHAT_PORT", ports.chat),
        ("WEBHOOK_PORT", ports.webhooks),
        ("FORWARD_PORT", ports.forward),
        ("SMTP_PORT", ports.smtp),
        ("DNS_PORT", ports.dns),
    ] {
        command.env(variable, port.to_string());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("REAL_PATH", &path)
        .env("PATH", format!("{}:{path}", shims.display()));
}

fn install(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The lab's folder looks like the workspace: everything but proxy/conf is the real thing, by links.
fn lend_workspace(root: &Path, folder: &Path) {
    link_all(root, folder, &["proxy", ".lab", "target", ".git"]);
    link_all(&root.join("proxy"), &folder.join("proxy"), &["conf"]);
}

fn link_all(from: &Path, to: &Path, except: &[&str]) {
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        if !except.iter().any(|other| *other == name) {
            symlink(entry.path(), to.join(&name)).unwrap();
        }
    }
}
