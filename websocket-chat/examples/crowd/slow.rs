//! A room of a hundred with large messages; first everybody reads, then some don't.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::task::LocalSet;
use tokio::time::{interval, sleep};
use websocket_chat::protocol::{ClientMessage, ServerMessage};

use crate::member::{Line, Member, next, say};

const MEMBERS: usize = 100;
const PER_SECOND: u64 = 200;
const TEXT: usize = 16 << 10;

/// What one that doesn't read may cost: memory, and the others' p99 as a part of what it was.
const MOST_KIB: i64 = 256;
const MOST_MOVED: f64 = 0.2;

pub(crate) async fn run(
    address: &str,
    pid: u32,
    stalled: usize,
    seconds: u64,
    pairs: u32,
) -> anyhow::Result<()> {
    let local = LocalSet::new();
    local
        .run_until(async {
            let origin = Instant::now();
            // Before that counts, the room's memory of the past fills up.
            round(address, pid, 0, seconds, "warm up", origin).await?;
            let (mut with, mut without) = (Vec::new(), Vec::new());
            for turn in 1..=pairs {
                // In turn, and who begins changes, too: a machine that slows down slows both.
                for stalls in [turn % 2 == 0, turn % 2 != 0] {
                    if stalls {
                        let what = format!("some don't {turn}");
                        with.push(round(address, pid, stalled, seconds, &what, origin).await?);
                    } else {
                        let what = format!("all read {turn}");
                        without.push(round(address, pid, 0, seconds, &what, origin).await?);
                    }
                }
            }
            verdict(&without, &with, stalled)
        })
        .await
}

/// What a round showed: the others' p99 and by how many KiB the server grew.
type Round = (Duration, i64);

fn verdict(without: &[Round], with: &[Round], stalled: usize) -> anyhow::Result<()> {
    let (others, before) = (median_p99(with), median_p99(without));
    let moved = others.as_secs_f64() / before.as_secs_f64() - 1.0;
    let most = with.iter().map(|round| round.1).max().unwrap_or_default();
    let each = most / i64::try_from(stalled.max(1))?;
    println!(
        "the server grows by {each} KiB for each that doesn't read, the others' p99 moves by {:.0} %: \
         {others:?} after {before:?}, medians of {} rounds",
        moved * 100.0,
        with.len()
    );
    anyhow::ensure!(each <= MOST_KIB && moved < MOST_MOVED, "that is too much");
    Ok(())
}

/// One round in which the machine was busy with something else does not decide.
fn median_p99(rounds: &[Round]) -> Duration {
    let mut all: Vec<_> = rounds.iter().map(|round| round.0).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

async fn round(
    address: &str,
    pid: u32,
    stalled: usize,
    seconds: u64,
    what: &str,
    origin: Instant,
) -> anyhow::Result<Round> {
    let room = format!("slow-{}", std::process::id());
    let late = Rc::new(RefCell::new(Vec::new()));
    let since = origin.elapsed();
    let mut sleepers = Vec::new();
    let mut readers = Vec::new();
    for number in 0..MEMBERS {
        let mut member = Member::new(format!("{what} {number}"), room.clone());
        let line = member.connect(address).await?;
        if number < stalled {
            sleepers.push((member, line));
        } else {
            let late = Rc::clone(&late);
            readers.push(tokio::task::spawn_local(read(
                member,
                line,
                (origin, since),
                late,
            )));
        }
    }
    let mut speaker = Member::new(format!("{what} speaker"), room.clone());
    let mut line = speaker.connect(address).await?;
    let before = crate::memory(pid)?;
    let mut tick = interval(Duration::from_secs(1) / u32::try_from(PER_SECOND)?);
    let filling = "x".repeat(TEXT - 40);
    let mut most = before;
    for number in 0..seconds * PER_SECOND {
        // Who only speaks is one who does not read.
        while let Some(event) = tokio::select! {
            _ = tick.tick() => None,
            event = next(&mut line) => Some(event),
        } {
            speaker.see(&event?);
        }
        let text = format!("{:020}{filling}", origin.elapsed().as_nanos());
        let (room, id) = (room.clone(), format!("{what}-{number}"));
        say(&mut line, &ClientMessage::Say { room, id, text }).await?;
        if number % 50 == 0 {
            most = most.max(crate::memory(pid)?);
        }
    }
    sleep(Duration::from_secs(1)).await;
    readers.iter().for_each(|reader| reader.abort());
    let mut late = late.take();
    late.sort_unstable();
    let at = |part: f64| late.get((late.len() as f64 * part) as usize).copied();
    println!(
        "{what}: {} deliveries, p50 {:?}, p99 {:?}, server +{} KiB",
        late.len(),
        at(0.5).unwrap_or_default(),
        at(0.99).unwrap_or_default(),
        most - before
    );
    for (member, line) in sleepers {
        wake(member, line, address).await?;
    }
    Ok((at(0.99).unwrap_or_default(), most - before))
}

async fn read(
    mut member: Member,
    mut line: Line,
    (origin, since): (Instant, Duration),
    late: Rc<RefCell<Vec<Duration>>>,
) {
    while let Ok(event) = next(&mut line).await {
        member.see(&event);
        if let ServerMessage::Message { text, .. } = &event
            && let Some(sent) = text.get(..20).and_then(|sent| sent.parse().ok())
        {
            let sent = Duration::from_nanos(sent);
            // What was said in an earlier round is history.
            if sent >= since {
                late.borrow_mut()
                    .push(origin.elapsed().saturating_sub(sent));
            }
        }
    }
}

/// Reads at last: finds the reason, resumes, and sees that nothing is missing.
async fn wake(mut member: Member, mut line: Line, address: &str) -> anyhow::Result<()> {
    let reason = loop {
        match next(&mut line).await {
            Ok(event) => member.see(&event),
            Err(error) => break format!("{error:#}"),
        }
    };
    let (last, gaps) = (member.last, member.gaps);
    let mut line = member.connect(address).await?;
    let mut history = 0;
    while let Ok(Ok(event)) = tokio::time::timeout(Duration::from_secs(1), next(&mut line)).await {
        member.see(&event);
        history += u64::from(matches!(event, ServerMessage::Message { .. }));
    }
    println!(
        "  {}: {reason}; had {last} ({gaps} gaps), resumed with {history} more, {} gaps",
        member.name, member.gaps
    );
    (member.gaps == 0)
        .then_some(())
        .context("a slow reader lost messages")
}
