//! Folding a stream where the store reads it.
//!
//! Invariant: a fold sees the events that reading the stream gives, in the order of their versions,
//! each once and without a gap.

use std::ops::ControlFlow;

use crate::{
    event::{RecordedEvent, StreamEvent},
    position::Version,
    store::{EventStore, PageLimit, StoreError, StreamRead},
    stream::StreamId,
};

/// Takes the events of a stream, one after another, until it has enough.
///
/// A store may call it on a thread of its own. It must not panic, and should not wait.
pub type StreamFolder = Box<dyn FnMut(StreamEvent<'_>) -> ControlFlow<()> + Send>;

/// How many events are read at once.
const PAGE: usize = 256;

/// Folds pages of the stream; the next one is read while one is folded.
pub(super) async fn fold_pages<S: EventStore + ?Sized>(
    store: &S,
    stream: &StreamId,
    after: Version,
    mut folder: StreamFolder,
) -> Result<Version, StoreError> {
    let read = |after| {
        let limit = PageLimit::events(PAGE);
        store.read_stream(StreamRead::after(stream.clone(), after).limit(limit))
    };
    let mut fold = |events: &[RecordedEvent]| {
        events.iter().try_for_each(|event| folder(StreamEvent::from(event)))
    };
    let mut page = read(after).await?;
    loop {
        let next = page.events.last().filter(|_| !page.end).map(|last| read(last.version));
        let Some(next) = next else {
            // Whether it has enough makes no difference at the end.
            let _ = fold(&page.events);
            return Ok(page.version);
        };
        let (next, folded) = futures::join!(next, async { fold(&page.events) });
        if folded.is_break() {
            return Ok(page.version);
        }
        page = next?;
    }
}
