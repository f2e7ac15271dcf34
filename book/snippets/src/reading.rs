//! Following a log, without the engine that usually does it.

use lucent_core::{
    Position, RecordedEvent,
    store::{EventFilter, EventStore, LogRead, StoreError},
};

// ANCHOR: follow
/// Shows every event of the accounts to `see`, those that exist and those to come.
pub async fn follow(
    store: &dyn EventStore,
    mut checkpoint: Position,
    mut see: impl FnMut(&RecordedEvent),
) -> Result<(), StoreError> {
    loop {
        let filter = EventFilter::category("account");
        let page = store.read_log(LogRead::after(filter, checkpoint)).await?;
        page.events.iter().for_each(&mut see);
        // Also past the events that the filter left out.
        checkpoint = page.through;
        if page.end {
            store.wait_past(checkpoint).await?;
        }
    }
}
// ANCHOR_END: follow
