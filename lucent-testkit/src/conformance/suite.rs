//! Running behaviors.
//!
//! Invariant: a behavior is either run or, if the store declares a gap, shown to be refused; none
//! is skipped.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::conformance::{BEHAVIORS, Gap, StoreFixture, Subject};

/// How long one behavior may take, on the slowest store.
const DEADLINE: Duration = Duration::from_secs(120);

/// A promise of stores, and the function that checks it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Behavior {
    /// The theme, which is the module of the function.
    pub theme: &'static str,
    /// The name of the function.
    pub name: &'static str,
    /// The gap that excuses a store from it.
    pub excused_by: Option<Gap>,
    /// Checks it; panics if the store breaks it.
    pub check: fn(Subject) -> BoxFuture<'static, ()>,
}

impl Behavior {
    /// Checks the behavior on a fresh store, or that the gap that the store declares is one.
    ///
    /// # Panics
    /// If the store breaks the promise.
    pub async fn check_on<F: StoreFixture>(&self) {
        let subject = Subject::create::<F>().await;
        match self.excused_by.filter(|gap| F::gaps().contains(gap)) {
            Some(gap) => gap.assert_refused(subject).await,
            None => (self.check)(subject).await,
        }
    }
}

/// Checks one behavior on a runtime of its own; what each test of the suite does.
///
/// # Panics
/// If the store breaks the promise, takes too long, or there is no such behavior.
pub fn run<F: StoreFixture>(theme: &str, name: &str) {
    let behavior = BEHAVIORS
        .iter()
        .find(|behavior| behavior.theme == theme && behavior.name == name)
        .expect("tests are made from the table of behaviors");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let checked =
        runtime.block_on(async { tokio::time::timeout(DEADLINE, behavior.check_on::<F>()).await });
    assert!(checked.is_ok(), "{theme}::{name} took longer than {DEADLINE:?}");
}
