//! What the writer is asked to do, and how it answers.

use bytes::Bytes;
use lucent_core::{
    CommandId, StreamId,
    store::{
        Append, AppendCondition, AppendError, Appended, CommitError, DocumentChange,
        ExpectedVersion, Fence, InlineProjections, JoinedCommand, LeaseOutcome, ProjectionCommit,
        ProjectionId, Replacement, Snapshot, SnapshotKey, StoreError,
    },
};
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::{row::EncodedEvent, writer::lease::LeaseChange};

/// A request and the way back to who made it.
#[derive(Debug)]
pub(crate) enum Request {
    /// Boxed, because it moves from queue to batch.
    Append(Box<EncodedAppend>, Reply<Appended, AppendError>),
    Project(ProjectionCommit, Reply<(), CommitError>),
    Snapshot(SnapshotKey, Snapshot, Reply<(), StoreError>),
    Drop(ProjectionId, Reply<(), StoreError>),
    /// Puts what was built into its places.
    Replace(Vec<Replacement>, Option<Fence>, Reply<(), CommitError>),
    Lease(LeaseChange),
    /// Ends the thread; what came before it in the queue is done first.
    Close(oneshot::Sender<()>),
}

pub(crate) type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// What came of a request whose batch was committed.
#[derive(Debug)]
pub(crate) enum Outcome {
    Appended(Result<Appended, AppendError>),
    Projected(Result<(), CommitError>),
    Leased(LeaseOutcome),
    /// The leases that are lost.
    Renewed(Vec<Fence>),
    Done,
    /// Nobody waits for it any more, so it was not done.
    Abandoned,
}

/// An append whose parts have the form in which they are stored.
#[derive(Debug)]
pub(crate) struct EncodedAppend {
    /// Usually one, kept in place: the writer's thread finds it in fewer steps.
    pub(crate) writes: SmallVec<[EncodedWrite; 1]>,
    pub(crate) condition: Option<AppendCondition>,
    pub(crate) command: Option<CommandId>,
    pub(crate) reply: Option<Bytes>,
    pub(crate) joined: Vec<JoinedCommand>,
    pub(crate) inline: InlineProjections,
    bytes: usize,
}

/// The events of one stream.
#[derive(Debug)]
pub(crate) struct EncodedWrite {
    pub(crate) stream: StreamId,
    pub(crate) expected: ExpectedVersion,
    pub(crate) events: SmallVec<[EncodedEvent; 1]>,
}

impl EncodedAppend {
    /// Checks and encodes an append, on the caller's thread.
    pub(crate) fn new(append: Append, max_payload: usize) -> Result<Self, AppendError> {
        append.validate(max_payload)?;
        let replies = append.joined.iter().filter_map(|joined| joined.reply.as_ref());
        let replies = replies.chain(&append.reply).map(Bytes::len);
        let mut bytes: usize = replies.sum();
        let mut writes = SmallVec::with_capacity(append.writes.len());
        for write in append.writes {
            let mut events = SmallVec::with_capacity(write.events.len());
            for event in write.events {
                let event = EncodedEvent::new(event)?;
                bytes += event.bytes();
                events.push(event);
            }
            writes.push(EncodedWrite { stream: write.stream, expected: write.expected, events });
        }
        Ok(Self {
            writes,
            condition: append.condition,
            command: append.command,
            reply: append.reply,
            joined: append.joined,
            inline: append.inline,
            bytes,
        })
    }

    /// Whether it has no condition, no command id and no projections.
    pub(crate) fn is_plain(&self) -> bool {
        self.condition.is_none()
            && self.command.is_none()
            && self.reply.is_none()
            && self.joined.is_empty()
            && self.inline.as_slice().is_empty()
    }

    pub(crate) fn event_count(&self) -> usize {
        self.writes.iter().map(|write| write.events.len()).sum()
    }
}

impl Request {
    /// Roughly the bytes that it adds to a batch.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Append(append, _) => append.bytes,
            Self::Project(commit, _) => {
                let changes: usize = commit.changes.iter().map(change_bytes).sum();
                changes + commit.parked.len() * PARKED_BYTES
            }
            Self::Snapshot(_, snapshot, _) => snapshot.payload.data.len(),
            Self::Drop(..) | Self::Replace(..) | Self::Lease(_) | Self::Close(_) => 0,
        }
    }

    /// Whether nobody waits for the outcome any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        match self {
            Self::Append(_, reply) => reply.is_closed(),
            Self::Project(_, reply) | Self::Replace(.., reply) => reply.is_closed(),
            Self::Snapshot(.., reply) | Self::Drop(_, reply) => reply.is_closed(),
            Self::Lease(change) => change.is_abandoned(),
            Self::Close(_) => false,
        }
    }

    /// Answers after the commit. Who is gone does not get it, which is no error.
    pub(crate) fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Append(_, reply), Outcome::Appended(outcome)) => drop(reply.send(outcome)),
            (Self::Project(_, reply) | Self::Replace(.., reply), Outcome::Projected(outcome)) => {
                drop(reply.send(outcome))
            }
            (Self::Snapshot(.., reply) | Self::Drop(_, reply), Outcome::Done) => {
                drop(reply.send(Ok(())));
            }
            (Self::Lease(change), outcome) => change.answer(outcome),
            // An abandoned request has nobody to answer to.
            _ => {}
        }
    }

    /// Answers that nothing was written.
    pub(crate) fn fail(self, error: StoreError) {
        match self {
            Self::Append(_, reply) => drop(reply.send(Err(error.into()))),
            Self::Project(_, reply) | Self::Replace(.., reply) => {
                drop(reply.send(Err(error.into())));
            }
            Self::Snapshot(.., reply) | Self::Drop(_, reply) => drop(reply.send(Err(error))),
            Self::Lease(change) => change.fail(error),
            Self::Close(_) => {}
        }
    }
}

fn change_bytes(change: &DocumentChange) -> usize {
    match change {
        DocumentChange::Put(document) => document.body.len() + document.key.as_str().len(),
        DocumentChange::Delete(key) => key.as_str().len(),
    }
}

/// About what a parked event takes.
const PARKED_BYTES: usize = 256;
