//! `proxy_cache_purge`: takes entries out by their key, or by how their keys begin (`…*`). When the answer says so, they
//! are gone: from the index, from the disk, and for good, since variants of a purged answer are of its family.

use std::sync::Arc;

use super::key;
use super::record::{BLOCK, Record};
use super::zone::Zone;

/// How many entries went.
pub(super) async fn purge(zone: &Arc<Zone>, key: Vec<u8>) -> usize {
    let Some(prefix) = key.strip_suffix(b"*") else {
        return usize::from(zone.remove(&key::digest(&key)));
    };
    let (zone, prefix) = (Arc::clone(zone), prefix.to_vec());
    // Keys are on disk only: all files are looked into, beside the worker.
    let walked = tokio::task::spawn_blocking(move || walk(&zone, &prefix));
    walked.await.unwrap_or(0)
}

fn walk(zone: &Zone, prefix: &[u8]) -> usize {
    let mut gone = 0;
    zone.each_file(|digest, path| {
        if begins(path, prefix).unwrap_or(false) && zone.remove(&digest) {
            gone += 1;
        }
    });
    gone
}

fn begins(path: &std::path::Path, prefix: &[u8]) -> std::io::Result<bool> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::open(path)?;
    let mut bytes = vec![0; BLOCK];
    file.read_exact_at(&mut bytes, 0)?;
    if let Ok(Err(needed)) = Record::read(&bytes) {
        bytes.resize(needed, 0);
        file.read_exact_at(&mut bytes, 0)?;
    }
    Ok(matches!(Record::read(&bytes), Ok(Ok(record)) if record.key.starts_with(prefix)))
}
