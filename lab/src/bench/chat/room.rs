//! One room full of members, and somebody who speaks: as fast as all can hear, or at a fixed pace.
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use super::dialect::{self, Dialect};
use super::frames::{self, Frames};
use super::member::{Door, Member};

/// Messages under way at once when it goes as fast as it can.
const IN_FLIGHT: u32 = 4;
/// Numbers of messages are kept in a ring; many more than can be under way.
const RING: usize = 4096;
/// How long the last messages may take to reach everybody.
const PATIENCE: Duration = Duration::from_secs(20);
const ROOM: &str = "bench";

/// How messages are said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// The next one when one has reached everybody, four at a time.
    Flood,
    /// One after each such time.
    Every(Duration),
}

/// What was heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) deliveries: u64,
    pub(super) took: Duration,
    /// Of single deliveries, in microseconds, sorted.
    pub(super) latencies: Vec<u32>,
    /// Whether all members heard the same in the same order.
    pub(super) in_order: bool,
}

/// Everybody is in; drop it and all leave.
pub(super) struct Room {
    streams: Rc<Vec<TcpStream>>,
    tally: Rc<RefCell<Tally>>,
    dialect: Dialect,
    tasks: LocalSet,
    readers: JoinSet<()>,
}

struct Tally {
    members: u16,
    under_way: Vec<(u16, Instant)>,
    next: u32,
    unfinished: u32,
    flood: bool,
    deliveries: u64,
    latencies: Vec<u32>,
    /// For each member, a fingerprint of what it heard that depends on the order.
    orders: Vec<u64>,
    fault: Option<String>,
}

impl Room {
    pub(super) async fn fill(port: u16, dialect: Dialect, members: u16) -> Result<Self> {
        let room = ROOM;
        let door = Door {
            port,
            dialect,
            room,
        };
        let mut inside = Vec::new();
        for index in 0..usize::from(members) {
            let member = Member::enter(door, index).await;
            inside.push(member.with_context(|| format!("member {index}"))?);
        }
        let tally = Rc::new(RefCell::new(Tally::new(members)));
        let tasks = LocalSet::new();
        let mut readers = JoinSet::new();
        let (parts, streams): (Vec<_>, Vec<_>) = inside
            .into_iter()
            .map(|member| (member.frames, member.stream))
            .unzip();
        let streams = Rc::new(streams);
        // One for all: nobody waits while it is in use.
        let buffer = Rc::new(RefCell::new(vec![0; 64 * 1024]));
        for (index, frames) in parts.into_iter().enumerate() {
            let reader = Reader {
                index,
                frames,
                buffer: Rc::clone(&buffer),
                streams: Rc::clone(&streams),
                tally: Rc::clone(&tally),
                dialect,
            };
            readers.spawn_local_on(reader.run(), &tasks);
        }
        Ok(Self {
            streams,
            tally,
            dialect,
            tasks,
            readers,
        })
    }

    /// Speaks for so long and waits until everybody has heard everything.
    pub(super) async fn talk(&mut self, pace: Pace, length: Duration) -> Result<Heard> {
        let tally = Rc::clone(&self.tally);
        tally.borrow_mut().start(matches!(pace, Pace::Flood));
        let begin = Instant::now();
        let Self {
            streams,
            dialect,
            tasks,
            readers,
            ..
        } = self;
        let speak = async {
            match pace {
                Pace::Flood => {
                    for _ in 0..IN_FLIGHT {
                        tally.borrow_mut().say(streams, *dialect);
                    }
                    tokio::time::sleep(length).await;
                }
                Pace::Every(step) => {
                    let mut ticks = tokio::time::interval(step);
                    while begin.elapsed() < length {
                        ticks.tick().await;
                        tally.borrow_mut().say(streams, *dialect);
                    }
                }
            }
            tally.borrow_mut().flood = false;
            let deadline = Instant::now() + PATIENCE;
            while tally.borrow().unfinished > 0 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tasks.run_until(speak).await;
        ensure!(
            readers.try_join_next().is_none(),
            "a member was closed: {:?}",
            tally.borrow().fault
        );
        let mut tally = tally.borrow_mut();
        if let Some(fault) = tally.fault.take() {
            bail!("{fault}");
        }
        ensure!(
            tally.unfinished == 0,
            "{} messages did not reach everybody",
            tally.unfinished
        );
        let mut latencies = std::mem::take(&mut tally.latencies);
        latencies.sort_unstable();
        Ok(Heard {
            deliveries: tally.deliveries,
            took: begin.elapsed(),
            latencies,
            in_order: tally.orders.iter().all(|order| *order == tally.orders[0]),
        })
    }
}

impl Tally {
    fn new(members: u16) -> Self {
        Self {
            members,
            under_way: vec![(0, Instant::now()); RING],
            next: 0,
            unfinished: 0,
            flood: false,
            deliveries: 0,
            latencies: Vec::new(),
            orders: vec![0; usize::from(members)],
            fault: None,
        }
    }

    fn start(&mut self, flood: bool) {
        self.flood = flood;
        self.deliveries = 0;
        self.latencies.clear();
        self.orders.fill(0);
    }

    /// The next message, by the next member.
    fn say(&mut self, streams: &[TcpStream], dialect: Dialect) {
        let number = self.next;
        self.next += 1;
        self.unfinished += 1;
        self.under_way[number as usize % RING] = (self.members, Instant::now());
        let frame = frames::text(&dialect.say(ROOM, number));
        let speaker = &streams[number as usize % streams.len()];
        // A short frame fits into the kernel's buffer of somebody who says little.
        if speaker.try_write(&frame).ok() != Some(frame.len()) {
            self.fault = Some("a member could not speak".to_owned());
        }
    }

    /// True if now everybody has heard it.
    fn heard(&mut self, index: usize, number: u32, now: Instant) -> bool {
        self.deliveries += 1;
        self.orders[index] = self.orders[index]
            .wrapping_mul(0x0100_0000_01b3)
            .wrapping_add(u64::from(number) + 1);
        let (left, said) = &mut self.under_way[number as usize % RING];
        if !self.flood {
            let micros = now.saturating_duration_since(*said).as_micros();
            self.latencies
                .push(u32::try_from(micros).unwrap_or(u32::MAX));
        }
        if *left == 0 {
            self.fault = Some(format!("message {number} was delivered twice"));
            return false;
        }
        *left -= 1;
        let done = *left == 0;
        self.unfinished -= u32::from(done);
        done
    }
}

struct Reader {
    index: usize,
    frames: Frames,
    buffer: Rc<RefCell<Vec<u8>>>,
    streams: Rc<Vec<TcpStream>>,
    tally: Rc<RefCell<Tally>>,
    dialect: Dialect,
}

impl Reader {
    async fn run(mut self) {
        if let Err(fault) = self.read().await {
            self.tally
                .borrow_mut()
                .fault
                .get_or_insert(format!("{fault:#}"));
        }
    }

    async fn read(&mut self) -> Result<()> {
        let streams = Rc::clone(&self.streams);
        let stream = &streams[self.index];
        let mut hint = 0;
        loop {
            stream.readable().await?;
            let mut buffer = self.buffer.borrow_mut();
            let read = match stream.try_read(&mut buffer) {
                Ok(0) => bail!("member {} was closed", self.index),
                Ok(read) => read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            let mut tally = self.tally.borrow_mut();
            let (index, dialect) = (self.index, self.dialect);
            self.frames
                .feed(&buffer[..read], |opcode, payload| match opcode {
                    frames::TEXT => match dialect::number(payload, &mut hint) {
                        Some(number) => {
                            if tally.heard(index, number, now) && tally.flood {
                                tally.say(&streams, dialect);
                            }
                        }
                        None => {
                            if let Some(answer) = dialect.answer(payload) {
                                let _ = stream.try_write(&frames::text(answer));
                            }
                        }
                    },
                    frames::PING => {
                        let _ = stream.try_write(&frames::pong(payload));
                    }
                    frames::CLOSE => {
                        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default());
                        tally.fault = Some(format!("member {index} was closed: {reason}"));
                    }
                    _ => {}
                });
        }
    }
}
