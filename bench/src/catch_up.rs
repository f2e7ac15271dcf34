//! Catching up through a projector that writes a read model, beside a bare loop that reads and
//! writes the same rows.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use lucent_core::prelude::*;
use lucent_sqlite::SqliteStore;

use crate::{
    Outcome, RUNS,
    bare::{self, BareEvent},
    domain::{AccountView, BalanceOf},
    report::{Figure, Goal, median},
    runtime, seed,
};

const ACCOUNTS: usize = 10_000;
const PER_ACCOUNT: usize = 40;
const EVENTS: usize = ACCOUNTS * PER_ACCOUNT;

/// How many events the bare loop commits at once: as many as the projection does.
const PAGE: i64 = 4_000;

pub fn run() -> Outcome {
    let runtime = runtime()?;
    let folder = tempfile::tempdir()?;
    let seeded = folder.path().join("seeded.db");
    let ids = runtime.block_on(seed::fill(&seeded, ACCOUNTS, PER_ACCOUNT))?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let path = folder.path().join(format!("bare-{run}.db"));
        std::fs::copy(&seeded, &path)?;
        limits.push(bare_loop(&path)?);
        let path = folder.path().join(format!("lucent-{run}.db"));
        std::fs::copy(&seeded, &path)?;
        ours.push(runtime.block_on(project(&path, ids[0]))?);
    }
    Ok(vec![Figure::new(
        "catch-up through a projector, SQLite",
        median(ours),
        "events/s",
        "bare loop, same reads and writes",
        median(limits),
        Goal::ValueOrRatio(200_000.0, 0.5),
    )])
}

async fn project(
    path: &Path,
    probe: crate::domain::AccountId,
) -> Result<f64, Box<dyn std::error::Error>> {
    let store = SqliteStore::open(path).await?;
    let start = Instant::now();
    let app = App::new(crate::registry()).store(store).start().await?;
    let head = app.store().head().await?;
    let question = app.query(BalanceOf(probe)).after(head).within(Duration::from_secs(600));
    let balance = question.await?;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(balance, 7 * PER_ACCOUNT as u64, "the read model saw every event");
    app.shutdown().await;
    Ok(EVENTS as f64 / seconds)
}

fn bare_loop(path: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let reader = bare::open(path)?;
    let mut writer = bare::open(path)?;
    let start = Instant::now();
    writer.execute(
        "INSERT INTO projections (name, version, checkpoint, active) VALUES ('bare', 1, 0, 1)",
        [],
    )?;
    let projection = writer.last_insert_rowid();
    let mut after = 0_i64;
    loop {
        let mut views = HashMap::<String, AccountView>::new();
        let mut last = after;
        {
            let mut page = reader.prepare_cached(
                "SELECT position, stream, version, event_id, event_type, schema_version, data, \
                 correlation, causation, recorded_at FROM events WHERE position > ? \
                 ORDER BY position LIMIT ?",
            )?;
            let mut load = reader
                .prepare_cached("SELECT body FROM documents WHERE projection = ? AND key = ?")?;
            let mut rows = page.query([after, PAGE])?;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                let stream = row.get_ref(1)?.as_str()?;
                let event: BareEvent = serde_json::from_str(row.get_ref(6)?.as_str()?)?;
                let key = stream.split_once('-').map_or(stream, |(_, key)| key);
                if !views.contains_key(key) {
                    let stored = load.query_row(rusqlite::params![projection, key], |row| {
                        Ok(serde_json::from_str(row.get_ref(0)?.as_str()?).unwrap_or_default())
                    });
                    views.insert(key.to_owned(), stored.unwrap_or_default());
                }
                let view = views.get_mut(key).ok_or("the view was just put there")?;
                view.balance += event.amount;
                view.deposits += 1;
            }
        }
        if last == after {
            break;
        }
        let transaction = writer.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT INTO documents (projection, key, body) VALUES (?, ?, ?) \
                 ON CONFLICT (projection, key) DO UPDATE SET body = excluded.body",
            )?;
            for (key, view) in &views {
                put.execute(rusqlite::params![projection, key, serde_json::to_string(view)?])?;
            }
            let mut move_on =
                transaction.prepare_cached("UPDATE projections SET checkpoint = ? WHERE id = ?")?;
            move_on.execute([last, projection])?;
        }
        transaction.commit()?;
        after = last;
    }
    assert_eq!(usize::try_from(after)?, EVENTS, "the bare loop read every event");
    Ok(EVENTS as f64 / start.elapsed().as_secs_f64())
}
