//! What a process and its children have cost so far, from Linux's /proc.
use std::fs;

use anyhow::{Context, Result};

/// The kernel's unit of `utime` and `stime`, fixed for programs at 1/100 s.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of the whole family.
pub(super) fn cpu_seconds(pid: i32) -> Result<f64> {
    let mut ticks = 0;
    for pid in family(pid)? {
        let stat = Stat::of(pid).with_context(|| format!("process {pid} is gone"))?;
        ticks += stat.ticks;
    }
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// The most memory that each of the family ever had, added up.
pub(super) fn peak_memory_kb(pid: i32) -> Result<u64> {
    memory(pid, "VmHWM:")
}

/// The memory they have now.
pub(super) fn memory_kb(pid: i32) -> Result<u64> {
    memory(pid, "VmRSS:")
}

fn memory(pid: i32, field: &str) -> Result<u64> {
    let mut sum = 0;
    for pid in family(pid)? {
        sum += memory_of(pid, field)?;
    }
    Ok(sum)
}

fn memory_of(pid: i32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .with_context(|| field.to_owned())?;
    let kb = line.split_whitespace().next().unwrap_or_default();
    Ok(kb.parse()?)
}

/// Whichever of the family has the most memory: a proxy's worker, not its master.
pub(super) fn busiest(pid: i32) -> Result<i32> {
    let of = |pid| memory_of(pid, "VmRSS:").unwrap_or_default();
    let busiest = family(pid)?.into_iter().max_by_key(|pid| of(*pid));
    busiest.context("no process")
}

/// The process and all that descend from it.
fn family(pid: i32) -> Result<Vec<i32>> {
    let entries = fs::read_dir("/proc").context("/proc")?;
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let all: Vec<_> = pids
        .filter_map(|pid| Some((pid, Stat::of(pid)?.parent)))
        .collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        family.extend(
            all.iter()
                .filter(|(_, of)| *of == parent)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    Ok(family)
}

struct Stat {
    parent: i32,
    ticks: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name in parentheses may have spaces, so fields are counted from behind it.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.rsplit_once(") ")?.1.split(' ').collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ticks: number(11)? + number(12)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_gives_parent_and_ticks_whatever_the_name() {
        let line = "42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 9 9 20 0 1 0 100 1 1";
        let stat = Stat::parse(line).unwrap();
        assert_eq!((stat.parent, stat.ticks), (7, 200));
    }
}
