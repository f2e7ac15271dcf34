//! A few threads with a read-only connection each.
//!
//! Invariant: a request whose caller is gone is not served, and one that panics does not take its
//! thread along.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use lucent_core::store::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::{fault::Fault, heads::closed};

/// The queue that the reading threads share.
pub(crate) struct Pool {
    path: PathBuf,
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

impl Pool {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, queue: Mutex::default(), wake: Condvar::new() }
    }

    /// Runs a read inside one read transaction. Cancel safe.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        action: &'static str,
        job: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(action, move |conn, _| {
            let tx = conn.unchecked_transaction()?;
            job(&tx)
        })
        .await
    }

    /// Runs a read that opens its transactions itself and can ask whether its caller is gone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        job: impl FnOnce(&Connection, &dyn Fn() -> bool) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel::<Result<T, Fault>>();
        let job: Job = Box::new(move |conn| {
            if sender.is_closed() {
                return;
            }
            let outcome = job(conn, &|| sender.is_closed());
            // The caller may have left in the meantime; nobody else wants the outcome.
            drop(sender.send(outcome));
        });
        {
            let mut queue = self.lock();
            if queue.closed {
                return Err(closed());
            }
            queue.jobs.push_back(job);
        }
        self.wake.notify_one();
        match receiver.await {
            Ok(outcome) => outcome.map_err(|fault| fault.into_store(action, &self.path)),
            Err(_) => Err(StoreError::Closed {
                reason: "it was shut down during a read, or the read panicked".to_owned(),
            }),
        }
    }

    /// Lets queued reads end, refuses new ones, ends the threads.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// Serves requests until the store is closed.
    pub(crate) fn serve(&self, conn: &Connection) {
        while let Some(job) = self.next() {
            if catch_unwind(AssertUnwindSafe(|| job(conn))).is_err() {
                tracing::error!("a read panicked");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("path", &self.path).finish()
    }
}
