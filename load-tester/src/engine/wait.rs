//! Waits for events until a point in time, exactly: an open loop that sleeps whole milliseconds would send in bursts
//! and see its own oversleeping as the server's latency.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll};

pub(super) fn until(
    wake: Instant,
    now: Instant,
    poll: &mut Poll,
    events: &mut Events,
) -> io::Result<()> {
    let mut left = wake.saturating_duration_since(now);
    if !left.is_zero() && left < Duration::from_millis(20) {
        left = sleep_precisely(left, poll)?;
    }
    match poll.poll(events, Some(left)) {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        result => result,
    }
}

/// epoll counts milliseconds, but its descriptor can itself be waited for, and ppoll counts nanoseconds.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn sleep_precisely(left: Duration, poll: &Poll) -> io::Result<Duration> {
    use std::os::fd::AsFd;

    use nix::{
        errno::Errno,
        poll::{PollFd, PollFlags, ppoll},
    };

    let mut queue = [PollFd::new(poll.registry().as_fd(), PollFlags::POLLIN)];
    match ppoll(&mut queue, Some(left.into()), None) {
        Ok(_) | Err(Errno::EINTR) => Ok(Duration::ZERO),
        Err(error) => Err(error.into()),
    }
}

/// kqueue counts nanoseconds itself.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as on Linux")]
fn sleep_precisely(left: Duration, _poll: &Poll) -> io::Result<Duration> {
    Ok(left)
}
