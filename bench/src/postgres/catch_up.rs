//! Catching up into a read model on PostgreSQL, beside a bare loop that reads and writes the same rows.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use lucent_core::prelude::*;
use lucent_postgres::PostgresStore;
use tokio_postgres::types::Json;

use crate::{
    Outcome, RUNS,
    bare::BareEvent,
    domain::{AccountView, BalanceOf},
    postgres::{
        seed::{self, ACCOUNTS},
        server::Schema,
    },
    report::{Figure, Goal, median},
    runtime,
};

const EVENTS: u64 = 400_000;

/// How many events the bare loop commits at once: as many as the projection does.
const PAGE: i64 = 4_000;

type Rate = Result<f64, Box<dyn std::error::Error>>;

pub fn run() -> Outcome {
    let often = caught_up("catch-up through a projector, PostgreSQL", 20)?;
    let seldom = caught_up("catch-up, PostgreSQL, 10,000 documents one by one in turn", 1)?;
    Ok(vec![often, seldom])
}

/// Measures a log in which each document's events stand together in such numbers.
fn caught_up(name: &str, together: u64) -> Result<Figure, Box<dyn std::error::Error>> {
    let schema = runtime()?.block_on(async {
        let schema = Schema::make().await?;
        seed::fill(&schema, EVENTS, together).await.map(|()| schema)
    })?;
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        limits.push(runtime()?.block_on(bare_loop(&schema))?);
        runtime()?.block_on(forget(&schema))?;
        ours.push(runtime()?.block_on(project(&schema, EVENTS))?);
        runtime()?.block_on(forget(&schema))?;
    }
    runtime()?.block_on(schema.remove())?;
    Ok(Figure::new(
        name,
        median(ours),
        "events/s",
        "bare loop, same reads and writes",
        median(limits),
        Goal::RatioAtLeast(0.5),
    ))
}

/// Removes what a run has built.
async fn forget(schema: &Schema) -> Result<(), tokio_postgres::Error> {
    let sql = "TRUNCATE {schema}.documents, {schema}.projections, {schema}.active_projections; CHECKPOINT";
    schema.connect().await?.batch_execute(&schema.fill(sql)).await
}

/// Builds the read model of a ledger that was filled with this many events.
pub async fn project(schema: &Schema, events: u64) -> Rate {
    let store = PostgresStore::builder(&schema.url).schema(&schema.name).connect().await?;
    let start = Instant::now();
    let app = App::new(crate::registry()).store(store.clone()).start().await?;
    let question = app.query(BalanceOf(seed::account(1)));
    let question = question.after(Position::new(events)).within(Duration::from_secs(600));
    let balance = question.await?;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(balance, 7 * (events / ACCOUNTS), "the read model saw every event");
    app.shutdown().await;
    store.close().await;
    Ok(events as f64 / seconds)
}

async fn bare_loop(schema: &Schema) -> Rate {
    let client = schema.connect().await?;
    let page = client.prepare(&schema.fill(READ)).await?;
    let load = client.prepare(&schema.fill(LOAD)).await?;
    let put = client.prepare(&schema.fill(PUT)).await?;
    let move_on = client.prepare(&schema.fill(MOVE)).await?;
    let start = Instant::now();
    let projection: i32 = client.query_one(&schema.fill(BEGIN), &[]).await?.get(0);
    let mut after = 0_i64;
    loop {
        let rows = client.query(&page, &[&after, &PAGE]).await?;
        let Some(last) = rows.last() else { break };
        let last: i64 = last.get(0);
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            let stream: &str = row.get(1);
            let key = stream.split_once('-').map_or(stream, |(_, key)| key);
            let Json(event) = row.get::<_, Json<BareEvent>>(6);
            events.push((key, event));
        }
        let mut views = HashMap::<&str, AccountView>::new();
        for (key, _) in &events {
            views.entry(key).or_default();
        }
        let keys: Vec<&str> = views.keys().copied().collect();
        for row in client.query(&load, &[&projection, &keys]).await? {
            let Json(view) = row.get::<_, Json<AccountView>>(1);
            if let Some(place) = views.get_mut(row.get::<_, &str>(0)) {
                *place = view;
            }
        }
        for (key, event) in &events {
            let view = views.get_mut(key).ok_or("the view was put there above")?;
            view.balance += event.amount;
            view.deposits += 1;
        }
        let (keys, views): (Vec<&str>, Vec<Json<AccountView>>) =
            views.into_iter().map(|(key, view)| (key, Json(view))).unzip();
        client.batch_execute("BEGIN").await?;
        client.execute(&put, &[&projection, &keys, &views]).await?;
        client.execute(&move_on, &[&last, &projection]).await?;
        client.batch_execute("COMMIT").await?;
        after = last;
    }
    assert_eq!(u64::try_from(after)?, EVENTS, "the bare loop read every event");
    Ok(EVENTS as f64 / start.elapsed().as_secs_f64())
}

const READ: &str = "SELECT position, stream, version, event_id, event_type, schema_version, payload, \
     correlation, causation, size FROM {schema}.events WHERE position > $1 ORDER BY position LIMIT $2";

const LOAD: &str =
    "SELECT key, body FROM {schema}.documents WHERE projection = $1 AND key = ANY($2::text[])";

const PUT: &str = "INSERT INTO {schema}.documents (projection, key, body) \
     SELECT $1, n.key, n.body FROM unnest($2::text[], $3::json[]) AS n(key, body) \
     ON CONFLICT (projection, key) DO UPDATE SET body = excluded.body";

const BEGIN: &str = "INSERT INTO {schema}.projections (name, version, checkpoint) \
     VALUES ('bare', 1, 0) RETURNING id";

const MOVE: &str = "UPDATE {schema}.projections SET checkpoint = $1 WHERE id = $2";
