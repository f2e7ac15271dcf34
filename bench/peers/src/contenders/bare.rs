//! The first bare limit: one INSERT per event, pipelined on 16 connections, with its version checked by
//! the statement; and bare loops that load an account and build a read model.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Statement,
    types::{Json, ToSql},
};
use uuid::Uuid;

use super::Setup;
use crate::{
    contender::{Account, Contender, Fault, Projecting, Purpose},
    database,
    event::{AccountEvent, Balance},
    sightings,
};

/// How many connections write.
const CONNECTIONS: usize = 16;

/// How many events the loop of the read model commits at once: as many as Lucent does.
const PAGE: i64 = 4_000;

struct Insert {
    sessions: Vec<(Client, Statement)>,
    turn: AtomicUsize,
    url: String,
}

/// Makes the table and the connections.
pub async fn open(setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    let mut sessions = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = database::connect(&setup.url).await.map_err(Fault::Broken)?;
        if sessions.is_empty() {
            client.batch_execute(TABLES).await?;
        }
        let statement = client.prepare(INSERT).await?;
        sessions.push((client, statement));
    }
    Ok(Box::new(Insert { sessions, turn: AtomicUsize::new(0), url: setup.url.clone() }))
}

impl Insert {
    async fn append(&self, account: &Account, event: &AccountEvent) -> Result<(), Fault> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.sessions.len();
        let (client, statement) = &self.sessions[turn];
        let stream = format!("account-{}", account.text);
        let version = account.next_version();
        let body = serde_json::to_string(event)?;
        let body = serde_json::value::RawValue::from_string(body)?;
        let written = client
            .execute(statement, &[&stream, &version, &Uuid::now_v7(), &event.name(), &Json(&body)])
            .await?;
        if written == 1 { Ok(()) } else { Err(Fault::Conflict) }
    }
}

#[async_trait]
impl Contender for Insert {
    fn decides(&self) -> bool {
        false
    }

    async fn open_account(&self) -> Result<Account, Fault> {
        let account = Account::fresh();
        self.append(&account, &AccountEvent::opened()).await?;
        Ok(account)
    }

    async fn deposit(&self, account: &Account, ticket: u64) -> Result<(), Fault> {
        self.append(account, &deposited(ticket)?).await
    }

    async fn fill(&self, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
        fill(&self.sessions[0].0, accounts, events).await
    }

    async fn load(&self, account: &Account) -> Result<u64, Fault> {
        let stream = format!("account-{}", account.text);
        let rows = self.sessions[0].0.query(LOAD, &[&stream]).await?;
        let mut state = Balance::default();
        for row in rows {
            let body: Json<&serde_json::value::RawValue> = row.try_get(2)?;
            state.apply(&serde_json::from_str(body.0.get())?);
        }
        Ok(state.deposits)
    }

    async fn project(&self, purpose: Purpose) -> Result<Box<dyn Projecting>, Fault> {
        if purpose == Purpose::Follow {
            return Err(Fault::Absent("a bare loop follows nothing"));
        }
        let (reader, writer) =
            (database::connect(&self.url).await, database::connect(&self.url).await);
        let (reader, writer) = (reader.map_err(Fault::Broken)?, writer.map_err(Fault::Broken)?);
        let task = tokio::spawn(async move {
            if let Err(fault) = project(reader, writer).await {
                eprintln!("the bare loop: {fault}");
            }
        });
        Ok(Box::new(Looping(task)))
    }
}

struct Looping(JoinHandle<()>);

#[async_trait]
impl Projecting for Looping {
    async fn stop(self: Box<Self>) {
        self.0.abort();
        let _cancelled = self.0.await;
    }
}

/// Pages of events, one read ahead, and a transaction for each.
async fn project(reader: Client, mut writer: Client) -> Result<(), Fault> {
    let page = reader.prepare(NEXT_PAGE).await?;
    let get = writer.prepare("SELECT key, body FROM documents WHERE key = ANY($1)").await?;
    let put = writer.prepare(PUT).await?;
    let mut next = reader.query(&page, &[&0_i64, &PAGE]).await?;
    while let Some(last) = next.last() {
        let after: i64 = last.get(0);
        let rows = next;
        let position: [&(dyn ToSql + Sync); 2] = [&after, &PAGE];
        let ahead = reader.query(&page, &position);
        let apply = async {
            let mut changes = HashMap::<&str, Vec<AccountEvent>>::new();
            for row in &rows {
                let body: Json<&serde_json::value::RawValue> = row.try_get(2)?;
                let event = serde_json::from_str(body.0.get())?;
                changes.entry(row.try_get(1)?).or_default().push(event);
            }
            let keys: Vec<&str> = changes.keys().copied().collect();
            let mut states = HashMap::<String, Balance>::new();
            for row in writer.query(&get, &[&keys]).await? {
                let body: Json<&serde_json::value::RawValue> = row.try_get(1)?;
                states.insert(row.try_get(0)?, serde_json::from_str(body.0.get())?);
            }
            let mut bodies = Vec::with_capacity(keys.len());
            for key in &keys {
                let mut state = states.remove(*key).unwrap_or_default();
                changes[key].iter().for_each(|event| state.apply(event));
                bodies.push(serde_json::value::to_raw_value(&state)?);
            }
            let bodies: Vec<_> = bodies.iter().map(Json).collect();
            let transaction = writer.transaction().await?;
            transaction.execute(&put, &[&keys, &bodies]).await?;
            transaction.execute("UPDATE checkpoint SET position = $1", &[&after]).await?;
            transaction.commit().await?;
            for event in changes.values().flatten() {
                sightings::saw(event.ticket());
            }
            Ok::<_, Fault>(())
        };
        let (ahead, applied) = futures::join!(ahead, apply);
        applied?;
        next = ahead?;
    }
    Ok(())
}

/// A deposit of a caller that decides nothing.
pub fn deposited(ticket: u64) -> Result<AccountEvent, Fault> {
    AccountEvent::deposited(0, ticket).ok_or_else(|| Fault::broken("too much"))
}

/// Rows like those that are measured.
pub async fn fill(client: &Client, accounts: usize, events: usize) -> Result<Vec<Account>, Fault> {
    let version = i64::try_from(events)?;
    let filled: Vec<_> = (0..accounts).map(|_| Account::of(Uuid::now_v7(), version)).collect();
    let streams: Vec<_> =
        filled.iter().map(|account| format!("account-{}", account.text)).collect();
    let opened = serde_json::value::to_raw_value(&AccountEvent::opened())?;
    let deposited = serde_json::value::to_raw_value(&deposited(0)?)?;
    client.execute(COPY, &[&streams, &version, &Json(&opened), &Json(&deposited)]).await?;
    Ok(filled)
}

/// What both bare limits write to: the columns that a log needs, and no more.
pub const TABLES: &str = "CREATE TABLE events (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    event_id uuid NOT NULL,
    stream text COLLATE \"C\" NOT NULL,
    event_type text COLLATE \"C\" NOT NULL,
    payload json NOT NULL,
    UNIQUE (stream, version)
);
CREATE TABLE documents (key text COLLATE \"C\" PRIMARY KEY, body json NOT NULL);
CREATE TABLE checkpoint (position bigint NOT NULL);
INSERT INTO checkpoint VALUES (0);";

const INSERT: &str = "INSERT INTO events (stream, version, event_id, event_type, payload)
    SELECT $1::text, $2::bigint, $3, $4, $5
    WHERE coalesce((SELECT max(version) FROM events WHERE stream = $1), 0) = $2::bigint - 1";

const LOAD: &str = "SELECT position, version, payload, event_type, event_id, recorded_at
    FROM events WHERE stream = $1 ORDER BY version";

const NEXT_PAGE: &str =
    "SELECT position, stream, payload, version, event_type, event_id, recorded_at
    FROM events WHERE position > $1 ORDER BY position LIMIT $2";

const PUT: &str = "INSERT INTO documents (key, body) SELECT * FROM unnest($1::text[], $2::json[])
    ON CONFLICT (key) DO UPDATE SET body = excluded.body";

const COPY: &str = "INSERT INTO events (stream, version, event_id, event_type, payload)
    SELECT s, n, gen_random_uuid(), CASE n WHEN 1 THEN 'AccountOpened' ELSE 'MoneyDeposited' END,
        CASE n WHEN 1 THEN $3::json ELSE $4::json END
    FROM generate_series(1, $2::bigint) AS n CROSS JOIN unnest($1::text[]) AS s
    ORDER BY n, s";
