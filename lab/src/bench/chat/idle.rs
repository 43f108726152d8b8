//! Members who say nothing, in rooms of ten: what each costs the server in memory.
use anyhow::{Context, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::task::JoinSet;

use super::dialect::Dialect;
use super::member::{Door, Member};
use crate::bench::process_cost;
use crate::server_process::ServerProcess;

const ROOM_SIZE: usize = 10;
/// So many come in at the same time: more would measure the queue of the listening socket.
const AT_ONCE: usize = 32;

/// Bytes of memory for each, and how many came in.
pub(super) async fn bytes_each(
    server: &ServerProcess,
    dialect: Dialect,
    members: usize,
) -> Result<(f64, usize)> {
    raise_limit(members)?;
    let port = server.port;
    let warm = enter(port, dialect, members).await?;
    let before = process_cost::memory_kb(server.pid())?;
    let mut inside = vec![warm];
    let mut coming = JoinSet::new();
    let mut refused = None;
    for index in 0..members {
        if coming.len() == AT_ONCE {
            collect(&mut coming, &mut inside, &mut refused).await;
        }
        coming.spawn(async move { enter(port, dialect, index).await });
    }
    while !coming.is_empty() {
        collect(&mut coming, &mut inside, &mut refused).await;
    }
    let after = process_cost::memory_kb(server.pid())?;
    let came = inside.len() - 1;
    if let Some(error) = refused {
        println!("{} of {members} did not get in: {error:#}", members - came);
    }
    let each = after.saturating_sub(before) as f64 * 1024.0 / came.max(1) as f64;
    Ok((each, came))
}

async fn enter(port: u16, dialect: Dialect, index: usize) -> Result<Member> {
    let room = format!("room{}", index / ROOM_SIZE);
    let room = room.as_str();
    let door = Door {
        port,
        dialect,
        room,
    };
    Member::enter(door, index).await
}

async fn collect(
    coming: &mut JoinSet<Result<Member>>,
    inside: &mut Vec<Member>,
    refused: &mut Option<anyhow::Error>,
) {
    match coming.join_next().await {
        Some(Ok(Ok(member))) => inside.push(member),
        Some(Ok(Err(error))) => *refused = Some(error),
        Some(Err(error)) => *refused = Some(error.into()),
        None => {}
    }
}

/// The limit is inherited by the servers that are started here.
pub(super) fn raise_limit(members: usize) -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = members as u64 + 1000;
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(needed.max(soft)), hard)
            .context("ulimit -n")?;
    }
    Ok(())
}
