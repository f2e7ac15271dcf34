//! The bare limits: tokio-postgres without a framework.
//!
//! Both test the expected version in the statement that inserts, and are durable when it returns.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use lucent_core::Uuid;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{
    Client, Statement,
    error::SqlState,
    types::{Json, ToSql},
};

use crate::{bare::BareEvent, postgres::server::Schema};

/// A row of the events table.
pub struct Row {
    stream: String,
    version: i64,
    id: Uuid,
    payload: Box<RawValue>,
    recorded_at: std::time::SystemTime,
}

impl Row {
    /// A row like those that the measured domain writes.
    pub fn sample(stream: &str, version: u64) -> Self {
        let event = BareEvent::sample(version);
        let micros = lucent_core::Timestamp::now().as_micros().unsigned_abs();
        Self {
            stream: stream.to_owned(),
            version: i64::try_from(version).expect("versions are small"),
            id: Uuid::now_v7(),
            payload: serde_json::value::to_raw_value(&event).expect("plain fields encode"),
            recorded_at: UNIX_EPOCH + Duration::from_micros(micros),
        }
    }

    fn size(&self) -> i32 {
        i32::try_from(self.payload.get().len()).expect("payloads are small")
    }
}

/// Connections, each with its statements ready.
#[derive(Clone)]
pub struct SingleInserts {
    connections: Arc<[Connection]>,
}

struct Connection {
    client: Client,
    insert: Statement,
    version: Statement,
}

impl SingleInserts {
    pub async fn start(schema: &Schema, count: usize) -> Result<Self, tokio_postgres::Error> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(Connection::open(schema).await?);
        }
        Ok(Self { connections: connections.into() })
    }

    /// Inserts a row, unless its stream has another version; callers of one connection are
    /// pipelined.
    pub async fn append(&self, caller: usize, row: Row) -> bool {
        self.connections[caller % self.connections.len()].append(&row).await
    }

    /// The version of a stream.
    pub async fn version(&self, caller: usize, stream: &str) -> u64 {
        let Connection { client, version, .. } =
            &self.connections[caller % self.connections.len()];
        let row = client.query_one(version, &[&stream]).await.expect("the server answers");
        u64::try_from(row.get::<_, i64>(0)).expect("versions are positive")
    }
}

impl Connection {
    async fn open(schema: &Schema) -> Result<Self, tokio_postgres::Error> {
        let client = schema.connect().await?;
        let insert = client.prepare(&INSERT.replace("{schema}", &schema.name)).await?;
        let version = client.prepare(&VERSION.replace("{schema}", &schema.name)).await?;
        Ok(Self { client, insert, version })
    }

    async fn append(&self, row: &Row) -> bool {
        let (size, payload) = (row.size(), Json(&*row.payload));
        let values: [&(dyn ToSql + Sync); 7] = [
            &row.stream,
            &row.version,
            &row.id,
            &"MoneyDeposited",
            &size,
            &payload,
            &row.recorded_at,
        ];
        match self.client.execute(&self.insert, &values).await {
            Ok(inserted) => inserted == 1,
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => false,
            Err(error) => panic!("the server takes a row: {error:?}"),
        }
    }
}

/// One connection that inserts whatever waits, in one statement.
#[derive(Clone)]
pub struct GroupCommit {
    queue: mpsc::Sender<(Row, oneshot::Sender<()>)>,
}

impl GroupCommit {
    pub async fn start(schema: &Schema) -> Result<Self, tokio_postgres::Error> {
        let single = Connection::open(schema).await?;
        let many = single.client.prepare(&INSERT_MANY.replace("{schema}", &schema.name)).await?;
        let (queue, mut waiting) = mpsc::channel(8_192);
        tokio::spawn(async move {
            let mut batch: Vec<(Row, oneshot::Sender<()>)> = Vec::new();
            while waiting.recv_many(&mut batch, 1_024).await > 0 {
                match &batch[..] {
                    [(row, _)] => assert!(single.append(row).await, "the version is right"),
                    _ => insert_many(&single.client, &many, &batch).await,
                }
                for (_, written) in batch.drain(..) {
                    // A caller that is gone needs no reply.
                    let _gone = written.send(());
                }
                // Those who were answered get to hand in their next rows.
                tokio::task::yield_now().await;
            }
        });
        Ok(Self { queue })
    }

    /// Writes a row and waits until it is durable.
    pub async fn append(&self, row: Row) {
        let (written, outcome) = oneshot::channel();
        self.queue.send((row, written)).await.expect("the writer lives");
        outcome.await.expect("the writer answers");
    }
}

async fn insert_many(client: &Client, insert: &Statement, batch: &[(Row, oneshot::Sender<()>)]) {
    let rows = || batch.iter().map(|(row, _)| row);
    let streams: Vec<&str> = rows().map(|row| &*row.stream).collect();
    let versions: Vec<i64> = rows().map(|row| row.version).collect();
    let ids: Vec<Uuid> = rows().map(|row| row.id).collect();
    let types: Vec<&str> = rows().map(|_| "MoneyDeposited").collect();
    let sizes: Vec<i32> = rows().map(Row::size).collect();
    let payloads: Vec<Json<&RawValue>> = rows().map(|row| Json(&*row.payload)).collect();
    let times: Vec<std::time::SystemTime> = rows().map(|row| row.recorded_at).collect();
    let inserted = client
        .query(insert, &[&streams, &versions, &ids, &types, &sizes, &payloads, &times])
        .await
        .expect("the server takes the rows");
    // Whoever has won is told by what was returned.
    let won: HashSet<(&str, i64)> =
        inserted.iter().map(|row| (row.get::<_, &str>(0), row.get::<_, i64>(1))).collect();
    let all = rows().all(|row| won.contains(&(&*row.stream, row.version)));
    assert!(all, "nobody else writes to the streams");
}

const INSERT: &str = "INSERT INTO {schema}.events (stream, version, event_id, event_type, size, \
     payload, recorded_at, schema_version, correlation, causation) \
     SELECT $1::text, $2::bigint, $3::uuid, $4, $5, $6, $7, 1, $3, $3 \
     WHERE coalesce((SELECT max(e.version) FROM {schema}.events AS e WHERE e.stream = $1), 0) \
     = $2 - 1";

const INSERT_MANY: &str = "INSERT INTO {schema}.events (stream, version, event_id, event_type, \
     size, payload, recorded_at, schema_version, correlation, causation) \
     SELECT n.stream, n.version, n.id, n.event_type, n.size, n.payload, n.recorded_at, 1, n.id, \
     n.id FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::integer[], \
     $6::json[], $7::timestamptz[]) \
     AS n(stream, version, id, event_type, size, payload, recorded_at) \
     WHERE coalesce((SELECT max(e.version) FROM {schema}.events AS e WHERE e.stream = n.stream), \
     0) = n.version - 1 RETURNING stream, version, position";

const VERSION: &str =
    "SELECT coalesce(max(version), 0) FROM {schema}.events WHERE stream = $1";
