//! Leases, on the writer's queue and the readers' pool.
//!
//! Invariant: a lease's time is compared with the machine's clock, which every process that opens
//! the file reads.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use lucent_core::store::{Fence, HeldLease, LeaseOutcome, LeaseStore, StoreError, lease_micros};

use crate::{
    SqliteStore, reader,
    writer::{LeaseChange, Request},
};

#[async_trait]
impl LeaseStore for SqliteStore {
    async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
    ) -> Result<LeaseOutcome, StoreError> {
        let (name, holder): (Arc<str>, Arc<str>) = (name.into(), holder.into());
        let micros = lease_micros(duration);
        let change = |reply| LeaseChange::Acquire { name, holder, micros, reply };
        self.ask(|reply| Request::Lease(change(reply))).await
    }

    async fn renew_leases(
        &self,
        fences: &[Fence],
        duration: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        if fences.is_empty() {
            return Ok(Vec::new());
        }
        let (fences, micros) = (fences.to_vec(), lease_micros(duration));
        self.ask(|reply| Request::Lease(LeaseChange::Renew { fences, micros, reply })).await
    }

    async fn release_lease(&self, fence: &Fence) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.ask(|reply| Request::Lease(LeaseChange::Release { fence, reply })).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
        let prefix = prefix.to_owned();
        let job = move |conn: &_| reader::held_leases(conn, &prefix);
        self.inner.pool.read("read leases", job).await
    }
}
