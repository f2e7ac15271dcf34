//! Events that the server makes by itself, faster than any client could send them.
//!
//! Invariant: they are what the measured domain writes, column by column.

use lucent_core::Uuid;
use lucent_postgres::PostgresStore;

use crate::{domain::AccountId, postgres::server::Schema};

/// How many accounts the events are about.
pub const ACCOUNTS: u64 = 10_000;

/// Makes a ledger with this many events: the accounts in turn, so many events at a time.
pub async fn fill(
    schema: &Schema,
    events: u64,
    at_a_time: u64,
) -> Result<(), Box<dyn std::error::Error>> {
    let store = PostgresStore::builder(&schema.url).schema(&schema.name).connect().await?;
    store.close().await;
    let client = schema.connect().await?;
    // What is only read need not survive a crash.
    let quickly = "ALTER TABLE {schema}.events SET UNLOGGED; \
                   ALTER TABLE {schema}.events SET (autovacuum_enabled = off)";
    client.batch_execute(&schema.fill(quickly)).await?;
    let insert = schema.fill(INSERT);
    let end = i64::try_from(events)?;
    let accounts = i64::try_from(ACCOUNTS)?;
    let at_a_time = i64::try_from(at_a_time)?;
    let mut from = 1_i64;
    while from <= end {
        let to = std::cmp::min(from + 499_999, end);
        client.execute(&insert, &[&from, &to, &accounts, &at_a_time]).await?;
        from = to + 1;
    }
    client.batch_execute(&schema.fill("ANALYZE {schema}.events; CHECKPOINT")).await?;
    Ok(())
}

/// The account of this number.
pub fn account(number: u64) -> AccountId {
    AccountId::from(Uuid::from_u128(u128::from(number)))
}

const INSERT: &str = "INSERT INTO {schema}.events (position, version, recorded_at, schema_version, \
     event_id, correlation, causation, size, stream, event_type, payload) \
     SELECT p, v.version, now(), 1, i.id, i.id, i.id, length(d.payload), \
     'account-00000000-0000-0000-0000-' || lpad(to_hex(v.account), 12, '0'), 'MoneyDeposited', \
     d.payload::json \
     FROM generate_series($1::bigint, $2::bigint) AS s(p), \
     LATERAL (SELECT ((p - 1) / $4::bigint) % $3::bigint AS account, \
     (p - 1) / ($4 * $3) * $4 + (p - 1) % $4 + 1 AS version) AS v, \
     LATERAL (SELECT ('00000000-0000-0000-0001-' || lpad(to_hex(p), 12, '0'))::uuid AS id) AS i, \
     LATERAL (SELECT '{\"amount\":7,\"balance\":' || 7 * v.version || \
     ',\"reference\":\"b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa\",\"note\":\"a standing order of the first \
      of the month, for rent and heating, flat 12b\"}' AS payload) AS d";
