//! The writer's task: collects appends, has each batch written, and outlives its connection.
//!
//! Invariant: an append is answered with an error only if it is certain that nothing of it was
//! written. If a connection is lost during a commit, the answer waits until that is known; only if
//! that takes too long does it say that the outcome is unknown. Nothing is read or written through
//! the store after that while the server may still commit it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lucent_core::store::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::{
    connect::Server,
    fault::Fault,
    heads::{Heads, closed},
    reader::Backoff,
    schema::verify,
    writer::{
        ahead::Partitions,
        batch::{Decided, Failure, Pen},
        columns,
        evidence::{Evidence, ServerProcess},
        knowledge::Knowledge,
        request::{Message, Request},
        state,
    },
};

/// The way to the writer's task.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    remembers_after: Arc<AtomicU64>,
    patience: Duration,
}

impl Writer {
    /// Starts the task.
    pub(crate) fn start(server: Arc<Server>, heads: Arc<Heads>) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE);
        let remembers_after = Arc::new(AtomicU64::new(u64::MAX));
        let patience = server.options.patience;
        let task = Task {
            server,
            heads,
            inbox,
            carried: VecDeque::new(),
            pen: None,
            knowledge: Knowledge::new(),
            remembers_after: Arc::clone(&remembers_after),
        };
        tokio::spawn(task.run());
        Self { queue, remembers_after, patience }
    }

    /// Hands an append in, as soon as there is room for it.
    pub(crate) async fn send(&self, request: Request) -> Result<(), StoreError> {
        let room = match self.queue.try_reserve() {
            Err(mpsc::error::TrySendError::Full(())) => {
                let room = tokio::time::timeout(self.patience, self.queue.reserve());
                room.await.map_err(|_| overloaded(self.patience))?.map_err(|_| closed())?
            }
            room => room.map_err(|_| closed())?,
        };
        room.send(Message::Append(request));
        Ok(())
    }

    /// Has what was handed in written, and ends the task.
    pub(crate) async fn close(&self) {
        let (done, end) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that the task has ended.
            drop(end.await);
        }
    }

    /// The position after which the task remembers every event.
    pub(crate) fn remembers_after(&self) -> u64 {
        self.remembers_after.load(Ordering::Relaxed)
    }
}

struct Task {
    server: Arc<Server>,
    heads: Arc<Heads>,
    inbox: mpsc::Receiver<Message>,
    /// Appends that wait for the next batch.
    carried: VecDeque<Request>,
    pen: Option<Pen>,
    knowledge: Knowledge,
    remembers_after: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self) {
        let mut end = None;
        while end.is_none() {
            let batch = self.collect(&mut end).await;
            if !batch.is_empty() {
                self.commit(batch).await;
                self.remembers_after.store(self.knowledge.recent_after(), Ordering::Relaxed);
                // Those who were answered get to hand in their next appends.
                tokio::task::yield_now().await;
            }
        }
        while !self.carried.is_empty() {
            let batch = self.carried.drain(..).collect();
            self.commit(batch).await;
        }
        self.heads.close();
        self.inbox.close();
        while let Some(message) = self.inbox.recv().await {
            if let Message::Append(request) = message {
                request.done(Err(closed().into()));
            }
        }
        drop(end);
    }

    /// Takes what waits, up to a batch's size; waits for the first one.
    async fn collect(&mut self, end: &mut Option<Option<oneshot::Sender<()>>>) -> Vec<Request> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut rest = VecDeque::new();
        loop {
            let next = match self.carried.pop_front() {
                Some(request) => request,
                None => {
                    let message = match batch.is_empty() && rest.is_empty() {
                        true => self.inbox.recv().await,
                        false => match self.inbox.try_recv() {
                            Ok(message) => Some(message),
                            Err(_) => break,
                        },
                    };
                    match message {
                        Some(Message::Append(request)) => request,
                        Some(Message::Close(done)) => {
                            *end = Some(Some(done));
                            break;
                        }
                        None => {
                            *end = Some(None);
                            break;
                        }
                    }
                }
            };
            if next.is_abandoned() {
                continue;
            }
            if batch.first().is_some_and(|first| !share_projections(first, &next)) {
                rest.push_back(next);
                if rest.len() >= MOST_APPENDS {
                    break;
                }
                continue;
            }
            bytes += next.append.bytes;
            batch.push(next);
            if batch.len() >= MOST_APPENDS || bytes >= MOST_BYTES {
                break;
            }
        }
        rest.append(&mut self.carried);
        self.carried = rest;
        batch
    }

    /// Writes a batch and answers, whatever it takes.
    async fn commit(&mut self, mut batch: Vec<Request>) {
        let mut backoff = Backoff::new(self.server.options.patience);
        loop {
            let pen = match Box::pin(self.connected(&mut backoff)).await {
                Ok(pen) => pen,
                Err(fault) => return self.refuse(batch, fault),
            };
            let failure = match pen.write(&mut self.knowledge, &batch).await {
                Ok((decided, answers)) => {
                    self.pen = Some(pen);
                    return self.settle(decided, batch, &answers);
                }
                Err(failure) => failure,
            };
            let Failure { fault, open } = failure;
            self.knowledge.forget();
            if fault.lost_connection() {
                tracing::warn!(?fault, "the connection that appends was lost");
                drop(pen);
                if let Some((decided, evidence)) = open {
                    match Box::pin(self.find_out(&evidence, &batch)).await {
                        Found::Written(answers) => return self.settle(decided, batch, &answers),
                        Found::Nothing => {}
                        Found::Unknown(reason) => {
                            let location = &self.server.location;
                            let lost = fault.into_store("append events", location);
                            // Before anybody is told, so that who looks for it then finds the truth.
                            self.server.doubts.add(evidence.process());
                            return decided.leave_open(batch, reason, location, &lost);
                        }
                    }
                }
                match backoff.pause() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return self.refuse(batch, fault),
                }
                continue;
            }
            if fault.is_missing_object() {
                // The tables are gone, or of another version; a new connection says which.
                let fault = match Box::pin(self.connect()).await {
                    Ok(_) => fault,
                    Err(reason) => reason,
                };
                return self.refuse(batch, fault);
            }
            if !fault.is_read_only() {
                self.pen = Some(pen);
            }
            if fault.is_undone_by_others()
                && let Some(pause) = backoff.pause()
            {
                tracing::debug!(?fault, "a batch was undone; it is tried again");
                tokio::time::sleep(pause).await;
                continue;
            }
            if batch.len() == 1 || !fault.may_be_one_requests() {
                return self.refuse(batch, fault);
            }
            // One of them is to blame: each gets a batch of its own.
            for request in batch.drain(1..).rev() {
                self.carried.push_front(request);
            }
            tracing::debug!(?fault, "a batch was refused; its appends are tried one by one");
            while let Some(next) = self.carried.pop_front() {
                Box::pin(self.commit(vec![next])).await;
            }
        }
    }

    fn settle(&mut self, decided: Decided, batch: Vec<Request>, answers: &[i64]) {
        let head = decided.head();
        if self.knowledge.head().is_none() {
            // The batch was found written on a later connection.
            self.knowledge.start_at(head);
        }
        self.heads.committed(head);
        let later = decided.settle(&mut self.knowledge, batch, answers);
        for request in later.into_iter().rev() {
            self.carried.push_front(request);
        }
    }

    fn refuse(&self, batch: Vec<Request>, fault: Fault) {
        let error = fault.into_store("append events", &self.server.location);
        for request in batch {
            request.done(Err(error.clone().into()));
        }
    }

    /// The connection that writes; a new one if there is none.
    async fn connected(&mut self, backoff: &mut Backoff) -> Result<Pen, Fault> {
        if let Some(pen) = self.pen.take()
            && !pen.session.is_closed()
        {
            return Ok(pen);
        }
        loop {
            let fault = match self.connect().await {
                Ok(pen) => return Ok(pen),
                Err(fault) if fault.is_transient() => fault,
                Err(fault) => return Err(fault),
            };
            match backoff.pause() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(fault),
            }
        }
    }

    async fn connect(&mut self) -> Result<Pen, Fault> {
        let session = Arc::new(self.server.connect().await?);
        // Somebody may have changed or dropped the tables since the store was opened.
        verify(&session, &self.server).await?;
        self.server.doubts.settle(&session, self.server.options.patience).await?;
        state::prepare(&session).await?;
        columns::prepare(&session).await?;
        let process = ServerProcess::of(&session).await?;
        let row = session.query_one(LOCK_KEY, &[&self.server.schema.name()]).await?;
        let lock = [LOCK_CLASS, row.try_get(0)?];
        let partitions = Partitions::of(&session, &self.server).await?;
        Ok(Pen { session, server: Arc::clone(&self.server), process, lock, partitions })
    }

    /// Finds out whether a batch was written, unless that takes too long or nobody waits for it any
    /// more.
    async fn find_out(&mut self, evidence: &Evidence, batch: &[Request]) -> Found {
        let limit = self.server.options.outcome_timeout;
        let mut obstacle = None;
        let looking = self.look_for(evidence, batch, &mut obstacle);
        if let Ok(found) = tokio::time::timeout(limit, looking).await {
            return found;
        }
        let location = &self.server.location;
        let obstacle = obstacle.map(|fault: Fault| fault.into_store("ask the server", location));
        let obstacle = obstacle.map_or_else(String::new, |error| format!(" ({})", chain(&error)));
        Found::Unknown(format!(
            "its connection was lost, and the server could not be asked within {limit:?}{obstacle}"
        ))
    }

    async fn look_for(
        &mut self,
        evidence: &Evidence,
        batch: &[Request],
        obstacle: &mut Option<Fault>,
    ) -> Found {
        let mut backoff = Backoff::new(Duration::MAX);
        loop {
            let found = match self.connect().await {
                Ok(pen) => evidence.look(&pen.session).await.map(|found| (pen, found)),
                Err(fault) => Err(fault),
            };
            match found {
                Ok((pen, found)) => {
                    self.pen = Some(pen);
                    return found.map_or(Found::Nothing, Found::Written);
                }
                Err(fault) => {
                    tracing::warn!(?fault, "cannot find out yet whether events were appended");
                    *obstacle = Some(fault);
                }
            }
            if batch.iter().all(Request::is_abandoned) {
                return Found::Unknown("nobody waits for it any more".to_owned());
            }
            if let Some(pause) = backoff.pause() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// What became of a batch whose connection was lost.
enum Found {
    Written(Vec<i64>),
    Nothing,
    /// That could not be found out, for this reason.
    Unknown(String),
}

/// The error of appends for which the queue had no room.
fn overloaded(patience: Duration) -> StoreError {
    StoreError::Busy {
        reason: format!(
            "{QUEUE} appends wait for the database, and none of them made room within {patience:?}: \
             send fewer at a time"
        ),
    }
}

/// An error with what caused it.
fn chain(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// A batch runs its projections once, so all of its appends must have the same ones.
fn share_projections(one: &Request, other: &Request) -> bool {
    match (&one.append.inline.0, &other.append.inline.0) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => one.append.inline.as_slice().is_empty() && other.append.inline.as_slice().is_empty(),
    }
}

/// The class of the advisory locks that order the appends of ledgers.
const LOCK_CLASS: i32 = 0x4C75_6365;

/// The schema's own number tells its lock from those of other ledgers in the database.
const LOCK_KEY: &str = "SELECT n.oid::bigint::bit(32)::integer FROM pg_namespace AS n \
     WHERE n.nspname = $1";

/// How many appends may wait; more wait outside.
const QUEUE: usize = 8_192;

/// How large a batch may be; a larger one would only make its callers wait longer.
const MOST_APPENDS: usize = 1_024;
const MOST_BYTES: usize = 4 << 20;
