//! Reading the documents of a read model.
//!
//! Invariant: a view reads the active version of its projection, and never mixes two versions.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    projection::{Projected, Projector},
    query::ReadError,
    resource::{Inject, MissingResource, Shell},
    store::{Document, DocumentKey, ProjectionId, ReadModelStore},
};

/// The documents of a read model, as a query handler's parameter: `accounts: &View<AccountView>`.
pub struct View<T> {
    store: Arc<dyn ReadModelStore>,
    projection: ProjectionId,
    model: PhantomData<fn() -> T>,
}

impl<T: Projected> View<T> {
    /// A view of one version of the read model; for the engine and for tests.
    #[must_use]
    pub fn new(store: Arc<dyn ReadModelStore>, projection: ProjectionId) -> Self {
        Self { store, projection, model: PhantomData }
    }

    /// The document of this key, such as an aggregate's id.
    ///
    /// # Errors
    /// When the store fails or the document does not decode.
    pub async fn get(&self, key: impl fmt::Display + Send) -> Result<Option<T>, ReadError> {
        let key = DocumentKey::new(key);
        let bodies = self.store.documents(&self.projection, std::slice::from_ref(&key)).await?;
        match bodies.into_iter().next().flatten() {
            Some(body) => self.decode(Document { key, body }).map(|(_, view)| Some(view)),
            None => Ok(None),
        }
    }

    /// Documents in the order of their keys: at most `limit`, after a key or from the first one.
    ///
    /// # Errors
    /// When the store fails or a document does not decode.
    pub async fn page(
        &self,
        after: Option<&DocumentKey>,
        limit: usize,
    ) -> Result<Vec<(DocumentKey, T)>, ReadError> {
        let page = self.store.document_page(&self.projection, after, limit).await?;
        page.into_iter().map(|document| self.decode(document)).collect()
    }

    /// Every document. Use [`Self::page`] where there may be many.
    ///
    /// # Errors
    /// When the store fails or a document does not decode.
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

    fn decode(&self, document: Document) -> Result<(DocumentKey, T), ReadError> {
        match serde_json::from_slice(&document.body) {
            Ok(view) => Ok((document.key, view)),
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
        let (store, projection) = shell.read_model(name)?;
        Ok(Self::new(store, projection))
    }

    fn check(_: &Shell) -> Result<(), MissingResource> {
        Ok(())
    }

    fn reads() -> Option<&'static str> {
        Some(<T::Projector as Projector>::NAME)
    }
}
