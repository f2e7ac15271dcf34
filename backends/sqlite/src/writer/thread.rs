//! The writer's thread: batches, commits, answers, recovers, closes.
//!
//! Invariant: a request is answered with success only after its transaction is durable; after a
//! failed commit nothing that the connection remembers is trusted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Receiver,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rusqlite::{Connection, hooks::Wal, wal::CheckpointMode};
use tokio::sync::oneshot;

use crate::{
    checkpoint::{Checkpoints, Thresholds, checkpoint},
    fault::Fault,
    heads::Heads,
    open::{Options, open_writer},
    reader::Pool,
    writer::{
        answers::Answers,
        batch::Batch,
        cache::Cache,
        inline::Inline,
        request::{Outcome, Request},
    },
};

/// The writer and all that ends with it.
pub(crate) struct Writer {
    options: Options,
    /// `None` after a failure, until the file could be opened again.
    conn: Option<Connection>,
    cache: Cache,
    inline: Inline,
    thresholds: Thresholds,
    queued: Arc<AtomicUsize>,
    heads: Arc<Heads>,
    checkpoints: Arc<Checkpoints>,
    pool: Arc<Pool>,
    answers: Answers,
    companions: Vec<JoinHandle<()>>,
}

impl Writer {
    /// Takes the connection that opened the store.
    pub(crate) fn new(
        options: Options,
        conn: Connection,
        queued: Arc<AtomicUsize>,
        (heads, checkpoints, pool): (Arc<Heads>, Arc<Checkpoints>, Arc<Pool>),
    ) -> Result<Self, Fault> {
        let mut writer = Self {
            options,
            conn: None,
            cache: Cache::new(),
            inline: Inline::default(),
            thresholds: Thresholds::default(),
            queued,
            heads,
            checkpoints,
            pool,
            answers: Answers::start()?,
            companions: Vec::new(),
        };
        writer.adopt(conn)?;
        Ok(writer)
    }

    /// Takes the threads to end and join when the store is closed.
    pub(crate) fn own(&mut self, companions: Vec<JoinHandle<()>>) {
        self.companions = companions;
    }

    /// Serves requests until it is told to close.
    pub(crate) fn run(mut self, requests: Receiver<Request>) {
        let mut closing = None;
        while closing.is_none() {
            let Ok(first) = requests.recv() else { break };
            let batch = self.gather(first, &requests, &mut closing);
            self.serve(batch);
        }
        // Requests that came too late learn it from their dropped way back.
        drop(requests);
        self.close();
        if let Some(closed) = closing {
            // Who drops a store does not wait.
            let _unheard = closed.send(());
        }
    }

    /// Takes what has queued up behind a request. A lone request does not wait for company.
    fn gather(
        &self,
        first: Request,
        requests: &Receiver<Request>,
        closing: &mut Option<oneshot::Sender<()>>,
    ) -> Vec<Request> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut next = Some(first);
        while let Some(request) = next {
            if let Request::Close(closed) = request {
                *closing = Some(closed);
                break;
            }
            self.queued.fetch_sub(1, Ordering::Relaxed);
            bytes += request.bytes();
            batch.push(request);
            if batch.len() >= BATCH_REQUESTS || bytes >= BATCH_BYTES {
                break;
            }
            next = requests.try_recv().ok();
        }
        batch
    }

    fn serve(&mut self, batch: Vec<Request>) {
        if batch.is_empty() {
            return;
        }
        match self.commit(&batch) {
            Ok(outcomes) => {
                self.heads.saw(self.cache.head);
                self.answers.give(batch, outcomes);
                self.after_commit();
            }
            Err(fault) if batch.len() > 1 && fault.may_be_one_requests() => {
                for request in batch {
                    self.serve(vec![request]);
                }
            }
            Err(fault) => {
                let error = fault.into_store("write to the store", &self.options.path);
                for request in batch {
                    request.fail(error.clone());
                }
            }
        }
    }

    fn commit(&mut self, batch: &[Request]) -> Result<Vec<Outcome>, Fault> {
        if self.conn.is_none() {
            self.reopen()?;
        }
        let Some(conn) = &self.conn else {
            return Err(crate::heads::closed().into());
        };
        let outcome = begin(conn, self.options.busy_timeout).and_then(|()| {
            let path = &self.options.path;
            let mut run = Batch::start(conn, &mut self.cache, &mut self.inline, path)?;
            let outcomes =
                batch.iter().map(|request| run.run(request)).collect::<Result<Vec<_>, Fault>>()?;
            run.finish()?;
            conn.prepare_cached("COMMIT")?.execute([])?;
            Ok(outcomes)
        });
        if let Err(fault) = &outcome {
            self.cache.forget();
            let undone = conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok();
            if !undone || fault.breaks_the_connection() {
                tracing::warn!(?fault, "a commit failed; opening the file again");
                self.conn = None;
                if let Err(fault) = self.reopen() {
                    tracing::error!(?fault, "cannot open the file again; will retry");
                }
            }
        }
        outcome
    }

    fn adopt(&mut self, mut conn: Connection) -> Result<(), Fault> {
        let checkpoints = Arc::clone(&self.checkpoints);
        conn.wal_hook(Some(move |_: &mut Wal, pages| {
            checkpoints.committed(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }))?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Opens the file again after a failure.
    fn reopen(&mut self) -> Result<(), Fault> {
        let conn = open_writer(&self.options)?;
        // Pages of the failed commit may stand in the log without being part of it. A commit of our
        // own overwrites them, so that no later recovery can take them for committed.
        begin(&conn, self.options.busy_timeout)?;
        conn.execute_batch(
            "UPDATE lucent_meta SET value = value + 1 WHERE key = 'repairs'; COMMIT;",
        )?;
        self.adopt(conn)
    }

    fn after_commit(&mut self) {
        if let Some(conn) = &self.conn
            && let Err(fault) = self.checkpoints.after_commit(conn, &mut self.thresholds)
        {
            tracing::warn!(?fault, "cannot shorten the write-ahead log; will retry");
        }
    }

    /// Ends the other threads and empties the write-ahead log.
    pub(crate) fn close(mut self) {
        self.heads.close();
        self.pool.close();
        self.checkpoints.close();
        self.answers.close();
        for companion in self.companions.drain(..) {
            if companion.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
        if let Some(conn) = self.conn.take()
            && let Err(fault) = truncate(&conn)
        {
            // The log stays beside the file and is read at the next opening.
            tracing::warn!(?fault, "cannot empty the write-ahead log");
        }
    }
}

/// Takes the write lock; other processes hold it for one batch at a time.
fn begin(conn: &Connection, patience: Duration) -> Result<(), Fault> {
    let mut deadline = None;
    loop {
        match conn.prepare_cached("BEGIN IMMEDIATE")?.execute([]) {
            Ok(_) => return Ok(()),
            Err(error) => {
                let fault = Fault::from(error);
                let now = Instant::now();
                if !fault.is_busy() || now >= *deadline.get_or_insert_with(|| now + patience) {
                    return Err(fault);
                }
                std::thread::sleep(LOCK_RETRY);
            }
        }
    }
}

fn truncate(conn: &Connection) -> Result<(), Fault> {
    conn.busy_timeout(Duration::from_millis(100))?;
    checkpoint(conn, CheckpointMode::TRUNCATE)
}

/// The most requests in one commit.
const BATCH_REQUESTS: usize = 1_024;

/// The most bytes in one commit, save for its last request.
const BATCH_BYTES: usize = 8 << 20;

/// How often a held lock is tried again.
const LOCK_RETRY: Duration = Duration::from_micros(500);
