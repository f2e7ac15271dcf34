//! Reading the whole log, in pages and both ways.

use crate::conformance::vocabulary::*;

/// Writes twelve events to three streams in turn, and gives their positions.
async fn twelve(store: &Handle) -> Vec<Position> {
    for name in ["a-1", "b-1", "c-1"] {
        store.write(name, counted(4)).await;
    }
    positions(&store.log().await)
}

fn positions(events: &[RecordedEvent]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

fn flat(pages: &[LogPage]) -> Vec<Position> {
    pages.iter().flat_map(|page| positions(&page.events)).collect()
}

fn before(position: Position) -> LogRead {
    let from = ReadFrom::Before(position);
    LogRead { from, ..LogRead::backward(EventFilter::all()) }
}

/// The log has the events of all streams in the order in which they were appended.
pub async fn the_log_has_every_stream_in_order(subject: Subject) {
    let store = subject.store();
    let mut expected = Vec::new();
    for name in ["a-1", "b-1", "a-1", "c-1", "b-1"] {
        let events = counted(2);
        expected.extend(new_ids(&events));
        store.write(name, events).await;
    }
    assert_eq!(ids(&store.log().await), expected);
}

/// The position to read after is left out.
pub async fn reading_starts_after_a_position(subject: Subject) {
    let store = subject.store();
    let all = twelve(&store).await;
    for seen in [0, 5, 10, 11] {
        let page = store.log_page(LogRead::after(EventFilter::all(), all[seen])).await;
        assert_eq!(positions(&page.events), all[seen + 1..]);
        assert!(page.end);
    }
}

/// Backward, the newest event comes first; the position to read before is left out.
pub async fn backward_starts_before_a_position(subject: Subject) {
    let store = subject.store();
    let mut all = twelve(&store).await;
    all.reverse();
    let page = store.log_page(LogRead::backward(EventFilter::all())).await;
    assert_eq!(positions(&page.events), all);
    assert!(page.end);
    let page = store.log_page(before(all[3])).await;
    assert_eq!(positions(&page.events), all[4..]);
    for nothing in [Position::ZERO, all[11]] {
        let page = store.log_page(before(nothing)).await;
        assert!(page.events.is_empty() && page.end, "before {nothing}: {page:?}");
    }
}

/// Pages of any size follow each other without a gap or an overlap, both ways.
pub async fn pages_follow_each_other(subject: Subject) {
    let store = subject.store();
    let up = twelve(&store).await;
    let down: Vec<_> = up.iter().rev().copied().collect();
    for size in [1, 5, 11, 12, 13] {
        let limit = PageLimit::events(size);
        let read = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
        assert_eq!(flat(&store.log_pages(read).await), up, "pages of {size}");
        let read = LogRead::backward(EventFilter::all()).limit(limit);
        assert_eq!(flat(&store.log_pages(read).await), down, "pages of {size}, backward");
    }
}

/// A page holds as many events as it was asked for, if there are so many; none counts as one.
pub async fn a_page_is_as_long_as_asked(subject: Subject) {
    let store = subject.store();
    twelve(&store).await;
    for (asked, length) in [(0, 1), (1, 1), (5, 5), (11, 11)] {
        let limit = PageLimit { events: asked, ..PageLimit::default() };
        let read = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
        let page = store.log_page(read).await;
        assert_eq!((page.events.len(), page.end), (length, false));
        let page = store.log_page(LogRead::backward(EventFilter::all()).limit(limit)).await;
        assert_eq!((page.events.len(), page.end), (length, false));
    }
}

/// The page that holds the last event says that it is the end.
pub async fn the_last_event_is_the_end(subject: Subject) {
    let store = subject.store();
    twelve(&store).await;
    for size in [3, 4, 12] {
        let limit = PageLimit::events(size);
        let read = LogRead::after(EventFilter::all(), Position::ZERO).limit(limit);
        assert_eq!(store.log_pages(read).await.len(), 12 / size, "pages of {size}");
        let read = LogRead::backward(EventFilter::all()).limit(limit);
        assert_eq!(store.log_pages(read).await.len(), 12 / size, "pages of {size}, backward");
    }
}

/// A page at the end says that the store looked as far as the head.
pub async fn the_end_is_the_head(subject: Subject) {
    let store = subject.store();
    let page = store.log_page(LogRead::after(EventFilter::all(), Position::ZERO)).await;
    assert_eq!((page.through, page.end), (Position::ZERO, true));
    twelve(&store).await;
    let head = store.head_position().await;
    let page = store.log_page(LogRead::after(EventFilter::all(), Position::ZERO)).await;
    assert_eq!((page.through, page.end), (head, true));
}

/// Events that a reader does not want move it on, too.
pub async fn unwanted_events_move_a_reader(subject: Subject) {
    let store = subject.store();
    twelve(&store).await;
    let head = store.head_position().await;
    for filter in [
        EventFilter::category("nobody"),
        EventQuery::types(["Never"]).into(),
        EventQuery::tags(tags(&["no:1"])).into(),
        any_of([]).into(),
        EventFilter::category("a"),
    ] {
        let pages = store.log_pages(LogRead::after(filter.clone(), Position::ZERO)).await;
        let last = pages.last().expect("there is a page");
        assert_eq!((last.through, last.end), (head, true), "{filter:?}");
    }
}

/// A reader that is at the head, or ahead of it, is never sent back.
pub async fn a_reader_is_never_sent_back(subject: Subject) {
    let store = subject.store();
    twelve(&store).await;
    let head = store.head_position().await;
    for after in [head, head.plus(10)] {
        for filter in [EventFilter::all(), EventQuery::types(["Never"]).into()] {
            let page = store.log_page(LogRead::after(filter, after)).await;
            assert!(page.events.is_empty() && page.end);
            assert_eq!(page.through, after);
        }
    }
}

/// A reader that went on from a filtered page finds what was appended since, and nothing twice.
pub async fn a_filtered_reader_finds_what_is_new(subject: Subject) {
    let store = subject.store();
    let mut through = Position::ZERO;
    let mut found = Vec::new();
    for round in 0..10 {
        store.write("noise-1", counted(round)).await;
        store.write("signal-1", vec![event("Wanted"); round % 2]).await;
        let read = LogRead::after(EventQuery::types(["Wanted"]).into(), through);
        let pages = store.log_pages(read).await;
        through = pages.last().expect("there is a page").through;
        found.extend(flat(&pages));
        assert_eq!(found.len(), round.div_ceil(2));
    }
    assert_eq!(found, positions(&store.stream("signal-1").await));
}

/// Rare events are found among many, without an empty page before the end.
pub async fn rare_events_are_found_among_many(subject: Subject) {
    let store = subject.store();
    let mut expected = Vec::new();
    for _ in 0..3 {
        store.write("noise-1", counted(3_000)).await;
        let rare = vec![tagged("Rare", &["rare:1"])];
        expected.extend(new_ids(&rare));
        store.write("signal-1", rare).await;
    }
    store.write("noise-1", counted(3_000)).await;
    for query in [EventQuery::types(["Rare"]), EventQuery::tags(tags(&["rare:1"]))] {
        for limit in [PageLimit::events(1), PageLimit::default()] {
            let read = LogRead::after(query.clone().into(), Position::ZERO).limit(limit);
            let pages = store.log_pages(read).await;
            let found: Vec<_> = pages.iter().flat_map(|page| ids(&page.events)).collect();
            assert_eq!(found, expected);
        }
    }
}

/// A page ends before its payloads, the first one's not counted, exceed the limit of bytes.
pub async fn pages_are_cut_by_bytes(subject: Subject) {
    let store = subject.store();
    for name in ["a-1", "b-1"] {
        store.write(name, sized(10, 1_000)).await;
    }
    let limit = PageLimit { events: 1_000, bytes: 3_500 };
    for read in [
        LogRead::after(EventFilter::all(), Position::ZERO),
        LogRead::backward(EventFilter::all()),
        LogRead::after(EventQuery::types(["Held"]).into(), Position::ZERO),
    ] {
        let pages = store.log_pages(read.limit(limit)).await;
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
    store.write("a-1", sized(3, 10_000)).await;
    let limit = PageLimit { events: 1_000, bytes: 1 };
    let pages =
        store.log_pages(LogRead::after(EventFilter::all(), Position::ZERO).limit(limit)).await;
    assert_eq!(pages.iter().map(|page| page.events.len()).collect::<Vec<_>>(), [1, 1, 1]);
}
