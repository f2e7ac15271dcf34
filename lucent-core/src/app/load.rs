//! Replaying an aggregate.
//!
//! Invariant: a snapshot that cannot be used leads to a full replay, never to a default state.

use crate::{
    aggregate::{Aggregate, SnapshotPolicy},
    event::{DecodeError, Event as _, RecordedEvent},
    position::{Position, Version},
    state::Evolve,
    store::{EventStore, PageLimit, Snapshot, SnapshotKey, SnapshotStore, StoreError, StreamRead},
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

/// How many events are read at once.
const PAGE: usize = 256;

/// Applies the events after a state; gives the stream's version too. The next page is read while
/// one is applied.
async fn replay<A: Aggregate + Evolve>(
    events: &dyn EventStore,
    stream: &StreamId,
    mut loaded: Loaded<A>,
) -> Result<(Loaded<A>, Version), LoadError> {
    let read = |after| {
        let limit = PageLimit::events(PAGE);
        events.read_stream(StreamRead::after(stream.clone(), after).limit(limit))
    };
    let mut page = read(loaded.version).await?;
    loop {
        let next = page.events.last().filter(|_| !page.end).map(|last| read(last.version));
        let Some(next) = next else {
            apply(&mut loaded, stream, &page.events)?;
            return Ok((loaded, page.version));
        };
        let (next, applied) =
            futures::join!(next, async { apply(&mut loaded, stream, &page.events) });
        applied?;
        page = next?;
    }
}

/// Applies a page of a stream to a state.
fn apply<A: Aggregate + Evolve>(
    loaded: &mut Loaded<A>,
    stream: &StreamId,
    events: &[RecordedEvent],
) -> Result<(), LoadError> {
    for event in events {
        if event.version != loaded.version.next() {
            return Err(LoadError::Store(StoreError::Damaged {
                location: format!("stream `{stream}`"),
                reason: format!("event {} follows event {}", event.version, loaded.version),
            }));
        }
        if let Some(decoded) = A::Event::decode(event)? {
            loaded.state.evolve(&decoded);
        }
        loaded.version = event.version;
        loaded.position = event.position;
    }
    Ok(())
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
