//! Streams and logs of any length, in flat memory.

use crate::conformance::vocabulary::*;

/// More than 16 bits can count.
const LENGTH: u64 = 70_000;

async fn long_stream(subject: &Subject) -> Handle {
    let store = subject.store();
    for _ in 0..LENGTH / 10_000 {
        store.write("long-1", counted(10_000)).await;
    }
    store
}

/// Versions of a long stream are exact from its first event to its last.
pub async fn versions_count_beyond_sixteen_bits(subject: Subject) {
    let store = long_stream(&subject).await;
    assert_eq!(store.version_of("long-1").await, LENGTH);
    let mut last = Version::ZERO;
    while last.get() < LENGTH {
        let page = store.stream_page(StreamRead::after(stream("long-1"), last)).await;
        assert!(page.events.len() <= PageLimit::default().events);
        for event in &page.events {
            assert_eq!(event.version, last.next());
            last = event.version;
        }
        assert_eq!(page.end, last.get() == LENGTH);
    }
}

/// The end of a long stream is read and written without what is before it.
pub async fn the_end_of_a_long_stream_is_near(subject: Subject) {
    let store = long_stream(&subject).await;
    let page =
        store.stream_page(StreamRead::after(stream("long-1"), Version::new(LENGTH - 3))).await;
    assert_eq!(versions(&page.events), [LENGTH - 2, LENGTH - 1, LENGTH]);
    let read = StreamRead::backward(stream("long-1")).limit(PageLimit::events(2));
    assert_eq!(versions(&store.stream_page(read).await.events), [LENGTH, LENGTH - 1]);
    let error = refused(store.try_write("long-1", exact(LENGTH - 65_536), counted(1)).await);
    assert!(error.is_conflict(), "{error:?}");
    let outcome = store.try_write("long-1", exact(LENGTH), counted(1)).await;
    assert_eq!(outcome.expect("the version is right").versions, [Version::new(LENGTH + 1)]);
}

/// A long log is read in pages that end where the next one starts.
pub async fn a_long_log_is_read_in_pages(subject: Subject) {
    let store = long_stream(&subject).await;
    let mut count = 0;
    let mut through = Position::ZERO;
    loop {
        let page = store.log_page(LogRead::after(EventFilter::all(), through)).await;
        assert!(page.events.len() <= PageLimit::default().events);
        assert!(page.events.iter().all(|event| event.position > through));
        count += page.events.len() as u64;
        through = page.through;
        if page.end {
            break;
        }
    }
    assert_eq!((count, through), (LENGTH, store.head_position().await));
}
