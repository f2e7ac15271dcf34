//! Granting, renewing and taking back leases.
//!
//! Invariant: the token in a row never goes back, and every grant to another holder raises it.

use std::sync::Arc;

use lucent_core::{
    Timestamp,
    store::{Fence, LeaseOutcome, StoreError},
};
use rusqlite::params;

use crate::{
    fault::Fault,
    reader::lease,
    row::to_sql,
    writer::{
        batch::Batch,
        request::{Outcome, Reply},
    },
};

/// A request about leases, and the way back to who made it.
#[derive(Debug)]
pub(crate) enum LeaseChange {
    Acquire {
        name: Arc<str>,
        holder: Arc<str>,
        micros: i64,
        reply: Reply<LeaseOutcome, StoreError>,
    },
    Renew {
        fences: Vec<Fence>,
        micros: i64,
        reply: Reply<Vec<Fence>, StoreError>,
    },
    Release {
        fence: Fence,
        reply: Reply<(), StoreError>,
    },
}

impl LeaseChange {
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::Acquire { reply, .. } => reply.is_closed(),
            Self::Renew { reply, .. } => reply.is_closed(),
            Self::Release { reply, .. } => reply.is_closed(),
        }
    }

    /// Answers after the commit. Who is gone does not get it, which is no error.
    pub(crate) fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Acquire { reply, .. }, Outcome::Leased(outcome)) => {
                drop(reply.send(Ok(outcome)));
            }
            (Self::Renew { reply, .. }, Outcome::Renewed(lost)) => drop(reply.send(Ok(lost))),
            (Self::Release { reply, .. }, Outcome::Done) => drop(reply.send(Ok(()))),
            _ => {}
        }
    }

    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Acquire { reply, .. } => drop(reply.send(Err(error))),
            Self::Renew { reply, .. } => drop(reply.send(Err(error))),
            Self::Release { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}

impl Batch<'_> {
    /// Judges a request about leases.
    pub(crate) fn change_lease(&mut self, change: &LeaseChange) -> Result<Outcome, Fault> {
        match change {
            LeaseChange::Acquire { name, holder, micros, .. } => {
                self.acquire_lease(name, holder, *micros).map(Outcome::Leased)
            }
            LeaseChange::Renew { fences, micros, .. } => {
                self.renew_leases(fences, *micros).map(Outcome::Renewed)
            }
            LeaseChange::Release { fence, .. } => {
                self.conn
                    .prepare_cached(
                        "UPDATE leases SET holder = NULL WHERE name = ?1 AND token = ?2",
                    )?
                    .execute(params![&*fence.lease, to_sql(fence.token)])?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Checks a fence; an error says who holds the lease now.
    pub(crate) fn check_fence(&self, fence: &Fence) -> Result<Result<(), Option<Arc<str>>>, Fault> {
        Ok(match lease(self.conn, &fence.lease)? {
            Some(stored) if stored.holder.is_some() && stored.token == fence.token => Ok(()),
            stored => Err(stored.and_then(|stored| stored.holder)),
        })
    }

    fn acquire_lease(
        &self,
        name: &Arc<str>,
        holder: &Arc<str>,
        micros: i64,
    ) -> Result<LeaseOutcome, Fault> {
        let now = Timestamp::now();
        let stored = lease(self.conn, name)?;
        let mut token = stored.as_ref().map_or(0, |stored| stored.token);
        let again = stored.as_ref().is_some_and(|stored| stored.holder.as_ref() == Some(holder));
        if !again {
            if let Some(held) = stored.and_then(|stored| stored.held(Arc::clone(name), now)) {
                return Ok(LeaseOutcome::Held(held));
            }
            token += 1;
        }
        self.conn
            .prepare_cached(
                "INSERT INTO leases (name, token, holder, expires) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (name) DO UPDATE SET token = excluded.token, \
                 holder = excluded.holder, expires = excluded.expires",
            )?
            .execute(params![&**name, to_sql(token), &**holder, now.as_micros() + micros])?;
        Ok(LeaseOutcome::Granted(Fence { lease: Arc::clone(name), token }))
    }

    fn renew_leases(&self, fences: &[Fence], micros: i64) -> Result<Vec<Fence>, Fault> {
        let expires = Timestamp::now().as_micros() + micros;
        let mut renew = self.conn.prepare_cached(
            "UPDATE leases SET expires = ?3 \
             WHERE name = ?1 AND token = ?2 AND holder IS NOT NULL",
        )?;
        let mut lost = Vec::new();
        for fence in fences {
            if renew.execute(params![&*fence.lease, to_sql(fence.token), expires])? == 0 {
                lost.push(fence.clone());
            }
        }
        Ok(lost)
    }
}
