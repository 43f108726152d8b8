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

pub(crate) async fn run(
    address: &str,
    pid: u32,
    stalled: usize,
    seconds: u64,
) -> anyhow::Result<()> {
    let local = LocalSet::new();
    local
        .run_until(async {
            let origin = Instant::now();
            // Twice, so that the room's memory of the past is there already the second time.
            round(address, pid, 0, seconds, "warm up", origin).await?;
            round(address, pid, 0, seconds, "all read", origin).await?;
            round(address, pid, stalled, seconds, "some don't", origin).await
        })
        .await
}

async fn round(
    address: &str,
    pid: u32,
    stalled: usize,
    seconds: u64,
    what: &str,
    origin: Instant,
) -> anyhow::Result<()> {
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
    Ok(())
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
