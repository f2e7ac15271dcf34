//! Server processes that may still write what somebody was told is in doubt.
//!
//! Invariant: whoever reads or appends through this store after that does so when those processes are
//! gone, so that what he does not find then never comes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lucent_core::store::StoreError;

use crate::{connect::Session, fault::Fault, writer::evidence::ServerProcess};

/// The processes of connections that were lost in the middle of an append.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<Vec<ServerProcess>>);

impl Doubts {
    /// Adds the process whose append is about to be reported as unknown.
    pub(crate) fn add(&self, process: ServerProcess) {
        self.lock().push(process);
    }

    /// Ends the processes, if there are any, and waits until they are gone; they get so much time.
    pub(crate) async fn settle(&self, session: &Session, limit: Duration) -> Result<(), Fault> {
        if self.lock().is_empty() {
            return Ok(());
        }
        let ending = tokio::time::timeout(limit, self.end(session));
        ending.await.unwrap_or_else(|_| {
            Err(Fault::Store(StoreError::Busy {
                reason: format!(
                    "the server process of a lost connection, which may still write an append whose \
                     outcome was reported as unknown, has not ended within {limit:?}: try again later"
                ),
            }))
        })
    }

    async fn end(&self, session: &Session) -> Result<(), Fault> {
        session.refuse_replica().await?;
        let doubtful = self.lock().clone();
        for process in doubtful {
            process.end(session).await?;
            tracing::info!(?process, "a server process can no longer write what was in doubt");
            self.lock().retain(|other| *other != process);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ServerProcess>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
