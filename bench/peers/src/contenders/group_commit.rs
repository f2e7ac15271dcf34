//! The second bare limit: one connection commits whatever waits, in one statement under a lock, and a
//! single event by a plain INSERT.

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, types::Json};
use uuid::Uuid;

use super::{Setup, bare};
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    database,
    event::AccountEvent,
};

/// The most events of a batch.
const BATCH: usize = 1_024;

struct Row {
    stream: String,
    version: i64,
    kind: &'static str,
    body: Box<serde_json::value::RawValue>,
    done: oneshot::Sender<bool>,
}

struct GroupCommit {
    queue: mpsc::Sender<Row>,
    reader: Client,
}

/// Makes the table, the function and the writer.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let writer = database::connect(&setup.url).await.map_err(Fault::Broken)?;
    writer.batch_execute(bare::TABLES).await?;
    writer.batch_execute(FUNCTION).await?;
    writer.batch_execute("SET plan_cache_mode = force_generic_plan").await?;
    let reader = database::connect(&setup.url).await.map_err(Fault::Broken)?;
    let (queue, waiting) = mpsc::channel(4 * BATCH);
    tokio::spawn(async move {
        if let Err(fault) = write(writer, waiting).await {
            eprintln!("the bare group commit: {fault}");
        }
    });
    Ok(Box::new(GroupCommit { queue, reader }))
}

async fn write(writer: Client, mut waiting: mpsc::Receiver<Row>) -> Result<(), Fault> {
    let many = writer.prepare("SELECT * FROM append($1, $2, $3, $4, $5)").await?;
    let mut rows = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut rows, BATCH).await > 0 {
        let streams: Vec<_> = rows.iter().map(|row| row.stream.as_str()).collect();
        let versions: Vec<_> = rows.iter().map(|row| row.version).collect();
        let ids: Vec<_> = rows.iter().map(|_| Uuid::now_v7()).collect();
        let kinds: Vec<_> = rows.iter().map(|row| row.kind).collect();
        let bodies: Vec<_> = rows.iter().map(|row| Json(&row.body)).collect();
        let written = writer.query(&many, &[&streams, &versions, &ids, &kinds, &bodies]).await?;
        // No stream is twice in a batch: each caller waits, and has a stream of its own.
        let complete = written.len() == rows.len();
        for row in rows.drain(..) {
            // A caller that is gone needs no answer.
            let _gone = row.done.send(complete);
        }
    }
    Ok(())
}

impl GroupCommit {
    async fn append(&self, account: &Account, event: &AccountEvent) -> Result<(), Fault> {
        let (done, written) = oneshot::channel();
        let row = Row {
            stream: format!("account-{}", account.text),
            version: account.next_version(),
            kind: event.name(),
            body: serde_json::value::to_raw_value(event)?,
            done,
        };
        if self.queue.send(row).await.is_err() {
            return Err(Fault::broken("the writer is gone"));
        }
        match written.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::broken("a version was taken")),
            Err(_) => Err(Fault::broken("the writer is gone")),
        }
    }
}

#[async_trait]
impl Contender for GroupCommit {
    fn decides(&self) -> bool {
        false
    }

    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        self.append(&account, &AccountEvent::opened()).await?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        self.append(account, &bare::deposited(ticket)?).await
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        bare::fill(&self.reader, accounts, events).await
    }

    async fn load(&self, _: &Account) -> Result<u64, Fault> {
        Err(Fault::Absent("as the single INSERT"))
    }

    async fn project(&self, _: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        Err(Fault::Absent("as the single INSERT"))
    }
}

/// The lock is taken before the statement that reads, so that this sees what the former holder wrote.
const FUNCTION: &str = "CREATE FUNCTION append(
    in_streams text[], in_versions bigint[], in_ids uuid[], in_types text[], in_payloads json[]
) RETURNS TABLE (out_stream text, out_version bigint, out_position bigint)
LANGUAGE plpgsql AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock(7);
    IF cardinality(in_streams) = 1 THEN
        RETURN QUERY INSERT INTO events AS e (stream, version, event_id, event_type, payload)
        SELECT in_streams[1], in_versions[1], in_ids[1], in_types[1], in_payloads[1]
        WHERE coalesce((SELECT max(v.version) FROM events AS v WHERE v.stream = in_streams[1]), 0)
            = in_versions[1] - 1
        RETURNING e.stream, e.version, e.position;
        RETURN;
    END IF;
    RETURN QUERY INSERT INTO events AS e (stream, version, event_id, event_type, payload)
    SELECT n.stream, n.version, n.id, n.kind, n.payload
    FROM unnest(in_streams, in_versions, in_ids, in_types, in_payloads)
        AS n(stream, version, id, kind, payload)
    WHERE coalesce((SELECT max(v.version) FROM events AS v WHERE v.stream = n.stream), 0)
        = n.version - 1
    RETURNING e.stream, e.version, e.position;
END
$function$;";
