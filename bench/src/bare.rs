//! The bare limits: rusqlite without a framework, writing and reading the same rows.

use std::{path::Path, sync::mpsc, thread};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// What the JSON of an event holds.
#[derive(Serialize, Deserialize)]
pub struct BareEvent {
    pub amount: u64,
    pub balance: u64,
    pub reference: String,
    pub note: String,
}

impl BareEvent {
    /// An event like those that the measured domain decides.
    pub fn sample(version: u64) -> Self {
        Self {
            amount: 7,
            balance: 7 * version,
            reference: "b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa".to_owned(),
            note: "a standing order of the first of the month, for rent and heating, flat 12b"
                .to_owned(),
        }
    }
}

/// A row of the events table.
pub struct BareRow {
    stream: String,
    version: u64,
    id: [u8; 16],
    data: String,
    recorded_at: i64,
}

impl BareRow {
    /// A row like those that the measured domain writes.
    pub fn sample(stream: &str, version: u64) -> Self {
        let event = BareEvent::sample(version);
        Self {
            stream: stream.to_owned(),
            version,
            id: *lucent_core::Uuid::now_v7().as_bytes(),
            data: serde_json::to_string(&event).expect("plain fields encode"),
            recorded_at: lucent_core::Timestamp::now().as_micros(),
        }
    }
}

/// A writer thread that commits whatever waits, in one transaction.
pub struct GroupCommit {
    queue: mpsc::Sender<(BareRow, oneshot::Sender<()>)>,
}

const INSERT: &str = "INSERT INTO events (position, stream, version, event_id, event_type, \
    schema_version, content_type, data, correlation, causation, context, recorded_at, tags) \
    VALUES (?, ?, ?, ?, 'MoneyDeposited', 1, NULL, ?, ?, ?, NULL, ?, NULL)";

impl GroupCommit {
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let mut connection = open(path)?;
        let (queue, waiting) = mpsc::channel::<(BareRow, oneshot::Sender<()>)>();
        thread::spawn(move || {
            let mut position = 0_i64;
            while let Ok(first) = waiting.recv() {
                let mut batch = vec![first];
                while batch.len() < 1024 {
                    match waiting.try_recv() {
                        Ok(next) => batch.push(next),
                        Err(_) => break,
                    }
                }
                let transaction = connection.transaction().expect("a transaction begins");
                {
                    let mut insert = transaction.prepare_cached(INSERT).expect("it prepares");
                    for (row, _) in &batch {
                        position += 1;
                        let version = i64::try_from(row.version).expect("versions are small");
                        insert
                            .execute(params![
                                position,
                                row.stream,
                                version,
                                row.id,
                                row.data,
                                row.id,
                                row.id,
                                row.recorded_at
                            ])
                            .expect("a row is written");
                    }
                }
                transaction.commit().expect("a transaction commits");
                for (_, reply) in batch {
                    // A caller that is gone needs no reply.
                    let _gone = reply.send(());
                }
            }
        });
        Ok(Self { queue })
    }

    /// Writes a row and waits until it is durable.
    pub async fn append(&self, row: BareRow) {
        let (reply, written) = oneshot::channel();
        self.queue.send((row, reply)).expect("the writer lives");
        written.await.expect("the writer answers");
    }
}

/// Opens a database with the settings that Lucent uses.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}
