//! Reading the documents of a read model.
//!
//! Invariant: a view reads the active version of its projection, and never mixes two versions; it gives
//! no document that lacks parked events which the query asked for.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    position::Position,
    projection::{Projected, Projector},
    query::ReadError,
    resource::{Inject, MissingResource, ReadModel, Shell},
    store::{Document, DocumentKey, ParkedKey, ParkedKeys, ProjectionId, ReadModelStore},
};

/// The documents of a read model, as a query handler's parameter: `accounts: &View<AccountView>`.
pub struct View<T> {
    store: Arc<dyn ReadModelStore>,
    projection: ProjectionId,
    /// The version of this program.
    current: u32,
    parked: Arc<ParkedKeys>,
    /// Where what is parked stands.
    lines: Arc<[ProjectionId]>,
    /// The position that the documents must have seen.
    after: Position,
    model: PhantomData<fn() -> T>,
}

impl<T: Projected> View<T> {
    /// A view of one version of the read model; for the engine and for tests.
    #[must_use]
    pub fn new(store: Arc<dyn ReadModelStore>, projection: ProjectionId) -> Self {
        Self {
            store,
            current: projection.version,
            projection,
            parked: Arc::default(),
            lines: Arc::default(),
            after: Position::ZERO,
            model: PhantomData,
        }
    }

    /// The version that the documents are of: an older one than the program's while that is built.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.projection.version
    }

    /// Whether the documents are of the program's own version.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.projection.version == self.current
    }

    /// The document of this key, such as an aggregate's id.
    ///
    /// # Errors
    /// When the store fails, the document does not decode, or events of it are parked that the query
    /// asked for with `after`.
    pub async fn get(&self, key: impl fmt::Display + Send) -> Result<Option<T>, ReadError> {
        let key = DocumentKey::new(key);
        if !self.parked.is_empty() && self.after > Position::ZERO {
            self.check_parked(&ParkedKey::Document(key.clone())).await?;
        }
        let bodies = self.store.documents(&self.projection, std::slice::from_ref(&key)).await?;
        match bodies.into_iter().next().flatten() {
            Some(body) => self.decode(Document { key, body }).map(|(_, view)| Some(view)),
            None => Ok(None),
        }
    }

    /// Documents in the order of their keys: at most `limit`, after a key or from the first one.
    ///
    /// # Errors
    /// When the store fails, a document does not decode, or events of any document are parked that
    /// the query asked for with `after`.
    pub async fn page(
        &self,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<(DocumentKey, T)>, ReadError> {
        if self.after > Position::ZERO {
            for (key, _) in self.parked.iter() {
                self.check_parked(key).await?;
            }
        }
        let page = self.store.document_page(&self.projection, after, limit).await?;
        page.into_iter().map(|document| self.decode(document)).collect()
    }

    /// Every document. Use [`Self::page`] where there may be many.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub async fn all(&self) -> Result<Vec<(DocumentKey, T)>, ReadError> {
        const PAGE: usize = 500;
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|(key, _): &(DocumentKey, T)| key.clone());
            let page = self.page(after.as_ref(), PAGE).await?;
            let end = page.len() < PAGE;
            all.extend(page);
            if end {
                return Ok(all);
            }
        }
    }

    /// Fails if events of a line are parked that the query asked for.
    async fn check_parked(&self, key: &ParkedKey) -> Result<(), ReadError> {
        let asked = |first: Position| first <= self.after;
        if !self.parked.first(key).is_some_and(asked) {
            return Ok(());
        }
        // Another process may have taken them out since this one looked.
        for lines in &*self.lines {
            let line = self.store.parked_events(lines, key, 1).await?;
            let first = line.first().map(|parked| parked.position);
            if let Some(first) = first.filter(|first| asked(*first)) {
                let (projection, key) = (self.projection.clone(), key.clone());
                return Err(ReadError::Parked { projection, key, first });
            }
        }
        Ok(())
    }

    fn decode(&self, document: Document) -> Result<(DocumentKey, T), ReadError> {
        match serde_json::from_slice(&document.body) {
            Ok(view) => Ok((document.key, view)),
            Err(error) if !self.is_current() => Err(ReadError::Rebuilding {
                projection: ProjectionId::new(Arc::clone(&self.projection.name), self.current),
                active: self.projection.version,
                key: document.key.to_string(),
                reason: error.to_string(),
            }),
            Err(error) => Err(ReadError::Damaged {
                projection: self.projection.clone(),
                key: document.key.to_string(),
                reason: error.to_string(),
            }),
        }
    }
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("projection", &self.projection).finish_non_exhaustive()
    }
}

impl<T: Projected> Inject for View<T> {
    fn inject(shell: &Shell) -> Result<Self, ReadError> {
        let name = <T::Projector as Projector>::NAME;
        let ReadModel { store, projection, current, parked, lines } = shell.read_model(name)?;
        let after = shell.after;
        Ok(Self { store, projection, current, parked, lines, after, model: PhantomData })
    }

    fn check(_: &Shell) -> Result<(), MissingResource> {
        Ok(())
    }

    fn reads() -> Option<&'static str> {
        Some(<T::Projector as Projector>::NAME)
    }
}
