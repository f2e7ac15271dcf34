//! Partitions that are made before the log reaches them.
//!
//! Invariant: no event is written before there is a partition for it, and none waits for its partition
//! unless the log grew by more than one while that was made.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::task::JoinHandle;

use crate::{
    connect::{Server, Session},
    fault::Fault,
    reader::Backoff,
    schema::{make_partitions, refuse_missing_partitions},
};

/// How far the partitions of a ledger reach, as far as its writer knows, and who makes the next one.
#[derive(Debug)]
pub(crate) struct Partitions {
    server: Arc<Server>,
    size: u64,
    /// Zero if it is in doubt.
    reach: Arc<AtomicU64>,
    maker: Mutex<Maker>,
}

#[derive(Debug, Default)]
struct Maker {
    /// It works on a connection of its own.
    task: Option<JoinHandle<()>>,
    /// Where the log has to be before it is tried again.
    not_before: u64,
}

impl Partitions {
    /// The partitions of a ledger; nothing if it has none.
    pub(crate) async fn of(session: &Session, server: &Arc<Server>) -> Result<Option<Self>, Fault> {
        let Some(size) = server.layout.partition_size() else {
            return Ok(None);
        };
        let reach = refuse_missing_partitions(session).await?;
        Ok(Some(Self {
            server: Arc::clone(server),
            size,
            reach: Arc::new(AtomicU64::new(reach)),
            maker: Mutex::default(),
        }))
    }

    /// Makes sure that there is a partition for each event up to a position.
    pub(crate) async fn cover(&self, session: &Session, last: u64) -> Result<(), Fault> {
        if last <= self.reach.load(Ordering::Relaxed) {
            return Ok(());
        }
        let through = last.saturating_add(self.size);
        let reach = make_partitions(session, through).await?;
        self.reach.store(reach, Ordering::Relaxed);
        Ok(())
    }

    /// Has the server asked again: what was made may have been undone with a transaction.
    pub(crate) fn doubt(&self) {
        self.reach.store(0, Ordering::Relaxed);
    }

    /// Has the next partition made, once less than a whole one is free. Appends go on meanwhile.
    pub(crate) fn look_ahead(&self, head: u64) {
        let reach = self.reach.load(Ordering::Relaxed);
        if reach == 0 || head.saturating_add(self.size) <= reach {
            return;
        }
        let mut maker = self.maker.lock().unwrap_or_else(PoisonError::into_inner);
        let at_work = maker.task.as_ref().is_some_and(|task| !task.is_finished());
        if at_work || head < maker.not_before {
            return;
        }
        // If it fails, the next try is not made at every batch.
        maker.not_before = head.saturating_add(self.size / 16).saturating_add(1);
        let (server, known) = (Arc::clone(&self.server), Arc::clone(&self.reach));
        maker.task = Some(tokio::spawn(make_one_more(server, known, reach + 1)));
    }
}

impl Drop for Partitions {
    fn drop(&mut self) {
        let maker = self.maker.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = maker.task.take() {
            task.abort();
        }
    }
}

async fn make_one_more(server: Arc<Server>, known: Arc<AtomicU64>, through: u64) {
    let mut backoff = Backoff::new(server.options.patience);
    loop {
        let made = async {
            let session = server.connect().await?;
            make_partitions(&session, through).await
        };
        let fault = match made.await {
            Ok(reach) => {
                known.fetch_max(reach, Ordering::Relaxed);
                return;
            }
            Err(fault) => fault,
        };
        let pause = if fault.is_transient() { backoff.pause() } else { None };
        let Some(pause) = pause else {
            tracing::warn!(?fault, "the next partition of the events could not be made ahead");
            return;
        };
        tokio::time::sleep(pause).await;
    }
}
