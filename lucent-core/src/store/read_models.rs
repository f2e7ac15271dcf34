//! Keeping read models and how far their projections have come.
//!
//! Invariant: a projection's documents, what it has parked, and its checkpoint change together or not
//! at all, and only from the checkpoint that the step started from: exactly once, whoever else tries.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    event::RecordedEvent,
    position::Position,
    projection::{ProjectionError, StoreProjection, refuse_events},
    store::{Fence, Parked, ParkedChange, ParkedEvent, ParkedKey, StoreError, StoredVersion},
};

/// A projection at a version; each version has documents and a checkpoint of its own.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ProjectionId {
    /// The durable name.
    pub name: Arc<str>,
    /// The version; a new one builds beside the old one.
    pub version: u32,
}

impl ProjectionId {
    /// A projection of this name and version.
    pub fn new(name: impl Into<Arc<str>>, version: u32) -> Self {
        Self { name: name.into(), version }
    }

    /// The id under which a rebuild of this version keeps what it builds; no projector of a user has
    /// such a name.
    #[must_use]
    pub fn rebuild(&self) -> Self {
        Self::new(format!("{REBUILD}{}", self.name), self.version)
    }

    /// The name of the projection that is built anew under this id, if it is that of a rebuild.
    #[must_use]
    pub fn rebuilds(&self) -> Option<&str> {
        self.name.strip_prefix(REBUILD)
    }
}

/// What the names of rebuilds begin with.
const REBUILD: &str = "rebuild:";

impl fmt::Display for ProjectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// The key of a document in a read model.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DocumentKey(Arc<str>);

impl DocumentKey {
    /// Makes a key of anything that prints.
    pub fn new(key: impl fmt::Display) -> Self {
        Self(key.to_string().into())
    }

    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for DocumentKey {
    fn from(key: &str) -> Self {
        Self(key.into())
    }
}

impl From<String> for DocumentKey {
    fn from(key: String) -> Self {
        Self(key.into())
    }
}

/// A stored document: a key and JSON.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// Its key.
    pub key: DocumentKey,
    /// Its JSON.
    pub body: Bytes,
}

/// What becomes of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DocumentChange {
    /// It is written.
    Put(Document),
    /// It is removed, if it is there.
    Delete(DocumentKey),
}

/// A step of a projection.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectionCommit {
    /// Which projection.
    pub projection: ProjectionId,
    /// The checkpoint that the step started from.
    pub from: Position,
    /// The checkpoint that it ends at.
    pub to: Position,
    /// What it changes.
    pub changes: Vec<DocumentChange>,
    /// What the store is to apply by itself, with a projector that it was given; see
    /// [`ReadModelStore::projections`].
    pub events: Vec<RecordedEvent>,
    /// What it sets aside, and what it takes back.
    pub parked: Vec<ParkedChange>,
    /// [`Parked::revision`] as it was when the step was planned; 0 if nothing was ever parked. A step
    /// that changes what is parked moves it on by one.
    pub revision: u64,
    /// Whether queries are answered from this version from now on.
    pub activate: bool,
    /// Whose documents `changes` are about; the projection's own if there is none. Parts of a
    /// projection have checkpoints of their own and write into one read model.
    pub read_model: Option<ProjectionId>,
    /// The lease without which the step is not taken.
    pub fence: Option<Fence>,
}

/// What takes the place of what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Replacement {
    /// Where it was built.
    pub built: ProjectionId,
    /// Where it belongs.
    pub place: ProjectionId,
}

impl ProjectionCommit {
    /// A step that changes nothing but the checkpoint; for `..` in the others.
    #[must_use]
    pub const fn new(projection: ProjectionId, from: Position, to: Position) -> Self {
        Self {
            projection,
            from,
            to,
            changes: Vec::new(),
            events: Vec::new(),
            parked: Vec::new(),
            revision: 0,
            activate: false,
            read_model: None,
            fence: None,
        }
    }

    /// Refuses a step whose events the store would have to apply by itself, for stores that cannot.
    ///
    /// # Errors
    /// [`CommitError::Projection`] if there is such an event.
    pub fn refuse_events(&self) -> Result<(), CommitError> {
        Ok(refuse_events(&self.projection, &self.events)?)
    }
}

/// A step that was not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Somebody else moved the checkpoint.
    #[error(
        "the checkpoint of {projection} is at {found}, not at {expected}: another process moved it"
    )]
    CheckpointMoved {
        /// Which projection.
        projection: ProjectionId,
        /// The checkpoint that the step started from.
        expected: Position,
        /// The stored checkpoint.
        found: Position,
    },
    /// Somebody else changed what is parked.
    #[error("what {projection} has parked was changed by somebody else: read it again")]
    ParkedMoved {
        /// Which projection.
        projection: ProjectionId,
    },
    /// The lease of the step has gone to somebody else, or was given back.
    #[error(
        "{projection} cannot move its checkpoint: the lease `{lease}` is lost{}",
        held_by.as_ref().map(|holder| format!(" to `{holder}`")).unwrap_or_default()
    )]
    LeaseLost {
        /// Which projection.
        projection: ProjectionId,
        /// The name of the lease.
        lease: Arc<str>,
        /// Who was the last to get it, unless it was given back.
        held_by: Option<Arc<str>>,
    },
    /// An event could not be applied by the store's own projector.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store of read models and checkpoints.
#[async_trait]
pub trait ReadModelStore: std::fmt::Debug + Send + Sync + 'static {
    /// The projectors that this store was given; an application that runs on it runs them.
    fn projections(&self) -> Vec<StoreProjection> {
        Vec::new()
    }

    /// The documents of these keys, in their order.
    ///
    /// # Errors
    /// When the store fails.
    async fn documents(
        &self,
        projection: &ProjectionId,
        keys: &[DocumentKey],
    ) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Documents in the order of their keys, after a key, at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    async fn document_page(
        &self,
        projection: &ProjectionId,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<Document>, StoreError>;

    /// The checkpoint of a projection; zero if it has none.
    ///
    /// # Errors
    /// When the store fails.
    async fn checkpoint(&self, projection: &ProjectionId) -> Result<Position, StoreError>;

    /// Takes a step: documents, parked events, checkpoint and activation together.
    ///
    /// # Errors
    /// [`CommitError::LeaseLost`] if the step's fence is not the current one,
    /// [`CommitError::CheckpointMoved`] if the stored checkpoint is not the step's `from`,
    /// [`CommitError::ParkedMoved`] if the stored revision is not the step's,
    /// [`CommitError::Projection`] if the store has a projector of its own to apply the events, and that
    /// failed on one; nothing was written then.
    async fn commit_projection(&self, commit: ProjectionCommit) -> Result<(), CommitError>;

    /// The version from which queries of this projection are answered, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    async fn active_version(&self, name: &str) -> Result<Option<u32>, StoreError>;

    /// Removes the documents, the checkpoint and the parked events of a version.
    ///
    /// # Errors
    /// When the store fails.
    async fn drop_projection(&self, projection: &ProjectionId) -> Result<(), StoreError>;

    /// What a projection has parked: its lines in the order of their keys (documents before streams),
    /// each with its first event.
    ///
    /// # Errors
    /// When the store fails.
    async fn parked(&self, projection: &ProjectionId) -> Result<Parked, StoreError>;

    /// The first `limit` events of a line, in the order of the log.
    ///
    /// # Errors
    /// When the store fails.
    async fn parked_events(
        &self,
        projection: &ProjectionId,
        key: &ParkedKey,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError>;

    /// The versions of a projection that are stored, in their order.
    ///
    /// # Errors
    /// When the store fails.
    async fn stored_versions(&self, name: &str) -> Result<Vec<StoredVersion>, StoreError>;

    /// Puts what was built under other ids into its places: documents, checkpoints and parked events,
    /// all at once and one after another in this order. What stood there before is removed. Each
    /// revision becomes a new one, so that no step that was planned before is taken.
    ///
    /// # Errors
    /// [`CommitError::LeaseLost`] if there is a fence and it is not the current one,
    /// [`CommitError::CheckpointMoved`] if the checkpoint of something that was built is behind that
    /// of its place; nothing was written then.
    async fn replace_projections(
        &self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError>;
}
