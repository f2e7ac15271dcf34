//! What is appended, on which terms, and what comes of it.
//!
//! Invariant: an [`Append`] is all or nothing, and an error means that nothing was written, unless it
//! says that this is unknown.

use std::{collections::HashSet, fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    event::{CommandId, NewEvent},
    payload::EncodeError,
    position::{Position, Version},
    projection::{Projection, ProjectionError},
    store::{EventQuery, StoreError},
    stream::{InvalidStreamId, StreamId},
};

/// What a writer expects of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExpectedVersion {
    /// Whatever it holds.
    Any,
    /// It holds no event.
    NoStream,
    /// It holds at least one event.
    StreamExists,
    /// It holds exactly this many events; `Exact(Version::ZERO)` is [`Self::NoStream`].
    Exact(Version),
}

impl ExpectedVersion {
    /// Whether a stream of this version is as expected.
    #[must_use]
    pub fn holds(self, found: Version) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => found == Version::ZERO,
            Self::StreamExists => found > Version::ZERO,
            Self::Exact(version) => found == version,
        }
    }

    /// Checks a stream's version.
    ///
    /// # Errors
    /// The conflict, if the stream is not as expected.
    pub fn check(self, stream: &StreamId, found: Version) -> Result<(), VersionConflict> {
        if self.holds(found) {
            return Ok(());
        }
        let stream = stream.clone();
        Err(match self {
            Self::Any | Self::Exact(_) => VersionConflict::WrongVersion {
                stream,
                expected: match self {
                    Self::Exact(version) => version,
                    _ => found,
                },
                found,
            },
            Self::NoStream => VersionConflict::StreamExists { stream, found },
            Self::StreamExists => VersionConflict::StreamMissing { stream },
        })
    }
}

/// Events for one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamWrite {
    /// The stream.
    pub stream: StreamId,
    /// What it must look like.
    pub expected: ExpectedVersion,
    /// What is added to it; may be empty, then only the expectation is checked.
    pub events: Vec<NewEvent>,
}

/// A promise that nothing relevant happened since a decision was made.
///
/// The append fails if any event after `after` matches `query`.
#[derive(Clone, Debug, PartialEq)]
pub struct AppendCondition {
    /// Which events would be relevant.
    pub query: EventQuery,
    /// The last position that the decision has seen.
    pub after: Position,
}

/// One atomic batch of writes.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// Writes, in order; a stream may occur once.
    pub writes: Vec<StreamWrite>,
    /// The condition of the whole batch.
    pub condition: Option<AppendCondition>,
    /// With an id, the same id again has no effect and gives the first outcome.
    pub command: Option<CommandId>,
    /// Kept with the command id and given back with its outcome: an encoded reply.
    pub reply: Option<Bytes>,
    /// Commands that share a batch of one write, each with an outcome of its own; there is no
    /// `command` then. If one of them is known, nothing is written:
    /// [`AppendError::CommandKnown`].
    pub joined: Vec<JoinedCommand>,
    /// Projections to run in the append's transaction.
    pub inline: InlineProjections,
}

/// A command that shares a batch with others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JoinedCommand {
    /// Its id: once with this append, and never again.
    pub id: CommandId,
    /// How many events of the write come up to this command's last one: its outcome has the version
    /// that the stream had then, and the position of the whole batch.
    pub events: usize,
    /// Its encoded reply, which is kept and given back with its outcome.
    pub reply: Option<Bytes>,
}

impl Append {
    /// A batch of one write.
    #[must_use]
    pub fn one(stream: StreamId, expected: ExpectedVersion, events: Vec<NewEvent>) -> Self {
        Self { writes: vec![StreamWrite { stream, expected, events }], ..Self::default() }
    }

    /// How many events the batch holds.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.writes.iter().map(|write| write.events.len()).sum()
    }

    /// Checks what every store must refuse before it writes anything.
    ///
    /// # Errors
    /// [`AppendError::Invalid`] if a stream or a command id occurs twice, or joined commands do not fit
    /// the batch; [`AppendError::TooLarge`] if a payload is longer than `limit` bytes.
    pub fn validate(&self, limit: usize) -> Result<(), AppendError> {
        self.validate_joined()?;
        let (is_alone, mut streams) = (self.writes.len() == 1, HashSet::new());
        for write in &self.writes {
            if !is_alone && !streams.insert(&write.stream) {
                return Err(AppendError::Invalid {
                    reason: format!(
                        "stream `{}` occurs twice in one append: put its events into one write",
                        write.stream
                    ),
                });
            }
            for event in &write.events {
                if event.payload.data.len() > limit {
                    return Err(AppendError::TooLarge {
                        event_type: event.event_type.to_string(),
                        size: event.payload.data.len(),
                        limit,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Append {
    fn validate_joined(&self) -> Result<(), AppendError> {
        if self.joined.is_empty() {
            return Ok(());
        }
        let reason = match &self.writes[..] {
            [write] if self.joined.iter().any(|joined| joined.events > write.events.len()) => {
                "a joined command has more events than the write"
            }
            [_] if self.command.is_some() => "it has a command of its own and joined ones",
            [_] => {
                let mut ids = HashSet::new();
                let Some(twice) = self.joined.iter().find(|joined| !ids.insert(joined.id)) else {
                    return Ok(());
                };
                let reason = format!("command {} is joined to it twice", twice.id);
                return Err(AppendError::Invalid { reason });
            }
            _ => "commands can only be joined to a batch of one write",
        };
        Err(AppendError::Invalid { reason: reason.to_owned() })
    }
}

impl JoinedCommand {
    /// What is kept of it and given to whoever repeats it: the batch's last position, and the version
    /// after its own events. `before` is the version that the stream had before the batch.
    #[must_use]
    pub fn outcome(&self, position: Position, before: Version) -> Appended {
        let versions = vec![before.plus(self.events)];
        // A reply is shared.
        Appended { position, versions, repeated: true, reply: self.reply.clone() }
    }
}

/// The projections that run in every append's transaction.
#[derive(Clone, Default)]
pub struct InlineProjections(pub Option<Arc<[Arc<dyn Projection>]>>);

impl InlineProjections {
    /// The projections.
    #[must_use]
    pub fn as_slice(&self) -> &[Arc<dyn Projection>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for InlineProjections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice().iter().map(|one| one.id())).finish()
    }
}

/// What an append did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Appended {
    /// The position of the batch's last event; of an empty batch, the head of the log.
    pub position: Position,
    /// The versions of the written streams, in the order of the writes.
    pub versions: Vec<Version>,
    /// Whether the command id was known, so that this is an earlier append's outcome.
    pub repeated: bool,
    /// The reply that was kept with the command id.
    pub reply: Option<Bytes>,
}

/// A stream that was not as expected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VersionConflict {
    /// The stream was expected not to exist.
    #[error("stream `{stream}` was expected to be new and has {found} events")]
    StreamExists {
        /// The stream.
        stream: StreamId,
        /// Its version.
        found: Version,
    },
    /// The stream was expected to exist.
    #[error("stream `{stream}` was expected to exist and has no events")]
    StreamMissing {
        /// The stream.
        stream: StreamId,
    },
    /// The stream was expected at another version.
    #[error("stream `{stream}` was expected at version {expected} and is at {found}")]
    WrongVersion {
        /// The stream.
        stream: StreamId,
        /// What was expected.
        expected: Version,
        /// Its version.
        found: Version,
    },
}

/// An append that did not happen, as far as is known.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// A stream was not as expected.
    #[error(transparent)]
    Conflict(#[from] VersionConflict),
    /// An event after the condition's position matches its query.
    #[error(
        "the append's condition failed: event {found} after position {after} matches its query"
    )]
    ConditionFailed {
        /// The condition's position.
        after: Position,
        /// The first matching event.
        found: Position,
    },
    /// A joined command was done before.
    #[error(
        "command {command} is joined to the append and was done before: append the others without it"
    )]
    CommandKnown {
        /// The first of the joined commands that is known.
        command: CommandId,
    },
    /// The batch contradicts itself.
    #[error("cannot append: {reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// A payload is too large for the store.
    #[error("the payload of `{event_type}` has {size} bytes, and the store takes up to {limit}")]
    TooLarge {
        /// The event's stored name.
        event_type: String,
        /// Its length in bytes.
        size: usize,
        /// The store's limit.
        limit: usize,
    },
    /// An event could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// An aggregate's id does not make a stream's name.
    #[error(transparent)]
    InvalidStream(#[from] InvalidStreamId),
    /// An inline projection refused the events.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AppendError {
    /// Whether somebody else's events are in the way, so that a new decision may succeed.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::ConditionFailed { .. })
    }

    /// Whether the append may have been written in spite of the error; see
    /// [`StoreError::is_outcome_unknown`].
    #[must_use]
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_outcome_unknown())
    }
}
