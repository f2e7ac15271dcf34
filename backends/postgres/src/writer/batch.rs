//! One batch: judged, written, and told of.
//!
//! First it is judged from memory and written by one statement, which does nothing if another
//! process has appended meanwhile. If it did nothing, or memory does not suffice, the batch is
//! judged on what is read under the ledger's lock. Invariant: nobody is answered before the
//! transaction is committed, and every verdict was confirmed by it.

use std::sync::Arc;

use lucent_core::{
    Position, RecordedEvent, Version,
    store::{AppendError, StoreError},
};
use tokio_postgres::error::SqlState;

use crate::{
    connect::{Server, Session},
    fault::Fault,
    writer::{
        ahead::Partitions,
        columns::Columns,
        draft::{Draft, Standing, Verdict},
        evidence::{Evidence, ServerProcess},
        inline::Inline,
        knowledge::{Knowledge, Recent},
        request::{Answer, Request},
        state::{COMMIT, LockedState, ROLLBACK},
    },
};

/// A connection that writes.
#[derive(Debug)]
pub(crate) struct Pen {
    pub(crate) session: Arc<Session>,
    pub(crate) server: Arc<Server>,
    pub(crate) process: ServerProcess,
    /// The key of the ledger's advisory lock.
    pub(crate) lock: [i32; 2],
    /// If the ledger is in partitions.
    pub(crate) partitions: Option<Partitions>,
}

/// What was decided about a batch.
pub(crate) struct Decided {
    verdicts: Vec<Verdict>,
    versions: Vec<(lucent_core::StreamId, Standing)>,
    head: u64,
}

/// A batch that was not written, as far as is known.
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// If the connection was lost in the middle: what was decided, and how to find out whether it
    /// was written.
    pub(crate) open: Option<(Decided, Evidence)>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, open: None }
    }
}

impl Pen {
    /// Writes a batch; gives what was decided, and the server's answers to its questions.
    pub(crate) async fn write(
        &self,
        knowledge: &mut Knowledge,
        batch: &[Request],
    ) -> Result<(Decided, Vec<i64>), Failure> {
        let Some(partitions) = &self.partitions else {
            return self.write_once(knowledge, batch).await;
        };
        let mut again = true;
        loop {
            match self.write_once(knowledge, batch).await {
                Ok(written) => {
                    partitions.look_ahead(written.0.head);
                    return Ok(written);
                }
                Err(failure) => {
                    partitions.doubt();
                    // Somebody has taken a partition away; in doubt, all are made sure of.
                    if !(again && failure.fault.is_of(&SqlState::CHECK_VIOLATION)) {
                        return Err(failure);
                    }
                    again = false;
                }
            }
        }
    }

    async fn write_once(
        &self,
        knowledge: &mut Knowledge,
        batch: &[Request],
    ) -> Result<(Decided, Vec<i64>), Failure> {
        let has_inline = batch.iter().any(|one| !one.append.inline.as_slice().is_empty());
        if let (false, Some(head)) = (has_inline, knowledge.head())
            && let Some(written) = self.write_from_memory(knowledge, head, batch).await?
        {
            return Ok(written);
        }
        // Boxed, so that the future of the usual way stays small.
        match Box::pin(self.write_locked(knowledge, batch)).await {
            Err(failure) if !failure.fault.lost_connection() => {
                self.session.execute(ROLLBACK, &[]).await?;
                Err(failure)
            }
            outcome => outcome,
        }
    }

    /// Writes what memory suffices for; nothing is written if it does not, or is out of date.
    async fn write_from_memory(
        &self,
        knowledge: &mut Knowledge,
        head: u64,
        batch: &[Request],
    ) -> Result<Option<(Decided, Vec<i64>)>, Failure> {
        let mut draft = Draft::new(knowledge, None, head);
        let mut columns = Columns::after(head, &self.session);
        let mut verdicts = Vec::with_capacity(batch.len());
        for request in batch {
            let verdict = draft.judge(&request.append);
            match &verdict {
                Verdict::Unknown => return Ok(None),
                Verdict::Won { found, .. } => {
                    columns.add(&request.append, found);
                    draft.accept(&request.append, found);
                }
                _ => {}
            }
            verdicts.push(verdict);
        }
        self.make_room(draft.head).await?;
        let evidence = Evidence::of(&columns, draft.asked.len(), &self.process);
        let outcome = match columns.are_plain(&draft) && knowledge.seems_alone() {
            true => {
                let inserted = columns.insert(&self.session, self.lock, &draft).await;
                inserted.map(|inserted| inserted.then(Vec::new))
            }
            false => columns.write(&self.session, self.lock, &draft).await,
        };
        let decided = Decided::new(verdicts, draft);
        match outcome {
            Ok(Some(answers)) => {
                knowledge.met_nobody();
                Ok(Some((decided, answers)))
            }
            Ok(None) => {
                knowledge.met_others();
                Ok(None)
            }
            Err(fault) => {
                Err(Failure { open: evidence.map(|evidence| (decided, evidence)), fault })
            }
        }
    }

    /// Reads and writes in one transaction, which holds the lock.
    async fn write_locked(
        &self,
        knowledge: &mut Knowledge,
        batch: &[Request],
    ) -> Result<(Decided, Vec<i64>), Failure> {
        let state = LockedState::read(&self.session, self.lock, knowledge, batch).await?;
        for (stream, version) in &state.versions {
            knowledge.set_version(stream.clone(), *version);
        }
        let head = knowledge.head().unwrap_or_default();
        let mut draft = Draft::new(knowledge, Some(&state), head);
        let mut columns = Columns::after(head, &self.session);
        let mut verdicts = Vec::with_capacity(batch.len());
        let mut inline = self.start_inline(batch, &state, head).await?;
        for request in batch {
            let mut verdict = draft.judge(&request.append);
            if let Verdict::Won { first, found } = &verdict {
                let projected = match &mut inline {
                    None => Ok(()),
                    Some(inline) => inline.take(&events(request, *first, found)).await?,
                };
                match projected {
                    Ok(()) => {
                        columns.add(&request.append, found);
                        draft.accept(&request.append, found);
                    }
                    Err(error) => verdict = Verdict::Refused(AppendError::Projection(error)),
                }
            }
            verdicts.push(verdict);
        }
        self.make_room(draft.head).await?;
        let written = columns.write(&self.session, self.lock, &draft).await?;
        let Some(answers) = written else {
            let reason = "the log grew while its lock was held: something that is not Lucent \
                          writes to it";
            return Err(Fault::damaged(format!("event {}", head + 1), reason).into());
        };
        let end = draft.head;
        if let Some(inline) = &mut inline
            && end > head
        {
            inline.finish(end).await?;
        }
        let evidence = Evidence::of(&columns, 0, &self.process);
        let decided = Decided::new(verdicts, draft);
        match self.session.execute(COMMIT, &[]).await {
            Ok(_) => Ok((decided, answers)),
            Err(fault) => {
                Err(Failure { open: evidence.map(|evidence| (decided, evidence)), fault })
            }
        }
    }

    /// Sees to it that there is a partition for each event of a batch that ends at a position.
    async fn make_room(&self, end: u64) -> Result<(), Fault> {
        match &self.partitions {
            Some(partitions) => partitions.cover(&self.session, end).await,
            None => Ok(()),
        }
    }

    async fn start_inline(
        &self,
        batch: &[Request],
        state: &LockedState,
        head: u64,
    ) -> Result<Option<Inline<'_>>, Fault> {
        let Some(projections) = batch.first().map(|request| request.append.inline.as_slice())
        else {
            return Ok(None);
        };
        let adds = batch.iter().any(|request| request.append.event_count() > 0);
        if projections.is_empty() || !adds {
            return Ok(None);
        }
        let mut inline = Inline::start(&self.session, &self.server, projections, head).await?;
        if batch.len() > 1 {
            let likely = batch.iter().flat_map(|request| {
                let found = request.append.writes.iter().map(|write| {
                    Standing::Known(state.versions.get(&write.stream).copied().unwrap_or_default())
                });
                events(request, head + 1, &found.collect::<Vec<_>>())
            });
            inline.prefetch(&likely.collect::<Vec<_>>()).await?;
        }
        Ok(Some(inline))
    }
}

impl Decided {
    fn new(verdicts: Vec<Verdict>, draft: Draft<'_>) -> Self {
        let head = draft.head;
        Self { verdicts, versions: draft.into_versions().into_iter().collect(), head }
    }

    /// Where the log ends with this batch.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// Answers when it could not be found out whether the batch was written; what would not have
    /// been written anyway has failed because the connection was `lost`.
    pub(crate) fn leave_open(
        self,
        batch: Vec<Request>,
        reason: String,
        location: &str,
        lost: &StoreError,
    ) {
        let unknown = StoreError::OutcomeUnknown { location: location.to_owned(), reason };
        for (request, verdict) in batch.into_iter().zip(self.verdicts) {
            let error = match verdict {
                Verdict::Won { .. } => &unknown,
                _ => lost,
            };
            request.done(Err(error.clone().into()));
        }
    }

    /// Remembers what was written and answers; gives back the appends that have to wait.
    pub(crate) fn settle(
        self,
        knowledge: &mut Knowledge,
        batch: Vec<Request>,
        answers: &[i64],
    ) -> Vec<Request> {
        let mut later = Vec::new();
        for (stream, standing) in self.versions {
            knowledge.set_version(stream, standing.resolve(answers));
        }
        for (request, verdict) in batch.into_iter().zip(self.verdicts) {
            match verdict {
                Verdict::Won { first, found } => {
                    let last = first + request.append.event_count() as u64 - 1;
                    let outcome = Draft::outcome(&request.append, last, &found, answers);
                    let Request { append, answer } = request;
                    let events = append.writes.into_iter().flat_map(|write| write.events);
                    for one in events {
                        let (event_type, tags) = (one.event.event_type, one.event.tags);
                        knowledge.push(Recent { event_type, tags });
                    }
                    drop(answer.send(Answer::Done(Ok(outcome))));
                }
                Verdict::Repeated(first) => request.done(Ok(first)),
                Verdict::Refused(error) => request.done(Err(error)),
                Verdict::CheckAgain => {
                    let Request { append, answer } = request;
                    drop(answer.send(Answer::CheckAgain(Box::new(append))));
                }
                Verdict::Later | Verdict::Unknown => later.push(request),
            }
        }
        later
    }
}

/// The events of an append as they will read.
fn events(request: &Request, first: u64, found: &[Standing]) -> Vec<RecordedEvent> {
    let mut position = Position::new(first);
    let mut events = Vec::with_capacity(request.append.event_count());
    for (write, found) in request.append.writes.iter().zip(found) {
        let mut version = Version::new(found.resolve(&[]));
        for one in &write.events {
            version = version.next();
            // Payload and metadata are shared; only the tags are copied.
            events.push(one.event.clone().into_recorded(write.stream.clone(), version, position));
            position = position.next();
        }
    }
    events
}
