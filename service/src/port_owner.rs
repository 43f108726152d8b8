//! Finds who listens on a TCP port, from Linux's `/proc`; elsewhere, or without the rights to look, nobody is found.

use std::fs;
use std::path::{Path, PathBuf};

/// `name (pid 123)` of a process that listens on `port`.
pub fn who_listens(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_sockets(&table, port))
        .collect();
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        holds_any(&entry.path(), &sockets).then(|| format!("{} (pid {pid})", name.trim()))
    })
}

/// The sockets of a `/proc/net/tcp` table that listen (state `0A`) on `port`, as links in `/proc/PID/fd` name them.
fn listening_sockets(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let rows = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() > 9 && row[1].ends_with(&port) && row[3] == "0A")
        .map(|row| format!("socket:[{}]", row[9]))
        .collect()
}

fn holds_any(process: &Path, sockets: &[String]) -> bool {
    let held = |link: PathBuf| {
        sockets
            .iter()
            .any(|socket| link.as_os_str() == socket.as_str())
    };
    fs::read_dir(process.join("fd")).is_ok_and(|files| {
        let mut links = files
            .flatten()
            .filter_map(|file| fs::read_link(file.path()).ok());
        links.any(held)
    })
}
