//! Steps of a part of a projection: fenced by a lease, into a read model that others share.
//!
//! Invariant: the lease is checked first, and stays where it is until the step is committed.

use lucent_core::store::ProjectionCommit;
use tokio_postgres::types::ToSql;

use crate::row::to_sql;

/// What a step of a part of a projection has besides: a lease, and a read model of another name.
pub(super) struct Part<'a> {
    lease: Option<&'a str>,
    token: i64,
    name: &'a str,
    version: i64,
}

impl<'a> Part<'a> {
    /// Nothing, if it is a step of a whole projection without a lease.
    pub(super) fn of(commit: &'a ProjectionCommit) -> Option<Self> {
        let (fence, model) = (commit.fence.as_ref(), commit.read_model.as_ref());
        (fence.is_some() || model.is_some()).then(|| {
            let model = model.unwrap_or(&commit.projection);
            Self {
                lease: fence.map(|fence| &*fence.lease),
                token: fence.map_or(0, |fence| to_sql(fence.token)),
                name: &model.name,
                version: i64::from(model.version),
            }
        })
    }

    /// The values of [`PROJECT_PART`] from the sixteenth on.
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.lease, &self.token, &self.name, &self.version]
    }
}

/// Stands for a checkpoint if the step was not taken for want of its lease.
pub(super) const LEASE_LOST: i64 = -1;

/// The lease first, then the checkpoint and what is parked, then the documents, if both were the
/// right ones.
pub(super) const PROJECT_PART: &str = "WITH step AS MATERIALIZED (\
     SELECT CASE WHEN $16::text IS NULL OR {schema}.holds_lease($16, $17) \
     THEN {schema}.project($1, $2, $3, $4, $5, $6, NULL, NULL, NULL, $10, $11, $12, $13, $14, $15) \
     ELSE -1 END AS found) \
     SELECT found, CASE WHEN found = $3 \
     THEN {schema}.write_read_model($18, $19, $7, $8, $9)::text END FROM step";
