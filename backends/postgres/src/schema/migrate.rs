//! Makes the tables of a ledger, or brings them up to date.

use lucent_core::store::StoreError;

use crate::{
    connect::{Server, Session},
    fault::Fault,
    row::to_sql,
    schema::layout::{adopt, make_partitions},
};

/// Brings the ledger's schema to the version of this program. Concurrent calls wait for each other.
pub(crate) async fn migrate(session: &Session, server: &Server) -> Result<(), Fault> {
    check_encoding(session, server).await?;
    let found = version(session, server).await?;
    if found != Some(SUPPORTED) {
        refuse_newer(found, server)?;
        let client = session.client();
        client.batch_execute("BEGIN").await?;
        let migrated = steps(session, server).await;
        client.batch_execute(if migrated.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        migrated?;
    }
    adopt(session, server).await
}

/// Makes sure that the ledger's schema is the one of this program. A store that is open changes
/// nothing about it: a ledger that is gone must not be replaced by an empty one.
pub(crate) async fn verify(session: &Session, server: &Server) -> Result<(), Fault> {
    let found = version(session, server).await?;
    refuse_newer(found, server)?;
    let reason = match found {
        Some(SUPPORTED) => return adopt(session, server).await,
        Some(older) => format!("its tables have gone back to version {older}"),
        None => "its tables are gone".to_owned(),
    };
    Err(Fault::Store(StoreError::NotAStore {
        location: server.location.clone(),
        reason: format!("{reason}; open it again to have them brought up to date"),
    }))
}

/// Takes the steps that are missing, in an open transaction.
async fn steps(session: &Session, server: &Server) -> Result<(), Fault> {
    let client = session.client();
    let name = server.schema.name();
    client.query("SELECT pg_advisory_xact_lock($1, hashtext($2))", &[&LOCK, &name]).await?;
    let exists = client.query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&name]).await?;
    if !exists.get::<_, bool>(0) {
        client.batch_execute(&server.schema.fill("CREATE SCHEMA {schema}")).await?;
    }
    let found = version(session, server).await?;
    refuse_newer(found, server)?;
    let done = found.unwrap_or(0);
    if done == 0 {
        refuse_other_tables(session, server).await?;
    }
    for (number, step) in (1..).zip(STEPS) {
        if number > done {
            client.batch_execute(&server.schema.fill(step)).await?;
        }
    }
    let set = server.schema.fill("UPDATE {schema}.ledger SET schema_version = $1");
    client.execute(&set, &[&SUPPORTED]).await?;
    if let (0, Some(size)) = (done, server.options.partition_size) {
        partition(session, server, size).await?;
    }
    tracing::info!(
        schema = name,
        from = done,
        to = SUPPORTED,
        "the ledger's tables are up to date"
    );
    Ok(())
}

/// Lays out the events of a ledger that is being made in partitions, and makes the first two.
async fn partition(session: &Session, server: &Server, size: u64) -> Result<(), Fault> {
    let client = session.client();
    let record = server.schema.fill("UPDATE {schema}.ledger SET partition_size = $1");
    client.execute(&record, &[&to_sql(size)]).await?;
    client.batch_execute(&server.schema.fill(PARTITIONED)).await?;
    make_partitions(session, size + 1).await.map(drop)
}

/// The version of the schema; nothing if it is no ledger yet.
async fn version(session: &Session, server: &Server) -> Result<Option<i32>, Fault> {
    let client = session.client();
    let exists = client
        .query_one(
            "SELECT EXISTS (SELECT 1 FROM pg_class AS c \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relname = 'ledger' AND c.relkind = 'r')",
            &[&server.schema.name()],
        )
        .await?;
    if !exists.get::<_, bool>(0) {
        return Ok(None);
    }
    let read = server.schema.fill("SELECT schema_version FROM {schema}.ledger");
    Ok(client.query_opt(&read, &[]).await?.map(|row| row.get(0)))
}

fn refuse_newer(found: Option<i32>, server: &Server) -> Result<(), StoreError> {
    match found {
        Some(found) if found > SUPPORTED => Err(StoreError::NewerSchema {
            location: server.location.clone(),
            found: found.unsigned_abs(),
            supported: SUPPORTED.unsigned_abs(),
        }),
        _ => Ok(()),
    }
}

/// A schema that holds somebody else's tables is left alone.
async fn refuse_other_tables(session: &Session, server: &Server) -> Result<(), Fault> {
    let row = session
        .client()
        .query_opt(
            "SELECT c.relname::text FROM pg_class AS c \
             JOIN pg_namespace AS n ON n.oid = c.relnamespace \
             WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v') AND c.relname = ANY($2) LIMIT 1",
            &[&server.schema.name(), &TABLES],
        )
        .await?;
    match row {
        None => Ok(()),
        Some(row) => Err(Fault::Store(StoreError::NotAStore {
            location: server.location.clone(),
            reason: format!(
                "it holds a table `{}` of something else: name another schema",
                row.get::<_, String>(0)
            ),
        })),
    }
}

async fn check_encoding(session: &Session, server: &Server) -> Result<(), Fault> {
    let row = session.client().query_one("SHOW server_encoding", &[]).await?;
    let encoding: String = row.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(Fault::Store(StoreError::NotAStore {
        location: server.location.clone(),
        reason: format!(
            "its encoding is {encoding}: make the database with `CREATE DATABASE … ENCODING 'UTF8' \
             TEMPLATE template0`"
        ),
    }))
}

/// The version that this program reads and writes.
pub(crate) const SUPPORTED: i32 = 6;

/// The steps from each version to the next. Programs of older versions may be connected meanwhile; a
/// step after which they must not append drops the function `append` and makes one of another name;
/// their plain INSERTs write nothing under another version, and they turn to that function.
const STEPS: [&str; 6] = [
    include_str!("001.sql"),
    include_str!("002.sql"),
    include_str!("003.sql"),
    include_str!("004.sql"),
    include_str!("005.sql"),
    include_str!("006.sql"),
];

/// What a ledger in partitions has instead of what those steps make. A later step that changes the
/// table `events` or the function `append` has to do it here and there.
const PARTITIONED: &str = include_str!("partitioned/005.sql");

/// Tables that the first step makes, and that partitions need.
const TABLES: &[&str] =
    &["events", "event_tags", "commands", "snapshots", "projections", "documents", "streams"];

/// The class of the advisory lock under which schemas change.
const LOCK: i32 = 0x4C75_6D69;
