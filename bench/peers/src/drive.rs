//! Callers that do nothing but call.
//!
//! Invariant: each caller waits for the answer before its next call, and a call that was in conflict is
//! made again at once; its time counts from the first try.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    contender::{Account, Contender, Fault},
    event::PER_ACCOUNT,
    sightings,
};

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load {
    /// Successful calls in a second.
    pub rate: f64,
    /// The median time of a call in milliseconds.
    pub p50: f64,
    /// The time that one in a hundred calls takes longer than, in milliseconds.
    pub p99: f64,
    /// Lost tries for each success.
    pub lost: f64,
}

/// What the callers do.
#[derive(Clone)]
pub enum Work {
    /// Each opens accounts of its own and pays into them.
    Distinct,
    /// All pay into the same account; after some payments, all into the next one.
    Shared(Arc<Vec<Account>>),
    /// Each appends events on condition that nobody has used their tag.
    Tagged,
    /// As `Distinct`, and somebody waits for the events; each caller rests between two calls.
    Followed(Duration),
}

/// How many payments an account takes before the callers that share it move on to the next one.
const SHARED_PAYMENTS: u64 = 100;

const WARM_UP: u8 = 0;
const MEASURE: u8 = 1;
const STOP: u8 = 2;

/// What the callers share.
struct Course {
    contender: Arc<dyn Contender>,
    work: Work,
    phase: AtomicU8,
    done: AtomicU64,
}

#[derive(Default)]
struct Log {
    times: Vec<u32>,
    lost: u64,
}

/// Lets callers call for a while.
pub async fn drive(
    contender: &Arc<dyn Contender>,
    work: Work,
    callers: usize,
    time: Duration,
) -> Result<Load, Fault> {
    let course = Arc::new(Course {
        contender: Arc::clone(contender),
        work,
        phase: AtomicU8::new(WARM_UP),
        done: AtomicU64::new(0),
    });
    let tasks: Vec<_> = (0..callers).map(|_| tokio::spawn(call(Arc::clone(&course)))).collect();
    tokio::time::sleep(time / 4).await;
    let start = Instant::now();
    course.phase.store(MEASURE, Ordering::Relaxed);
    tokio::time::sleep(time).await;
    course.phase.store(STOP, Ordering::Relaxed);
    let elapsed = start.elapsed().as_secs_f64();
    let mut times = Vec::new();
    let mut lost = 0;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    for task in tasks {
        let ended = tokio::time::timeout_at(deadline, task).await;
        let ended = ended.map_err(|_| Fault::broken("callers got no answer for 20 s"))?;
        let log = ended.map_err(Fault::broken)??;
        times.extend(log.times);
        lost += log.lost;
    }
    times.sort_unstable();
    let successes = times.len() as f64;
    if times.is_empty() {
        return Err(Fault::broken("no call succeeded"));
    }
    Ok(Load {
        rate: successes / elapsed,
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        lost: lost as f64 / successes,
    })
}

async fn call(course: Arc<Course>) -> Result<Log, Fault> {
    let mut log = Log::default();
    let mut own: Option<(Account, usize)> = None;
    while course.phase.load(Ordering::Relaxed) != STOP {
        let start = Instant::now();
        let lost = act(&course, &mut own).await?;
        if course.phase.load(Ordering::Relaxed) == MEASURE {
            log.times.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
            log.lost += lost;
        }
        if let Work::Followed(rest) = course.work
            && !rest.is_zero()
        {
            tokio::time::sleep(rest.saturating_sub(start.elapsed())).await;
        }
    }
    Ok(log)
}

/// One successful call; gives the number of tries that were lost before it.
async fn act(course: &Course, own: &mut Option<(Account, usize)>) -> Result<u64, Fault> {
    let contender = &*course.contender;
    let mut lost = 0;
    loop {
        let outcome = match &course.work {
            Work::Distinct => on_own(contender, own, 0).await,
            Work::Followed(_) => {
                let ticket = if own.is_some() { sightings::ticket() } else { 0 };
                let outcome = on_own(contender, own, ticket).await;
                if outcome.is_ok() {
                    sightings::acknowledged(ticket);
                }
                outcome
            }
            Work::Tagged => contender.append_tagged().await,
            Work::Shared(accounts) => {
                let turn = course.done.load(Ordering::Relaxed) / SHARED_PAYMENTS;
                let account = &accounts[usize::try_from(turn).unwrap_or(0) % accounts.len()];
                let outcome = contender.deposit(account, 0).await;
                if outcome.is_ok() {
                    course.done.fetch_add(1, Ordering::Relaxed);
                }
                outcome
            }
        };
        match outcome {
            Ok(()) => return Ok(lost),
            Err(Fault::Conflict) => lost += 1,
            Err(fault) => return Err(fault),
        }
    }
}

/// A payment into the caller's own account, or a new one once that has its number of events.
async fn on_own(
    contender: &dyn Contender,
    own: &mut Option<(Account, usize)>,
    ticket: u64,
) -> Result<(), Fault> {
    match own {
        None => *own = Some((contender.open_account().await?, 1)),
        Some((account, events)) => {
            contender.deposit(account, ticket).await?;
            *events += 1;
            if *events >= PER_ACCOUNT {
                *own = None;
            }
        }
    }
    Ok(())
}

/// A percentile of sorted microseconds, in milliseconds.
pub fn percentile(sorted: &[u32], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
}
