//! Reading one stream, in pages and both ways.

use crate::conformance::vocabulary::*;

fn flat(pages: &[StreamPage]) -> Vec<u64> {
    pages.iter().flat_map(|page| versions(&page.events)).collect()
}

/// A stream that does not exist reads as an empty one.
pub async fn a_missing_stream_is_empty(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(1)).await;
    for read in [
        StreamRead::forward(stream("account-2")),
        StreamRead::after(stream("account-2"), Version::new(5)),
        StreamRead::backward(stream("account-2")),
    ] {
        let page = store.stream_page(read).await;
        assert!(page.events.is_empty() && page.end);
        assert_eq!(page.version, Version::ZERO);
    }
}

/// The version to read after is left out.
pub async fn reading_starts_after_a_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    let page = store.stream_page(StreamRead::after(stream("account-1"), Version::new(2))).await;
    assert_eq!(versions(&page.events), [3, 4, 5]);
    assert!(page.end);
}

/// Reading after the last version, or after versions to come, gives an empty page at the end.
pub async fn nothing_is_after_the_last_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    for after in [Version::new(5), Version::new(6), Version::MAX] {
        let page = store.stream_page(StreamRead::after(stream("account-1"), after)).await;
        assert!(page.events.is_empty() && page.end, "after {after}: {page:?}");
        assert_eq!(page.version, Version::new(5));
    }
}

/// Backward, the newest event comes first.
pub async fn backward_starts_at_the_newest(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    let page = store.stream_page(StreamRead::backward(stream("account-1"))).await;
    assert_eq!(versions(&page.events), [5, 4, 3, 2, 1]);
    assert!(page.end);
}

/// The version to read before is left out.
pub async fn backward_starts_before_a_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(5)).await;
    let read = |version| {
        let from = ReadFrom::Before(Version::new(version));
        StreamRead { from, ..StreamRead::forward(stream("account-1")) }
    };
    assert_eq!(versions(&store.stream_page(read(3)).await.events), [2, 1]);
    assert_eq!(versions(&store.stream_page(read(6)).await.events), [5, 4, 3, 2, 1]);
    for nothing in [0, 1] {
        let page = store.stream_page(read(nothing)).await;
        assert!(page.events.is_empty() && page.end, "before {nothing}: {page:?}");
    }
}

/// Pages of any size follow each other without a gap or an overlap, both ways.
pub async fn pages_follow_each_other(subject: Subject) {
    let store = subject.store();
    for _ in 0..10 {
        store.write("account-1", counted(3)).await;
        store.write("account-2", counted(2)).await;
    }
    let up: Vec<u64> = (1..=30).collect();
    let down: Vec<u64> = (1..=30).rev().collect();
    for size in [1, 2, 7, 29, 30, 31] {
        let read = StreamRead::forward(stream("account-1")).limit(PageLimit::events(size));
        assert_eq!(flat(&store.stream_pages(read).await), up, "pages of {size}");
        let read = StreamRead::backward(stream("account-1")).limit(PageLimit::events(size));
        assert_eq!(flat(&store.stream_pages(read).await), down, "pages of {size}, backward");
    }
}

/// A page holds as many events as it was asked for, if there are so many.
pub async fn a_page_is_as_long_as_asked(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(10)).await;
    for size in [1, 4, 9] {
        let read = StreamRead::forward(stream("account-1")).limit(PageLimit::events(size));
        let page = store.stream_page(read).await;
        assert_eq!((page.events.len(), page.end), (size, false));
        let read = StreamRead::backward(stream("account-1")).limit(PageLimit::events(size));
        let page = store.stream_page(read).await;
        assert_eq!((page.events.len(), page.end), (size, false));
    }
}

/// A page of no events is a page of one: reading makes progress.
pub async fn a_page_of_none_holds_one(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(3)).await;
    let none = PageLimit { events: 0, ..PageLimit::default() };
    let page = store.stream_page(StreamRead::forward(stream("account-1")).limit(none)).await;
    assert_eq!(versions(&page.events), [1]);
}

/// The page that holds the last event says that it is the end.
pub async fn the_last_event_is_the_end(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(6)).await;
    store.write("account-2", counted(6)).await;
    for size in [2, 3, 6] {
        let pages = 6 / size;
        let read = StreamRead::forward(stream("account-1")).limit(PageLimit::events(size));
        assert_eq!(store.stream_pages(read).await.len(), pages, "pages of {size}");
        let read = StreamRead::backward(stream("account-1")).limit(PageLimit::events(size));
        assert_eq!(store.stream_pages(read).await.len(), pages, "pages of {size}, backward");
    }
}

/// Each page tells the version of the whole stream.
pub async fn a_page_tells_the_streams_version(subject: Subject) {
    let store = subject.store();
    store.write("account-1", counted(10)).await;
    store.write("account-2", counted(20)).await;
    for read in
        [StreamRead::forward(stream("account-1")), StreamRead::backward(stream("account-1"))]
    {
        let page = store.stream_page(read.limit(PageLimit::events(3))).await;
        assert_eq!(page.version, Version::new(10));
    }
}

/// A stream holds its own events only, however similar other names are.
pub async fn similar_names_are_different_streams(subject: Subject) {
    let store = subject.store();
    let names = [
        "account-1",
        "account-10",
        "account-",
        "account",
        "Account-1",
        "account-1 ",
        " account-1",
        "account-%",
        "account-_",
        "account-1-1",
        "àccount-1",
        "a\u{300}ccount-1",
    ];
    for (index, name) in names.iter().enumerate() {
        store.write(name, counted(index + 1)).await;
    }
    for (index, name) in names.iter().enumerate() {
        let events = store.stream(name).await;
        assert_eq!(events.len(), index + 1, "`{name}`");
        assert!(events.iter().all(|event| event.stream.as_str() == *name));
        assert_eq!(store.version_of(name).await, index as u64 + 1, "`{name}`");
    }
}

/// A page ends before its payloads, the first one's not counted, exceed the limit of bytes.
pub async fn pages_are_cut_by_bytes(subject: Subject) {
    let store = subject.store();
    store.write("account-1", sized(20, 1_000)).await;
    let limit = PageLimit { events: 1_000, bytes: 3_500 };
    for read in
        [StreamRead::forward(stream("account-1")), StreamRead::backward(stream("account-1"))]
    {
        let pages = store.stream_pages(read.limit(limit)).await;
        for page in &pages {
            let bytes: usize =
                page.events.iter().skip(1).map(|event| event.payload.data.len()).sum();
            assert!(bytes <= 3_500, "{} events have {bytes} bytes", page.events.len());
            assert!(page.end || page.events.len() >= 3, "{} events are too few", page.events.len());
        }
        assert_eq!(flat(&pages).len(), 20);
    }
}

/// An event that is larger than the limit of bytes comes in a page of its own.
pub async fn a_large_event_comes_alone(subject: Subject) {
    let store = subject.store();
    store.write("account-1", sized(3, 10_000)).await;
    for bytes in [0, 1, 9_999] {
        let limit = PageLimit { events: 1_000, bytes };
        let pages = store.stream_pages(StreamRead::forward(stream("account-1")).limit(limit)).await;
        let sizes: Vec<_> = pages.iter().map(|page| page.events.len()).collect();
        assert_eq!(sizes, [1, 1, 1], "with a limit of {bytes} bytes");
    }
}
