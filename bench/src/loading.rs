//! Loading a stream of a thousand events, beside rusqlite and `serde_json`.

use std::{hint::black_box, path::Path, time::Instant};

use lucent_core::prelude::*;
use lucent_sqlite::SqliteStore;

use crate::{
    CommandsOnly, Outcome, RUNS,
    bare::{self, BareEvent},
    domain::{Account, AccountId},
    report::{Figure, Goal, median},
    runtime, seed,
};

const STREAMS: usize = 20;
const EVENTS: usize = 1_000;
const LOADS: usize = 200;

pub fn run() -> Outcome {
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("bench.db");
    let ids = runtime.block_on(seed::fill(&path, STREAMS, EVENTS))?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        limits.push(bare_load(&path, &ids)?);
        ours.push(runtime.block_on(load(&path, &ids))?);
    }
    Ok(vec![Figure::new(
        "loading 1,000-event streams, SQLite",
        median(ours),
        "loads/s",
        "bare rusqlite and serde_json",
        median(limits),
        Goal::RatioAtLeast(0.5),
    )])
}

async fn load(path: &Path, ids: &[AccountId]) -> Result<f64, Box<dyn std::error::Error>> {
    let store = SqliteStore::open(path).await?;
    let app = App::new(CommandsOnly).store(store).start().await?;
    let start = Instant::now();
    for id in ids.iter().cycle().take(LOADS) {
        let loaded = app.load::<Account>(id).await?;
        assert_eq!(loaded.state.deposits, EVENTS as u64, "every event was applied");
    }
    Ok(LOADS as f64 / start.elapsed().as_secs_f64())
}

fn bare_load(path: &Path, ids: &[AccountId]) -> Result<f64, Box<dyn std::error::Error>> {
    let connection = bare::open(path)?;
    let start = Instant::now();
    for id in ids.iter().cycle().take(LOADS) {
        let stream = format!("account-{id}");
        let mut state = Account::default();
        let mut select = connection.prepare_cached(
            "SELECT position, version, event_id, event_type, schema_version, data, correlation, \
             causation, recorded_at FROM events WHERE stream = ? ORDER BY version",
        )?;
        let mut rows = select.query([&stream])?;
        while let Some(row) = rows.next()? {
            let event: BareEvent = serde_json::from_str(row.get_ref(5)?.as_str()?)?;
            state.balance += event.amount;
            state.deposits += 1;
        }
        assert_eq!(state.deposits, EVENTS as u64, "every event was applied");
        black_box(state);
    }
    Ok(LOADS as f64 / start.elapsed().as_secs_f64())
}
