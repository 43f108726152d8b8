//! Ten thousand clients that have asked once and keep their connection: what each costs, beside nginx.
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::contestants::{self, Contestant, Kind};
use super::{process_cost, release};
use crate::place::Place;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: lab.test\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(10);
/// Each loopback address has its own ports, so that no number of connections runs out of them.
const PER_ADDRESS: usize = 5000;

/// How many.
#[derive(Debug, Args)]
pub struct IdleOptions {
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    connections: u32,
    /// Use the release build as it is
    #[arg(long)]
    no_build: bool,
}

/// Opens the connections to each in turn and prints memory per connection.
pub async fn run(place: &Place, options: &IdleOptions) -> Result<ExitCode> {
    let connections = options.connections as usize;
    let binaries = release(place, options.no_build)?;
    room_for(connections)?;
    println!("{connections} clients, each has asked once and stays connected");
    println!(
        "{:10} {:>12} {:>12} {:>18} {:>18}",
        "", "before KB", "after KB", "bytes/connection", "all/connection"
    );
    for kind in [Kind::Ours, Kind::Nginx] {
        let folder = tempfile::tempdir()?;
        let backend = contestants::fast_backend(folder.path())?;
        let contestant = Contestant::start(kind, folder.path(), &binaries, &backend.ports)?;
        let mut warm = connect(contestant.port(), 0).await?;
        ask(&mut warm).await?;
        let before = process_cost::memory_kb(contestant.pid())?;
        let mut held = Vec::with_capacity(connections);
        for index in 0..connections {
            let mut connection = connect(contestant.port(), index).await?;
            ask(&mut connection)
                .await
                .with_context(|| format!("connection {index}"))?;
            held.push(connection);
        }
        let after = process_cost::memory_kb(contestant.pid())?;
        // They are idle, not forgotten: every hundredth asks again.
        for connection in held.iter_mut().step_by(100) {
            ask(connection)
                .await
                .context("an idle connection was dropped")?;
        }
        let each = after.saturating_sub(before) as f64 * 1024.0 / connections as f64;
        // nginx sets memory for connections aside when it starts: all of it, divided by who is there, is fair to both.
        let all = after as f64 * 1024.0 / connections as f64;
        println!(
            "{:10} {before:>12} {after:>12} {each:>18.0} {all:>18.0}",
            kind.title()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The limit is inherited by the programs that are started here.
pub(super) fn room_for(connections: usize) -> Result<()> {
    let needed = connections as u64 + 1000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= needed {
        return Ok(());
    }
    if hard < needed {
        bail!("at most {hard} open files are allowed here, {needed} are needed (ulimit -Hn)");
    }
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("ulimit -n")
}

async fn connect(port: u16, index: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let last = u8::try_from(1 + index / PER_ADDRESS).context("too many connections")?;
    socket.bind(SocketAddr::from(([127, 0, 0, last], 0)))?;
    Ok(socket
        .connect(SocketAddr::from(([127, 0, 0, 1], port)))
        .await?)
}

/// One request on a connection that stays open: done when the short answer's last byte is there.
async fn ask(connection: &mut TcpStream) -> Result<()> {
    connection.write_all(REQUEST).await?;
    let mut answer = Vec::with_capacity(512);
    while !answer.ends_with(b"!") {
        let read = tokio::time::timeout(PATIENCE, connection.read_buf(&mut answer))
            .await
            .context("no answer")??;
        if read == 0 {
            bail!("closed: {}", String::from_utf8_lossy(&answer));
        }
    }
    Ok(())
}
