//! The store that a behavior is checked on, whatever its type.
//!
//! Invariant: behaviors are compiled once, not once per store.

use std::sync::Arc;

use async_trait::async_trait;

use crate::conformance::{Gap, Handle, StoreFixture};

/// A fixture without its type.
pub struct Subject {
    fixture: Box<dyn AnyFixture>,
    payload_limit: usize,
    gaps: &'static [Gap],
}

impl Subject {
    /// Makes a store with a fixture.
    pub async fn create<F: StoreFixture>() -> Self {
        let fixture = Box::new(F::create().await);
        Self { fixture, payload_limit: F::payload_limit(), gaps: F::gaps() }
    }

    /// Closes the store and opens it again.
    pub async fn reopen(&mut self) {
        self.fixture.reopen().await;
    }

    /// A handle on the store.
    #[must_use]
    pub fn store(&self) -> Handle {
        self.fixture.store()
    }

    /// The same data, opened once more.
    ///
    /// # Panics
    /// If the store cannot, without having said so.
    pub async fn second(&self) -> Handle {
        self.try_second().await.expect("a store with one instance only declares `SingleInstance`")
    }

    pub(super) async fn try_second(&self) -> Option<Handle> {
        self.fixture.second().await
    }

    /// Whether the store declares this gap, for behaviors that need more than their theme says.
    pub(super) fn lacks(&self, gap: Gap) -> bool {
        self.gaps.contains(&gap)
    }

    /// The longest payload that the store takes.
    #[must_use]
    pub fn payload_limit(&self) -> usize {
        self.payload_limit
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject").field("store", &self.store()).finish_non_exhaustive()
    }
}

#[async_trait]
trait AnyFixture: Send + Sync {
    fn store(&self) -> Handle;

    async fn reopen(&mut self);

    async fn second(&self) -> Option<Handle>;
}

#[async_trait]
impl<F: StoreFixture> AnyFixture for F {
    fn store(&self) -> Handle {
        Handle(Arc::new(StoreFixture::store(self)))
    }

    async fn reopen(&mut self) {
        StoreFixture::reopen(self).await;
    }

    async fn second(&self) -> Option<Handle> {
        let second = StoreFixture::second(self).await?;
        Some(Handle(Arc::new(second)))
    }
}
