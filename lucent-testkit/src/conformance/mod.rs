//! What every store promises, as tests that a store's crate runs against itself.
//!
//! A store's tests say how to make a fresh one ([`StoreFixture`]) and call [`conformance!`]; that
//! makes one test per behavior, such as `conformance::append::one_batch_keeps_its_order`. What a
//! store cannot do it declares as a [`Gap`], and the suite checks that it is refused.
//!
//! Invariant: a behavior is a public function of [`behaviors`] and a line of its table; a test of
//! this crate compares the two.
//!
//! [`conformance!`]: crate::conformance!

pub mod behaviors;
mod fixture;
mod gap;
mod handle;
mod mortal;
mod subject;
mod suite;
mod table;
mod tally;
mod vocabulary;

pub use async_trait::async_trait;

pub use fixture::StoreFixture;
pub use gap::Gap;
pub use handle::Handle;
pub use subject::Subject;
pub use suite::{Behavior, run};
pub use table::BEHAVIORS;
