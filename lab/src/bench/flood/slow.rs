//! Slowloris: clients that open a connection, begin a request, and never finish it. Three in four send a header line a
//! second, the fourth announces a body and falls silent. One that is put out comes again at once. They come one after the
//! other: all in one moment, the machine that plays them would be what is measured.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};

use super::proxy::PATIENCE;

/// A busy machine may be late; what is still open after that was not ended by a timeout.
const LATE: Duration = Duration::from_secs(5);

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Slow {
    /// Connections opened, from first to last.
    pub(super) opened: u64,
    /// Ended by the proxy within its timeout.
    pub(super) ended: u64,
    /// Open for longer than that.
    pub(super) overstayed: u64,
    /// Could not be opened.
    pub(super) refused: u64,
    pub(super) longest: Duration,
}

impl Slow {
    fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.ended += other.ended;
        self.overstayed += other.overstayed;
        self.refused += other.refused;
        self.longest = self.longest.max(other.longest);
    }
}

/// Keeps `count` of them at it.
pub(super) fn hold(address: SocketAddr, count: usize, time: Duration) -> JoinHandle<Result<Slow>> {
    tokio::spawn(async move {
        let until = Instant::now() + time;
        let mut crowd = JoinSet::new();
        for index in 0..count {
            let begin = PATIENCE.mul_f64(index as f64 / count as f64);
            crowd.spawn(stay(address, index % 4 == 3, begin, until));
        }
        let mut all = Slow::default();
        while let Some(one) = crowd.join_next().await {
            all.add(&one?);
        }
        Ok(all)
    })
}

/// One client: connection after connection until the run is over.
async fn stay(address: SocketAddr, in_body: bool, begin: Duration, until: Instant) -> Slow {
    let mut slow = Slow::default();
    tokio::time::sleep(begin).await;
    while Instant::now() < until {
        let Ok(stream) = TcpStream::connect(address).await else {
            slow.refused += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        slow.opened += 1;
        let since = Instant::now();
        let most = PATIENCE + LATE;
        match tokio::time::timeout(most, dawdle(stream, in_body, until)).await {
            Ok(true) => {
                slow.ended += 1;
                slow.longest = slow.longest.max(since.elapsed());
            }
            // The run ended first.
            Ok(false) => {}
            Err(_) => slow.overstayed += 1,
        }
    }
    slow
}

/// `true` if the other side ended it.
async fn dawdle(mut stream: TcpStream, in_body: bool, until: Instant) -> bool {
    let begin: &[u8] = if in_body {
        b"POST / HTTP/1.1\r\nHost: lab.test\r\nContent-Length: 100000\r\n\r\nslow"
    } else {
        b"GET / HTTP/1.1\r\nHost: lab.test\r\n"
    };
    if stream.write_all(begin).await.is_err() {
        return true;
    }
    let (mut reading, mut writing) = stream.split();
    let mut answer = [0; 1024];
    while Instant::now() < until {
        let read = reading.read(&mut answer);
        match tokio::time::timeout(Duration::from_secs(1), read).await {
            // An answer (408) is not the end yet: the proxy closes after it.
            Ok(Ok(count)) if count > 0 => {}
            Ok(_) => return true,
            Err(_) if in_body => {}
            Err(_) if writing.write_all(b"X-Slow: yes\r\n").await.is_err() => return true,
            Err(_) => {}
        }
    }
    false
}
