//! What one client, one room and the whole server may take, and a client's rate.

use std::time::{Duration, Instant};

/// Limits on everything that a client can ask for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many messages a client may send in a second, for long; three seconds' worth at once.
    pub messages_per_second: u32,
    /// Members of a room.
    pub members: usize,
    pub rooms: usize,
    /// Rooms that one connection is in.
    pub rooms_each: usize,
    pub connections: usize,
    /// Bytes of what all rooms remember together.
    pub history: usize,
    /// Bytes of a text.
    pub text: usize,
    /// Whom the server has not heard for that long is pinged, and cut off if it stays silent as long again.
    pub heartbeat: Duration,
    /// Who has not read for that long is closed.
    pub stalled: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_per_second: 50,
            members: 5_000,
            rooms: 10_000,
            rooms_each: 20,
            connections: 20_000,
            history: 64 << 20,
            text: 16 << 10,
            heartbeat: Duration::from_secs(25),
            stalled: Duration::from_secs(5),
        }
    }
}

/// A bucket of tokens: one for each message.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    tokens: f64,
    at: Instant,
}

impl Rate {
    pub(crate) fn new(per_second: u32, now: Instant) -> Self {
        let per_second = f64::from(per_second);
        Self {
            per_second,
            tokens: per_second * 3.0,
            at: now,
        }
    }

    /// Takes a token, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.per_second * 3.0);
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_send_a_burst_and_then_its_rate() {
        let start = Instant::now();
        let mut rate = Rate::new(10, start);
        let taken = |rate: &mut Rate, at| (0..100).filter(|_| rate.take(at)).count();
        assert_eq!(taken(&mut rate, start), 30);
        assert_eq!(taken(&mut rate, start + Duration::from_secs(1)), 10);
        assert_eq!(taken(&mut rate, start + Duration::from_secs(100)), 30);
    }
}
