//! Starts the threads of a store, each under a name that tools show.

use std::thread::{Builder, JoinHandle};

use lucent_core::store::StoreError;

/// Starts a thread; whoever gets the handle joins it.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, StoreError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::backend("start a thread of the store", error, true))
}
