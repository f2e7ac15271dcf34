//! Replaying an aggregate.
//!
//! Invariant: a snapshot that cannot be used leads to a full replay, never to a default state.

use std::{
    any::Any,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    aggregate::{Aggregate, SnapshotPolicy},
    event::{DecodeError, Event as _, StreamEvent},
    position::{Position, Version},
    state::Evolve,
    store::{EventStore, Snapshot, SnapshotKey, SnapshotStore, StoreError, StreamFolder},
    stream::{InvalidStreamId, StreamId},
};

/// The state of an aggregate, and where it stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Loaded<A> {
    /// The state.
    pub state: A,
    /// How many events it is made of.
    pub version: Version,
    /// The position of the last of them.
    pub position: Position,
    /// The version of the newest snapshot that is known.
    pub(crate) snapshot: Version,
}

/// An aggregate that could not be loaded.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// An event of its stream cannot be read.
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
    /// Its id does not make a stream's name.
    #[error(transparent)]
    InvalidStream(#[from] InvalidStreamId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Loads an aggregate from its snapshot and the events after it.
pub(crate) async fn load<A: Aggregate + Evolve>(
    events: &dyn EventStore,
    snapshots: &dyn SnapshotStore,
    stream: &StreamId,
) -> Result<Loaded<A>, LoadError> {
    if let Some(policy) = A::SNAPSHOT
        && let Some(start) = from_snapshot::<A>(snapshots, stream, policy).await?
    {
        let version = start.version;
        let (loaded, stream_version) = replay(events, stream, start).await?;
        if version <= stream_version {
            return Ok(loaded);
        }
        tracing::warn!(%stream, %version, %stream_version, "the snapshot is newer than its stream; replaying all of it");
    }
    Ok(replay(events, stream, Loaded::default()).await?.0)
}

async fn from_snapshot<A: Aggregate + Evolve>(
    snapshots: &dyn SnapshotStore,
    stream: &StreamId,
    policy: SnapshotPolicy,
) -> Result<Option<Loaded<A>>, StoreError> {
    let key = SnapshotKey { stream: stream.clone(), aggregate: A::NAME };
    let Some(snapshot) = snapshots.load_snapshot(&key).await? else {
        return Ok(None);
    };
    if snapshot.schema_version != policy.version {
        tracing::debug!(%stream, found = snapshot.schema_version, wanted = policy.version, "the snapshot has another version; replaying");
        return Ok(None);
    }
    match A::decode_snapshot(&snapshot.payload) {
        Ok(state) => Ok(Some(Loaded {
            state,
            version: snapshot.version,
            position: snapshot.position,
            snapshot: snapshot.version,
        })),
        Err(error) => {
            tracing::warn!(%stream, error, "the snapshot does not decode; replaying");
            Ok(None)
        }
    }
}

/// Applies the events after a state, where the store reads them; gives the stream's version too.
async fn replay<A: Aggregate + Evolve>(
    events: &dyn EventStore,
    stream: &StreamId,
    start: Loaded<A>,
) -> Result<(Loaded<A>, Version), LoadError> {
    let after = start.version;
    let replay = Arc::new(Mutex::new(Replay { loaded: start, fault: None }));
    let folder: StreamFolder = {
        let (replay, stream) = (Arc::clone(&replay), stream.clone());
        Box::new(move |event| lock(&replay).take(&stream, event))
    };
    let version = events.fold_stream(stream, after, folder).await?;
    let mut replay = lock(&replay);
    match replay.fault.take() {
        None => Ok((std::mem::take(&mut replay.loaded), version)),
        Some(Fault::Unreadable(error)) => Err(error),
        Some(Fault::Panic(panic)) => {
            drop(replay);
            resume_unwind(panic)
        }
    }
}

/// A state on its way through its events.
struct Replay<A> {
    loaded: Loaded<A>,
    fault: Option<Fault>,
}

enum Fault {
    Unreadable(LoadError),
    /// The aggregate panicked. That is its caller's, not the store's.
    Panic(Box<dyn Any + Send>),
}

fn lock<A>(replay: &Mutex<Replay<A>>) -> MutexGuard<'_, Replay<A>> {
    replay.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<A: Aggregate + Evolve> Replay<A> {
    fn take(&mut self, stream: &StreamId, event: StreamEvent<'_>) -> ControlFlow<()> {
        let fault = match catch_unwind(AssertUnwindSafe(|| self.loaded.apply(stream, event))) {
            Ok(Ok(())) => return ControlFlow::Continue(()),
            Ok(Err(error)) => Fault::Unreadable(error),
            Err(panic) => Fault::Panic(panic),
        };
        self.fault = Some(fault);
        ControlFlow::Break(())
    }
}

impl<A: Aggregate + Evolve> Loaded<A> {
    fn apply(&mut self, stream: &StreamId, event: StreamEvent<'_>) -> Result<(), LoadError> {
        if event.version != self.version.next() {
            return Err(LoadError::Store(StoreError::Damaged {
                location: format!("stream `{stream}`"),
                reason: format!("event {} follows event {}", event.version, self.version),
            }));
        }
        if let Some(decoded) = A::Event::decode_of(stream, event)? {
            self.state.evolve(&decoded);
        }
        self.version = event.version;
        self.position = event.position;
        Ok(())
    }
}

/// The snapshot that is due for a state, if one is; it counts as taken from then on.
pub(crate) fn due_snapshot<A: Aggregate + Evolve>(
    stream: &StreamId,
    loaded: &mut Loaded<A>,
) -> Option<Snapshot> {
    let policy = A::SNAPSHOT?;
    let since = loaded.version.get().saturating_sub(loaded.snapshot.get());
    if since < policy.every.max(1) {
        return None;
    }
    loaded.snapshot = loaded.version;
    match loaded.state.encode_snapshot() {
        Ok(payload) => Some(Snapshot {
            version: loaded.version,
            position: loaded.position,
            schema_version: policy.version,
            payload,
        }),
        Err(error) => {
            tracing::warn!(%stream, %error, "the snapshot was not taken");
            None
        }
    }
}
