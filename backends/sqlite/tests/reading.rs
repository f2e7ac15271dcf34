//! Pages, filters and directions.

use lucent_core::{
    Payload, Position, Version,
    store::{
        Append, EventFilter, EventQuery, EventStore as _, ExpectedVersion, LogRead, PageLimit,
        StreamRead,
    },
};

use crate::support::{Folder, events, log, one, read, stream, tag};

#[tokio::test]
async fn categories_are_the_part_before_the_first_dash() {
    let folder = Folder::new();
    let store = folder.open().await;
    let names = [
        "cat-1",
        "cat",
        "cat-a-b",
        "category-1",
        "cat.",
        "ca",
        "CAT-1",
        "конто-1",
        "-",
        "a b/%_'\"-$",
    ];
    for name in names {
        store.append(one(name, ExpectedVersion::NoStream)).await.unwrap();
    }
    for category in ["cat", "category", "конто", "", "cat-a", "a b/%_'\"", "%", "none"] {
        let found = log(&store, EventFilter::category(category)).await;
        let found: Vec<_> = found.iter().map(|event| event.stream.as_str()).collect();
        let wanted: Vec<_> =
            names.into_iter().filter(|name| stream(name).category() == category).collect();
        assert_eq!(found, wanted, "{category}");
    }
    for name in names {
        assert_eq!(read(&store, name).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn pages_are_cut_by_count_and_by_bytes() {
    let folder = Folder::new();
    let store = folder.open().await;
    let mut written = events(5);
    for event in &mut written {
        event.payload = Payload::binary(vec![7; 100]);
    }
    let append = Append::one(stream("s"), ExpectedVersion::Any, written);
    store.append(append).await.unwrap();
    for (count, bytes, wanted) in [(2, 1_000, 2), (9, 0, 1), (9, 199, 2), (9, 200, 3), (0, 999, 1)]
    {
        let limit = PageLimit { events: count, bytes };
        let forward = StreamRead::forward(stream("s")).limit(limit);
        let page = store.read_stream(forward).await.unwrap();
        assert_eq!((page.events.len(), page.end), (wanted, false));
        assert_eq!(page.version, Version::new(5));
        let backward = StreamRead::backward(stream("s")).limit(limit);
        let page = store.read_stream(backward).await.unwrap();
        assert_eq!(page.events[0].version, Version::new(5));
        assert_eq!((page.events.len(), page.end), (wanted, false));
        let read = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
        let page = store.read_log(read).await.unwrap();
        assert_eq!((page.events.len(), page.end), (wanted, false));
        assert_eq!(page.through, Position::new(wanted as u64));
    }
    let page = store.read_stream(StreamRead::forward(stream("none"))).await.unwrap();
    assert_eq!((page.events.len(), page.end, page.version), (0, true, Version::ZERO));
    let beyond = StreamRead::after(stream("s"), Version::MAX);
    assert!(store.read_stream(beyond).await.unwrap().end);
}

#[tokio::test]
async fn events_that_do_not_match_move_the_reader_too() {
    let folder = Folder::new();
    let store = folder.open().await;
    let append = Append::one(stream("s"), ExpectedVersion::Any, events(10));
    store.append(append).await.unwrap();
    for query in [EventQuery::types(["Other"]), EventQuery::tags([tag("other")])] {
        let page = store.read_log(LogRead::after(query.into(), Position::ZERO)).await.unwrap();
        assert_eq!((page.through, page.end), (Position::new(10), true));
    }
}
