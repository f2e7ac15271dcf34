//! The job, from options to report.
//!
//! Invariant: the price file is checked from end to end before a store is opened, so bad input
//! leaves nothing behind.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use lucent_core::{AggregateId as _, App, function::FunctionManager};
use tempfile::TempDir;
use trading::{
    Registry,
    chart::{Caption, draw_value},
    demonstration::{DemonstrationError, demonstrate},
    portfolio::{PortfolioId, ValueOverTime},
    prices::{PriceFile, PriceFileError},
    registry,
    replay::{Replay, ReplayError, Replayed},
    report::{Report, ReportFacts, print_table},
};

use crate::{
    cli::{Options, Task},
    progress,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandFailure {
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Demonstration(#[from] DemonstrationError),
    #[error("cannot open the store {path}: {reason}")]
    Store { path: String, reason: String },
    #[error("cannot write {path}: {source}")]
    Output { path: String, source: io::Error },
    #[error("interrupted; with `--store`, the next run goes on from here")]
    Interrupted,
}

impl CommandFailure {
    /// 2 if what the user gave is at fault, 130 after an interrupt, otherwise 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Replay(error) if error.is_bad_input() => ExitCode::from(2),
            Self::Interrupted => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Does the job.
pub(crate) async fn run(options: &Options) -> Result<(), CommandFailure> {
    if let Some(Task::Demonstrate) = options.task {
        return show().await;
    }
    if options.store.as_ref().is_none_or(|store| !store.exists()) {
        options.terms().for_new().map_err(ReplayError::from)?;
    }
    let prices = check(options).map_err(ReplayError::from)?;
    let (path, _scratch) =
        store_path(options).map_err(|error| output("a temporary store", error))?;
    let (app, functions) = start(&path).await?;
    let outcome = tokio::select! {
        outcome = replay_and_report(options, &app, &functions, &prices) => outcome,
        _ = tokio::signal::ctrl_c() => Err(CommandFailure::Interrupted),
    };
    functions.shutdown().await;
    app.shutdown().await;
    outcome
}

/// Shows how functions are switched.
async fn show() -> Result<(), CommandFailure> {
    match demonstrate(&mut io::stdout()).await {
        Err(DemonstrationError::Output(error)) => until_unread(Err(error)),
        shown => return Ok(shown?),
    }
    .map_err(|error| output("the demonstration", error))
}

/// Where the store is; a temporary folder goes away with the second value.
fn store_path(options: &Options) -> io::Result<(PathBuf, Option<TempDir>)> {
    if let Some(path) = &options.store {
        return Ok((path.clone(), None));
    }
    let folder = tempfile::tempdir()?;
    Ok((folder.path().join("trading.db"), Some(folder)))
}

fn check(options: &Options) -> Result<PriceFile, PriceFileError> {
    let Some(path) = &options.prices else { return PriceFile::bundled() };
    let bytes = std::fs::metadata(path).map(|file| file.len()).unwrap_or_default();
    let bar = progress::checking(bytes);
    let prices = PriceFile::check(path, |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    prices
}

/// The application, and the manager of its functions, on one store.
async fn start(path: &Path) -> Result<(App<Registry>, FunctionManager<Registry>), CommandFailure> {
    let failed =
        |reason: String| CommandFailure::Store { path: path.display().to_string(), reason };
    let store = lucent_sqlite::open(path).await.map_err(|error| failed(error.to_string()))?;
    let app = App::new(registry()).store(store.clone()).start().await;
    let app = app.map_err(|error| failed(error.to_string()))?;
    let functions = FunctionManager::new(registry()).store(store).start().await;
    Ok((app, functions.map_err(|error| failed(error.to_string()))?))
}

async fn replay_and_report(
    options: &Options,
    app: &App<Registry>,
    functions: &FunctionManager<Registry>,
    prices: &PriceFile,
) -> Result<(), CommandFailure> {
    let replay = Replay {
        portfolio: PortfolioId::from_value("main".to_owned()),
        terms: options.terms(),
        batch_rows: options.batch,
    };
    let started = Instant::now();
    let replayed = replay_with_progress(options, &replay, (app, functions), prices).await?;
    let facts = ReportFacts {
        portfolio: replay.portfolio.clone(),
        rows: prices.survey().rows,
        replayed,
        elapsed: started.elapsed(),
        store: options.store.clone(),
    };
    let mut report = Report::make(app, facts).await?;
    let chart = chart_path(options);
    write_chart(&chart, app, &replay.portfolio, &report, replayed).await?;
    report.chart = Some(chart);
    print(options, &report).map_err(|error| output("the report", error))
}

async fn replay_with_progress(
    options: &Options,
    replay: &Replay,
    (app, functions): (&App<Registry>, &FunctionManager<Registry>),
    prices: &PriceFile,
) -> Result<Replayed, ReplayError> {
    let bar = progress::replaying(prices.survey().rows);
    let replayed = replay.run(app, functions, prices, async |progress| {
        bar.set_position(progress.rows);
        if options.verbose {
            progress::print_batch(progress);
        }
        Ok::<(), ReplayError>(())
    });
    let replayed = replayed.await;
    bar.finish_and_clear();
    replayed
}

fn chart_path(options: &Options) -> PathBuf {
    match (&options.chart, &options.store) {
        (Some(chart), _) => chart.clone(),
        (None, Some(store)) => {
            let mut name = store.clone().into_os_string();
            name.push(".svg");
            name.into()
        }
        (None, None) => Path::new("target").join("trading").join("portfolio.svg"),
    }
}

async fn write_chart(
    path: &Path,
    app: &App<Registry>,
    portfolio: &PortfolioId,
    report: &Report,
    replayed: Replayed,
) -> Result<(), CommandFailure> {
    let question = ValueOverTime { portfolio: portfolio.clone() };
    let curve = app.query(question).after(replayed.position).await.map_err(ReplayError::from)?;
    let points: Vec<_> = curve.points().collect();
    let caption = Caption {
        title: "Value of the portfolio".to_owned(),
        subtitle: format!(
            "moving averages over {} and {} prices · {} symbols · {} trades · fees {} bp",
            report.fast,
            report.slow,
            report.symbols.len(),
            report.trades,
            report.fee_bps
        ),
        start: report.initial_cash,
    };
    let svg = draw_value(&points, &caption);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), std::fs::create_dir_all);
    written
        .and_then(|()| std::fs::write(path, svg))
        .map_err(|error| output(&path.display().to_string(), error))
}

fn print(options: &Options, report: &Report) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let printed = if options.json {
        serde_json::to_writer_pretty(&mut out, report)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        print_table(report, &mut out)
    };
    until_unread(printed)
}

fn until_unread(printed: io::Result<()>) -> io::Result<()> {
    match printed {
        // Whoever reads has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

fn output(path: &str, source: io::Error) -> CommandFailure {
    CommandFailure::Output { path: path.to_owned(), source }
}
