//! Stage "limit": takes a routed exchange, decides whether its client asks too often (`limit_req`) or too much at once
//! (`limit_conn`), and lets it wait or refuses it. It comes before access, so that passwords can't be guessed at speed.

mod bucket;
mod verdicts;
mod zone;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::config::{Level, Limits, Location, RequestLimit};
use crate::exchange::Exchange;
use crate::fault::{Blame, Fault};
use crate::log;

pub(crate) use bucket::Rate;
pub(crate) use verdicts::ZoneReport;
pub(crate) use zone::{ConnectionZone, Held, RequestZone, SMALLEST, Zones};

/// `$limit_req_status` and `$limit_conn_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Delayed,
    Rejected,
    DelayedDryRun,
    RejectedDryRun,
}

impl Verdict {
    fn rejected(dry_run: bool) -> Self {
        if dry_run {
            Self::RejectedDryRun
        } else {
            Self::Rejected
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Delayed => "DELAYED",
            Self::Rejected => "REJECTED",
            Self::DelayedDryRun => "DELAYED_DRY_RUN",
            Self::RejectedDryRun => "REJECTED_DRY_RUN",
        }
    }
}

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(crate) fn now_ms() -> i64 {
    i64::try_from(EPOCH.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// Applies the limits of the location; each kind once for a request, however often it is redirected inside.
pub(crate) async fn check(ex: &mut Exchange, location: &Location) -> Result<(), Fault> {
    let Some(limits) = &location.limits else {
        return Ok(());
    };
    if ex.request_verdict.is_none() && !limits.requests.is_empty() {
        let delay = requests(ex, limits)?;
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
    }
    if ex.connection_verdict.is_none() && !limits.connections.is_empty() {
        connections(ex, limits)?;
    }
    Ok(())
}

/// How long the request has to wait, if it has to.
fn requests(ex: &mut Exchange, limits: &Limits) -> Result<Option<Duration>, Fault> {
    let dry = limits.request_dry_run;
    match longest_delay(ex, limits) {
        Err((limit, excess)) => {
            let text = format!(
                "limiting requests{}, excess: {} by zone \"{}\"",
                if dry { ", dry run" } else { "" },
                thousandths(excess),
                limit.name
            );
            log::exchange_error(ex, limits.request_level, &text);
            let verdict = Verdict::rejected(dry);
            limit.zone.verdicts.count(verdict);
            ex.request_verdict = Some(verdict);
            if dry {
                return Ok(None);
            }
            Err(Fault::new(limits.request_status, Blame::Client, ""))
        }
        Ok(None) => {
            for limit in &limits.requests {
                limit.zone.verdicts.count(Verdict::Passed);
            }
            ex.request_verdict = Some(Verdict::Passed);
            Ok(None)
        }
        Ok(Some((limit, excess, delay))) => {
            let text = format!(
                "delaying request{}, excess: {}, by zone \"{}\"",
                if dry { ", dry run" } else { "" },
                thousandths(excess),
                limit.name
            );
            log::exchange_error(ex, less(limits.request_level), &text);
            let verdict = if dry {
                Verdict::DelayedDryRun
            } else {
                Verdict::Delayed
            };
            limit.zone.verdicts.count(verdict);
            ex.request_verdict = Some(verdict);
            Ok((!dry).then(|| Duration::from_millis(delay)))
        }
    }
}

type Delay<'a> = Option<(&'a RequestLimit, i64, u64)>;

/// Asks all limits before any of them counts the request, since one may refuse it.
fn longest_delay<'a>(
    ex: &Exchange,
    limits: &'a Limits,
) -> Result<Delay<'a>, (&'a RequestLimit, i64)> {
    let now = now_ms();
    let keys: Vec<_> = limits
        .requests
        .iter()
        .map(|limit| limit.key.evaluate(ex))
        .collect();
    // An empty key is not limited.
    let asked = || {
        limits
            .requests
            .iter()
            .zip(&keys)
            .filter(|(_, key)| !key.is_empty())
    };
    let last = asked().count().saturating_sub(1);
    let mut longest: Delay<'_> = None;
    let mut consider = |limit: &'a RequestLimit, excess| {
        let delay = limit
            .free
            .map_or(0, |free| bucket::delay_ms(excess, free, limit.rate));
        if delay > longest.map_or(0, |(_, _, longest)| longest) {
            longest = Some((limit, excess, delay));
        }
    };
    for (index, (limit, key)) in asked().enumerate() {
        let counted = limit
            .zone
            .one_more(key, now, limit.rate, limit.burst, index == last);
        let excess = counted.map_err(|busy| (limit, busy.0))?;
        if index == last {
            consider(limit, excess);
        }
    }
    for (limit, key) in asked().take(last) {
        // The limits before the last were only looked at.
        consider(limit, limit.zone.count(key, now, limit.rate));
    }
    Ok(longest)
}

fn connections(ex: &mut Exchange, limits: &Limits) -> Result<(), Fault> {
    for limit in &limits.connections {
        let key = limit.key.evaluate(ex);
        if key.is_empty() {
            continue;
        }
        ex.connection_verdict = Some(Verdict::Passed);
        if let Some(held) = limit.zone.enter(&key, limit.count) {
            limit.zone.verdicts.count(Verdict::Passed);
            ex.held.push(held);
            continue;
        }
        ex.held.clear();
        let dry = limits.connection_dry_run;
        let how = if dry { ", dry run," } else { "" };
        let text = format!("limiting connections{how} by zone \"{}\"", limit.name);
        log::exchange_error(ex, limits.connection_level, &text);
        let verdict = Verdict::rejected(dry);
        limit.zone.verdicts.count(verdict);
        ex.connection_verdict = Some(verdict);
        if dry {
            return Ok(());
        }
        return Err(Fault::new(limits.connection_status, Blame::Client, ""));
    }
    Ok(())
}

fn thousandths(excess: i64) -> String {
    format!("{}.{:03}", excess / 1000, excess % 1000)
}

/// A delay is worth one level less than a refusal.
fn less(level: Level) -> Level {
    match level {
        Level::Error => Level::Warn,
        Level::Warn => Level::Notice,
        _ => Level::Info,
    }
}
