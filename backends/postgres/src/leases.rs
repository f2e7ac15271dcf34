//! Leases, judged by the server's clock.
//!
//! Invariant: a lease changes hands under the lock of its row, which a fenced step of a projection
//! shares until it is committed.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use lucent_core::store::{Fence, HeldLease, LeaseOutcome, LeaseStore, StoreError, lease_micros};

use crate::{
    PostgresStore,
    connect::Session,
    fault::Fault,
    row::{from_sql, to_sql},
};

#[async_trait]
impl LeaseStore for PostgresStore {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        self.readers()
            .run("acquire a lease", |session| async move {
                acquire(&session, name, holder, lease_micros(duration)).await
            })
            .await
    }

    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        if fences.is_empty() {
            return Ok(Vec::new());
        }
        self.readers()
            .run("renew leases", |session| async move {
                renew(&session, fences, lease_micros(duration)).await
            })
            .await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        self.readers()
            .run("release a lease", |session| async move {
                let token = to_sql(fence.token);
                session.execute(RELEASE, &[&&*fence.lease, &token]).await.map(drop)
            })
            .await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        self.readers()
            .run("read leases", |session| async move { held(&session, prefix).await })
            .await
    }
}

/// Who was the last to get a lease, unless it was given back.
pub(crate) async fn holder(session: &Session, name: &str) -> Result<Option<Arc<str>>, Fault> {
    let rows = session.query(HOLDER, &[&name]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(row.try_get::<_, Option<&str>>(0)?.map(Arc::from))
}

async fn acquire(
    session: &Session,
    name: &str,
    holder: &str,
    micros: i64,
) -> Result<LeaseOutcome, Fault> {
    let row = session.query_one(ACQUIRE, &[&name, &holder, &micros]).await?;
    let fence = Fence { lease: name.into(), token: from_sql(row.try_get(0)?) };
    Ok(match row.try_get::<_, Option<&str>>(1)? {
        None => LeaseOutcome::Granted(fence),
        Some(holder) => LeaseOutcome::Held(HeldLease {
            fence,
            holder: holder.into(),
            remaining: Duration::from_micros(from_sql(row.try_get(2)?)),
        }),
    })
}

async fn renew(session: &Session, fences: &[Fence], micros: i64) -> Result<Vec<Fence>, Fault> {
    let names: Vec<&str> = fences.iter().map(|fence| &*fence.lease).collect();
    let tokens: Vec<i64> = fences.iter().map(|fence| to_sql(fence.token)).collect();
    let row = session.query_one(RENEW, &[&names, &tokens, &micros]).await?;
    let lost: Vec<i64> = row.try_get(0)?;
    let place = |place: i64| usize::try_from(place - 1).ok().and_then(|place| fences.get(place));
    Ok(lost.into_iter().filter_map(place).cloned().collect())
}

async fn held(session: &Session, prefix: &str) -> Result<Vec<HeldLease>, Fault> {
    let rows = session.query(HELD, &[&prefix]).await?;
    let leases = rows.iter().map(|row| {
        let fence =
            Fence { lease: row.try_get::<_, &str>(0)?.into(), token: from_sql(row.try_get(1)?) };
        let remaining = Duration::from_micros(from_sql(row.try_get(3)?));
        Ok(HeldLease { fence, holder: row.try_get::<_, &str>(2)?.into(), remaining })
    });
    leases.collect()
}

const ACQUIRE: &str = "SELECT token, held_by, remaining FROM {schema}.acquire_lease($1, $2, $3)";

const RENEW: &str = "SELECT {schema}.renew_leases($1, $2, $3)";

const RELEASE: &str = "UPDATE {schema}.leases SET holder = NULL WHERE name = $1 AND token = $2";

const HOLDER: &str = "SELECT holder FROM {schema}.leases WHERE name = $1";

const HELD: &str = "SELECT name, token, holder, \
     greatest(0, extract(epoch FROM expires - clock_timestamp()) * 1000000)::bigint \
     FROM {schema}.leases WHERE name >= $1 AND starts_with(name, $1) \
     AND holder IS NOT NULL AND expires > clock_timestamp() ORDER BY name";
