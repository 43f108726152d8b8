//! Thousands of members in rooms of ten for minutes; some are cut off every second and resume.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, LocalSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use websocket_chat::protocol::{ClientMessage, ServerMessage};

use crate::Watched;
use crate::member::{Member, next, say};

const ROOM: usize = 10;
/// By how much a process may grow from the middle third of the time to the last one: memory that leaks doubles it.
const MOST_GROWN: f64 = 0.05;

/// What all members count together.
#[derive(Debug, Default)]
struct Tally {
    joined: Cell<usize>,
    said: Cell<u64>,
    acked: Cell<u64>,
    delivered: Cell<u64>,
    cuts: Cell<u64>,
    failed: RefCell<Option<String>>,
    quiet: Cell<bool>,
    end: Cell<bool>,
}

fn add(cell: &Cell<u64>) {
    cell.set(cell.get() + 1);
}

pub(crate) async fn run(
    addresses: &[String],
    watched: &[Watched],
    members: usize,
    seconds: u64,
    churn: usize,
    rate: u64,
) -> anyhow::Result<()> {
    let before = memories(watched)?;
    let mut course = Vec::new();
    let tally = Rc::new(Tally::default());
    let mut tasks = JoinSet::new();
    let run = std::process::id();
    let local = LocalSet::new();
    let ended = local.run_until(async {
        let pause = Duration::from_secs_f64(members as f64 / rate as f64);
        // Each is cut off about once in that time.
        let life = Duration::from_secs_f64(members as f64 / churn as f64);
        for number in 0..members {
            let member = Member::new(
                format!("{run}-{number}"),
                format!("{run}-{}", number / ROOM),
            );
            let address = addresses[number % addresses.len()].clone();
            let tally = Rc::clone(&tally);
            tasks.spawn_local(live(member, address, tally, (number, members), pause, life));
            if number % 20 == 19 {
                sleep(Duration::from_millis(10)).await;
            }
        }
        while tally.joined.get() < members && tally.failed.borrow().is_none() {
            sleep(Duration::from_millis(50)).await;
        }
        report("joined", watched, &before, &tally)?;
        let start = Instant::now();
        let mut tick = interval(Duration::from_secs(15));
        while start.elapsed() < Duration::from_secs(seconds) {
            tick.tick().await;
            let when = format!("{:3} s", start.elapsed().as_secs());
            course.push(report(&when, watched, &before, &tally)?);
        }
        tally.quiet.set(true);
        sleep(Duration::from_secs(5)).await;
        tally.end.set(true);
        let mut ended = Vec::new();
        while let Some(member) = tasks.join_next().await {
            ended.push(member?);
        }
        anyhow::Ok(ended)
    });
    let mut ended = ended.await?;
    report("ended", watched, &before, &tally)?;
    ended.sort_by(|a, b| a.room.cmp(&b.room));
    let gaps: u64 = ended.iter().map(|member| member.gaps).sum();
    let behind = ended
        .chunk_by(|a, b| a.room == b.room)
        .filter(|room| room.iter().any(|member| member.last != room[0].last))
        .count();
    let (said, acked) = (tally.said.get(), tally.acked.get());
    println!(
        "{gaps} gaps, {behind} rooms with members that don't agree, {acked} of {said} acknowledged"
    );
    if let Some(error) = tally.failed.borrow().as_ref() {
        anyhow::bail!("somebody could not connect: {error}");
    }
    anyhow::ensure!(
        gaps == 0 && behind == 0 && acked == said,
        "messages were lost"
    );
    is_flat(watched, &course)
}

fn memories(watched: &[Watched]) -> anyhow::Result<Vec<i64>> {
    let pids = watched.iter().map(|process| process.pid);
    pids.map(crate::memory).collect()
}

/// What each process has, in KiB.
fn report(
    when: &str,
    watched: &[Watched],
    before: &[i64],
    tally: &Tally,
) -> anyhow::Result<Vec<i64>> {
    let now = memories(watched)?;
    let grown: Vec<_> = watched
        .iter()
        .zip(now.iter().zip(before))
        .map(|(process, (now, before))| format!("{} +{} KiB", process.name, now - before))
        .collect();
    println!(
        "{when}: {} members, {} said, {} delivered, {} cuts, {}",
        tally.joined.get(),
        tally.said.get(),
        tally.delivered.get(),
        tally.cuts.get(),
        grown.join(", ")
    );
    Ok(now)
}

/// Fails if a process has grown after its first third of the time, in which it warms up.
fn is_flat(watched: &[Watched], course: &[Vec<i64>]) -> anyhow::Result<()> {
    let (third, count) = (course.len() / 3, course.len());
    for (index, process) in watched.iter().enumerate() {
        let most = |samples: &[Vec<i64>]| samples.iter().map(|sample| sample[index]).max();
        let middle = most(&course[third..count - third]).unwrap_or_default();
        let last = most(&course[count - third..]).unwrap_or_default();
        let grown = last as f64 / middle.max(1) as f64 - 1.0;
        println!(
            "{}: {middle} KiB at most in the middle third, {last} in the last: {:+.1} %",
            process.name,
            grown * 100.0
        );
        anyhow::ensure!(grown <= MOST_GROWN, "{} grows", process.name);
    }
    Ok(())
}

/// One member to the end of the soak. Numbers spread out what the members do over the time.
async fn live(
    mut member: Member,
    address: String,
    tally: Rc<Tally>,
    (number, of): (usize, usize),
    pause: Duration,
    life: Duration,
) -> Member {
    let share = number as f64 / of as f64;
    let mut first = true;
    let mut waiting: Option<String> = None;
    let mut count = 0_u64;
    while !tally.end.get() {
        let mut line = match timeout(Duration::from_secs(30), member.connect(&address)).await {
            Ok(Ok(line)) => line,
            Ok(Err(error)) => {
                tally.failed.replace(Some(format!("{error:#}")));
                return member;
            }
            Err(_) => {
                tally.failed.replace(Some("no answer in 30 s".to_owned()));
                return member;
            }
        };
        if first {
            tally.joined.set(tally.joined.get() + 1);
        }
        let until = Instant::now()
            + if first {
                life.mul_f64(share + 0.01)
            } else {
                life
            };
        let mut tick = interval(pause);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset_after(if first { pause.mul_f64(share) } else { pause });
        first = false;
        if let Some(id) = &waiting {
            // Under the same id: it is kept once, whether the first try arrived or not.
            let _ = say(&mut line, &message(&member.room, id)).await;
        }
        loop {
            if tally.end.get() {
                return member;
            }
            if Instant::now() > until && !tally.quiet.get() {
                add(&tally.cuts);
                break; // drops the line without a word
            }
            tokio::select! {
                _ = tick.tick(), if !tally.quiet.get() => {
                    if waiting.is_none() {
                        count += 1;
                        let id = format!("{number}-{count}");
                        let _ = say(&mut line, &message(&member.room, &id)).await;
                        waiting = Some(id);
                        add(&tally.said);
                    }
                }
                event = timeout(Duration::from_secs(1), next(&mut line)) => match event {
                    Err(_) => {}
                    Ok(Err(error)) => {
                        tally.failed.replace(Some(format!("{error:#}")));
                        return member;
                    }
                    Ok(Ok(event)) => {
                        member.see(&event);
                        match event {
                            ServerMessage::Message { .. } => add(&tally.delivered),
                            ServerMessage::Ack { .. } if waiting.take().is_some() => {
                                add(&tally.acked);
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }
    member
}

fn message(room: &str, id: &str) -> ClientMessage {
    ClientMessage::Say {
        room: room.to_owned(),
        id: id.to_owned(),
        text: format!("{id} {}", "x".repeat(50)),
    }
}
