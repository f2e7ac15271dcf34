//! The run: every contender in turn, on the same server.
//!
//! Invariant: no two contenders are at work at the same time, and each has a runtime, a pool and a
//! database of its own.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use tokio::runtime::Runtime;

use crate::{
    contender::{Contender, Fault},
    contenders::{Entry, ROSTER, Setup},
    database::{self, Server},
    measure::{self, Cell},
    options::Options,
    results::{Outcome, Results},
    workload::{WORKLOADS, Workload},
};

/// The database of whoever is at work.
const DATABASE: &str = "lucent_peers";

/// How long one measurement may take with everything around it.
const PATIENCE: Duration = Duration::from_secs(300);

type Log = BTreeMap<(usize, usize), Vec<Result<Cell, Fault>>>;

/// Measures everything that the options ask for.
pub fn run(options: &Options) -> anyhow::Result<Results> {
    let server = Server::find()?;
    let others = busy();
    let described = runtime()?.block_on(server.describe())?;
    eprintln!("on {described}; a whole run takes about {} minutes", minutes(options));
    let mut log = Log::new();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for (column, entry) in taking_part(options) {
            let wanted = wanted(options, |workload| !workload.projects());
            session(&server, column, entry, options, &wanted, &mut log)?;
        }
    }
    for alone in [Workload::CatchUp, Workload::Seen, Workload::SeenUnderLoad] {
        let wanted = wanted(options, |workload| workload == alone);
        for (column, entry) in taking_part(options) {
            session(&server, column, entry, options, &wanted, &mut log)?;
        }
    }
    runtime()?.block_on(server.remove(DATABASE))?;
    let outcomes = log.into_iter().filter_map(|(place, runs)| Some((place, Outcome::of(runs)?)));
    Ok(Results { server: described, others, outcomes: outcomes.collect() })
}

/// The load average of the last minute; zero where there is none.
fn busy() -> f64 {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or(0.0)
}

/// About how long it takes: measured on two cores, the workloads' own time makes up half of it.
fn minutes(options: &Options) -> u64 {
    let contenders = taking_part(options).count() as u64;
    let commands = wanted(options, |workload| !workload.projects()).len() as u64;
    let projections = wanted(options, Workload::projects).len() as u64;
    let millis = u64::try_from(options.time.as_millis()).unwrap_or(2_000);
    let each = contenders * (commands * (millis * 5 / 4 + 500) + 4_000);
    let models =
        contenders * projections * (u64::try_from(options.events).unwrap_or(0) / 100 + 6_000);
    (each * options.rounds as u64 + models).div_ceil(60_000)
}

fn taking_part(options: &Options) -> impl Iterator<Item = (usize, &'static Entry)> {
    ROSTER.iter().enumerate().filter(|(_, entry)| options.takes(entry.name))
}

fn wanted(options: &Options, fits: impl Fn(Workload) -> bool) -> Vec<(usize, Workload)> {
    let all = WORKLOADS.into_iter().enumerate();
    all.filter(|(_, one)| fits(*one) && options.measures(one.name())).collect()
}

/// One contender, from an empty database on.
fn session(
    server: &Server,
    column: usize,
    entry: &Entry,
    options: &Options,
    wanted: &[(usize, Workload)],
    log: &mut Log,
) -> anyhow::Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let runtime = runtime()?;
    let url = runtime.block_on(server.make(DATABASE))?;
    let folder = Folder::make()?;
    let setup = Setup { url, pool: options.pool, folder: folder.0.clone() };
    let cells = runtime.block_on(cells(entry, &setup, options, wanted));
    runtime.shutdown_timeout(Duration::from_secs(5));
    for ((line, workload), cell) in wanted.iter().zip(cells) {
        match &cell {
            Ok(cell) => {
                eprintln!("{:>14} {:<12} {}", entry.name, workload.name(), cell.line(*workload))
            }
            Err(fault) => eprintln!("{:>14} {:<12} {fault}", entry.name, workload.name()),
        }
        log.entry((*line, column)).or_default().push(cell);
    }
    Ok(())
}

async fn cells(
    entry: &Entry,
    setup: &Setup,
    options: &Options,
    wanted: &[(usize, Workload)],
) -> Vec<Result<Cell, Fault>> {
    let contender: Arc<dyn Contender> = match within(entry.open(setup)).await {
        Ok(contender) => contender.into(),
        Err(fault) => return wanted.iter().map(|_| Err(Fault::again(&fault))).collect(),
    };
    let mut cells = Vec::new();
    let mut ground = None;
    for (_, workload) in wanted {
        let cell = within(async {
            match workload {
                Workload::CatchUp => {
                    let events = measure::prepare_views(&*contender, options).await?;
                    database::settle(&setup.url).await.map_err(Fault::Broken)?;
                    measure::catch_up(&*contender, events, options).await
                }
                Workload::Seen | Workload::SeenUnderLoad => {
                    database::settle(&setup.url).await.map_err(Fault::Broken)?;
                    measure::seen(&contender, *workload, options).await
                }
                _ => {
                    let ground = match &ground {
                        Some(ground) => ground,
                        None => ground.insert(measure::prepare(&*contender).await?),
                    };
                    database::settle(&setup.url).await.map_err(Fault::Broken)?;
                    measure::commands(&contender, ground, *workload, options).await
                }
            }
        });
        cells.push(cell.await);
    }
    if tokio::time::timeout(Duration::from_secs(5), contender.close()).await.is_err() {
        eprintln!("{:>14} does not end; its connections are cut", entry.name);
    }
    cells
}

async fn within<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let outcome = tokio::time::timeout(PATIENCE, work).await;
    outcome.unwrap_or_else(|_| Err(Fault::broken(format!("no end after {} s", PATIENCE.as_secs()))))
}

/// A runtime with a thread per core.
fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
        let folder = root.join(format!("peer-{}", std::process::id()));
        // What an earlier run has left behind is not ours to keep.
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Whoever still writes to it has failed to stop; the next run removes it.
        drop(fs::remove_dir_all(&self.0));
    }
}
