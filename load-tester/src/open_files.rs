//! Every connection is an open file, and many systems allow 1024 (macOS 256): ask for as many as the run needs.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Whoever calls us in its own process has files open too.
const BESIDE_CONNECTIONS: u64 = 1024;

/// Raises this process's soft limit if it is too low for `connections`. If the system says no, the run goes on, and
/// connections that find no room are counted as errors with a hint.
pub(crate) fn make_room_for(connections: usize) {
    let wanted = connections as u64 + BESIDE_CONNECTIONS;
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < wanted
    {
        let _refused = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
}
