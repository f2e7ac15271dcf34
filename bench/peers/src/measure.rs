//! One contender, one workload, one figure.
//!
//! Invariant: everything that a contender is not measured by — filling, analyzing, connecting — is over
//! when its time begins.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    contender::{Account, Contender, Fault, Purpose},
    drive::{self, Work, drive},
    figure::number,
    options::Options,
    sightings,
    workload::{HOT_CALLERS, LONG, TAGGED_CALLERS, Workload},
};

/// A figure.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// In the workload's unit.
    pub value: f64,
    /// The median and the 99th percentile of the calls in milliseconds.
    pub times: Option<(f64, f64)>,
    /// Lost tries for each success.
    pub lost: Option<f64>,
}

impl Cell {
    /// One readable line.
    pub fn line(&self, workload: Workload) -> String {
        let mut line = format!("{:>10} {}", number(self.value), workload.unit());
        if let Some((p50, p99)) = self.times {
            line += &format!(", p50 {} ms, p99 {} ms", number(p50), number(p99));
        }
        if let Some(lost) = self.lost {
            line += &format!(", {} lost tries per success", number(lost));
        }
        line
    }
}

/// What the commands' workloads start from.
pub struct Ground {
    hot: Arc<Vec<Account>>,
    long: Vec<Account>,
}

/// Accounts that are there before anything is measured.
const ACCOUNTS: usize = 2_000;
/// Events of each of them.
const EVENTS: usize = 10;
/// Accounts that take turns in being the one that all pay into.
const HOT_ACCOUNTS: usize = 1_000;
/// Accounts whose loading is measured.
const LONG_ACCOUNTS: usize = 8;
/// Accounts of the read model.
const VIEWS: usize = 10_000;

/// Fills a contender for the commands' workloads.
pub async fn prepare(contender: &dyn Contender) -> Result<Ground, Fault> {
    contender.fill(ACCOUNTS, EVENTS).await?;
    let hot = contender.fill(HOT_ACCOUNTS, 2).await?;
    let long = contender.fill(LONG_ACCOUNTS, LONG).await?;
    Ok(Ground { hot: Arc::new(hot), long })
}

/// Measures a workload of commands.
pub async fn commands(
    contender: &Arc<dyn Contender>,
    ground: &Ground,
    workload: Workload,
    options: &Options,
) -> Result<Cell, Fault> {
    let (work, callers) = match workload {
        Workload::Execute(callers) => (Work::Distinct, callers),
        Workload::Hot if !contender.decides() => {
            return Err(Fault::Absent("nothing is decided, so nothing can be in conflict"));
        }
        Workload::Hot => (Work::Shared(Arc::clone(&ground.hot)), HOT_CALLERS),
        Workload::Tagged => {
            // A contender that has no conditions says so before 64 callers do.
            contender.append_tagged().await?;
            (Work::Tagged, TAGGED_CALLERS)
        }
        _ => return load(&**contender, &ground.long, options.time).await,
    };
    let load = drive(contender, work, callers, options.time).await?;
    let lost = (workload == Workload::Hot || load.lost > 0.005).then_some(load.lost);
    Ok(Cell { value: load.rate, times: Some((load.p50, load.p99)), lost })
}

async fn load(
    contender: &dyn Contender,
    accounts: &[Account],
    time: Duration,
) -> Result<Cell, Fault> {
    let mut times = Vec::new();
    let begin = Instant::now();
    let mut warm = false;
    for account in accounts.iter().cycle() {
        let start = Instant::now();
        let deposits = contender.load(account).await?;
        if deposits != LONG as u64 - 1 {
            return Err(Fault::broken(format!("a load saw {deposits} deposits of {}", LONG - 1)));
        }
        if warm {
            times.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
        } else if begin.elapsed() > time / 4 {
            warm = true;
        }
        if begin.elapsed() > time && times.len() > 4 {
            break;
        }
    }
    times.sort_unstable();
    let (p50, p99) = (drive::percentile(&times, 50), drive::percentile(&times, 99));
    Ok(Cell { value: p50, times: Some((p50, p99)), lost: None })
}

/// Fills a contender for the building of a read model; gives the number of events.
pub async fn prepare_views(contender: &dyn Contender, options: &Options) -> Result<u64, Fault> {
    let accounts = VIEWS.min(options.events / 10);
    contender.fill(accounts, options.events / accounts).await?;
    Ok((options.events / accounts * accounts) as u64)
}

/// Builds a read model. Who does not finish in time is judged by the events between the first one and
/// the last one that it got to.
pub async fn catch_up(
    contender: &dyn Contender,
    events: u64,
    options: &Options,
) -> Result<Cell, Fault> {
    sightings::forget();
    let start = Instant::now();
    let projection = contender.project(Purpose::CatchUp).await?;
    let mut first = None;
    // Contenders that do not hand out an account's first event see fewer by the number of accounts.
    let enough = events - VIEWS as u64;
    let mut last = (start, 0);
    let rate = loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let (now, count) = (Instant::now(), sightings::count());
        if count > 0 && first.is_none() {
            first = Some((now, count));
        }
        if count >= events || (count >= enough && count == last.1 && now - last.0 > STILL) {
            let end = if count >= events { now } else { last.0 };
            projection.settle().await?;
            let end = if count >= events { Instant::now() } else { end };
            break count as f64 / (end - start).as_secs_f64();
        }
        if count != last.1 {
            last = (now, count);
        }
        if now - start > options.patience {
            let (began, before) =
                first.ok_or_else(|| Fault::broken("no event was seen in time"))?;
            break (last.1 - before) as f64 / (last.0 - began).as_secs_f64();
        }
    };
    projection.stop().await;
    Ok(Cell { value: rate, times: None, lost: None })
}

/// How long nothing comes when everything has come.
const STILL: Duration = Duration::from_millis(500);

/// How long events are waited for that have not reached the projector.
const LATE: Duration = Duration::from_secs(15);

/// Callers and their pace while 200 events come in a second.
const PACED: (usize, Duration) = (8, Duration::from_millis(40));

/// Measures how long a commit takes to reach a projector.
pub async fn seen(
    contender: &Arc<dyn Contender>,
    workload: Workload,
    options: &Options,
) -> Result<Cell, Fault> {
    sightings::forget();
    let projection = contender.project(Purpose::Follow).await?;
    // What is there already is not waited for.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    sightings::forget();
    let (callers, rest) = match workload {
        Workload::Seen => PACED,
        _ => (64, Duration::ZERO),
    };
    let driven = drive(contender, Work::Followed(rest), callers, options.time).await;
    let deadline = Instant::now() + LATE;
    while Instant::now() < deadline && sightings::delays().iter().any(Option::is_none) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    projection.stop().await;
    driven?;
    let delays = sightings::delays();
    let missing = delays.iter().filter(|delay| delay.is_none()).count();
    if missing * 100 >= delays.len() {
        return Err(Fault::broken(format!(
            "{missing} of {} events did not reach the projector within {} s",
            delays.len(),
            LATE.as_secs()
        )));
    }
    let micros = |delay: Duration| u32::try_from(delay.as_micros()).unwrap_or(u32::MAX);
    let mut times: Vec<_> =
        delays.into_iter().map(|delay| delay.map_or(u32::MAX, micros)).collect();
    times.sort_unstable();
    let (p50, p99) = (drive::percentile(&times, 50), drive::percentile(&times, 99));
    Ok(Cell { value: p99, times: Some((p50, p99)), lost: None })
}
