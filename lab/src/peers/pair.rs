//! Starts both programs on one site's configuration and sends them the same requests in the same order.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::backend::Backends;
use super::report::Tally;
use super::site::Site;
use super::{answer, report};
use crate::server_process::{ServerProcess, free_port};

/// A program that reads nginx.conf.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    /// What only nginx needs said: folders for its temporary files that any user may write.
    extra: &'static str,
}

pub(super) const NGINX_ONLY: &str = "client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; \
                          scgi_temp_path t5;";

impl Program {
    pub(super) fn nginx(path: PathBuf) -> Self {
        Self {
            path,
            extra: NGINX_ONLY,
        }
    }

    pub(super) fn ours(path: PathBuf) -> Self {
        Self { path, extra: "" }
    }

    pub(super) fn version(&self) -> Result<String> {
        let asked = Command::new(&self.path).arg("-v").output();
        let output = asked.context("no nginx here; on Debian: sudo apt-get install nginx")?;
        Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }

    /// Runs until the returned guard is dropped.
    fn start(
        &self,
        folder: &Path,
        name: &str,
        site: &Site,
        backends: &Backends,
    ) -> Result<ServerProcess> {
        let port = free_port()?;
        let conf = folder.join(format!("{name}.conf"));
        let log = folder.join(format!("{name}.log"));
        let pid = folder.join(format!("{name}.pid"));
        fs::write(&conf, configuration(site, self.extra, port, backends))?;
        let mut command = Command::new(&self.path);
        command.arg("-p").arg(folder).arg("-c").arg(&conf);
        command.args([
            "-g",
            &format!(
                "daemon off; pid {}; error_log {} info;",
                pid.display(),
                log.display()
            ),
        ]);
        ServerProcess::start(command, port, folder, name)
    }
}

fn configuration(site: &Site, extra: &str, port: u16, backends: &Backends) -> String {
    let server = if site.server.is_empty() {
        String::new()
    } else {
        format!("server {{ listen 127.0.0.1:8080;\n{}\n}}", site.server)
    };
    let own = format!("{}\n{server}", site.http);
    let [a, b, nobody] = backends.ports;
    let own = own
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))
        .replace("127.0.0.1:8081", &format!("127.0.0.1:{a}"))
        .replace("127.0.0.1:8082", &format!("127.0.0.1:{b}"))
        .replace("127.0.0.1:8083", &format!("127.0.0.1:{nobody}"));
    format!("worker_processes 1;\nevents {{}}\nhttp {{\naccess_log off;\n{extra}\n{own}\n}}\n")
}

/// The files that `root` and `alias` of the table find.
fn lay_out_files(folder: &Path) -> Result<()> {
    let html = folder.join("html");
    fs::create_dir_all(html.join("sub/deep"))?;
    fs::create_dir_all(html.join("empty"))?;
    for (path, content) in [
        ("index.html", "the index\n"),
        ("a.txt", "0123456789abcdefghijklmnopqrstuvwxyz\n"),
        ("b.html", "<p>b</p>\n"),
        ("style.css", "p {}\n"),
        ("data.json", "{}\n"),
        ("unknown.zzz", "?\n"),
        ("noextension", "plain\n"),
        ("with space.txt", "space\n"),
        ("sub/index.html", "sub's index\n"),
        ("sub/deep/c.txt", "deep\n"),
        ("50x.html", "our own error page\n"),
        ("404.html", "our own not found\n"),
    ] {
        fs::write(html.join(path), content)?;
    }
    Ok(())
}

pub(super) async fn compare(
    site: &Site,
    nginx: &Program,
    ours: &Program,
    backends: &Backends,
    tally: &mut Tally,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    lay_out_files(folder.path())?;
    fs::create_dir_all(folder.path().join("logs"))?;
    open_to_workers(folder.path())?;
    let theirs = nginx.start(folder.path(), "nginx", site, backends)?;
    let ours = match ours.start(folder.path(), "ours", site, backends) {
        Ok(running) => running,
        Err(error) => {
            tally.refused(site, &error);
            return Ok(());
        }
    };
    tally.site(site);
    for row in &site.requests {
        let request = row.bytes()?;
        let expected = answer::ask(theirs.port, &request).await?;
        let got = answer::ask(ours.port, &request).await?;
        tally.add(report::Outcome {
            row,
            strict: site.strict,
            expected,
            got,
        });
    }
    Ok(())
}

/// nginx started by root reads files as another user.
pub(super) fn open_to_workers(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).context("temporary folder")
}
