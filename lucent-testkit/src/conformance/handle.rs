//! A store with words for what behaviors do to it.
//!
//! Invariant: every read of many pages checks that the pages make progress and keep to their order.

use std::{ops::Deref, sync::Arc};

use lucent_core::{
    NewEvent, Position, RecordedEvent, Version,
    store::{
        Append, AppendError, Appended, EventFilter, ExpectedVersion, LogPage, LogRead, ReadFrom,
        Store, StreamPage, StreamRead,
    },
};

use crate::conformance::vocabulary::stream;

/// A handle on the store under test; clones share it.
#[derive(Clone, Debug)]
pub struct Handle(pub(super) Arc<dyn Store>);

impl Deref for Handle {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Handle {
    /// Appends to a stream, whatever it holds.
    pub(super) async fn write(&self, name: &str, events: Vec<NewEvent>) -> Appended {
        self.try_write(name, ExpectedVersion::Any, events)
            .await
            .expect("an append without expectations succeeds")
    }

    /// Appends to a stream.
    pub(super) async fn try_write(
        &self,
        name: &str,
        expected: ExpectedVersion,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.append(Append::one(stream(name), expected, events)).await
    }

    /// The newest position, as a number.
    pub(super) async fn head_position(&self) -> Position {
        self.head().await.expect("the head is readable")
    }

    /// The version of a stream, as a number.
    pub(super) async fn version_of(&self, name: &str) -> u64 {
        let version = self.stream_version(&stream(name)).await;
        version.expect("a version is readable").get()
    }

    /// Every event of a stream.
    pub(super) async fn stream(&self, name: &str) -> Vec<RecordedEvent> {
        let pages = self.stream_pages(StreamRead::forward(stream(name))).await;
        pages.into_iter().flat_map(|page| page.events).collect()
    }

    /// Every event of the log.
    pub(super) async fn log(&self) -> Vec<RecordedEvent> {
        self.find(EventFilter::all()).await
    }

    /// Every event of the log that a filter wants.
    pub(super) async fn find(&self, filter: impl Into<EventFilter>) -> Vec<RecordedEvent> {
        let pages = self.log_pages(LogRead::after(filter.into(), Position::ZERO)).await;
        pages.into_iter().flat_map(|page| page.events).collect()
    }

    /// One page of the log.
    pub(super) async fn log_page(&self, read: LogRead) -> LogPage {
        self.read_log(read).await.expect("the log is readable")
    }

    /// One page of a stream.
    pub(super) async fn stream_page(&self, read: StreamRead) -> StreamPage {
        self.read_stream(read).await.expect("a stream is readable")
    }

    /// All pages of the log from a start on.
    pub(super) async fn log_pages(&self, mut read: LogRead) -> Vec<LogPage> {
        let mut pages = Vec::new();
        loop {
            let page = self.log_page(read.clone()).await;
            check_log_page(&read, &page);
            let end = page.end;
            read.from = match read.from {
                ReadFrom::After(_) => ReadFrom::After(page.through),
                ReadFrom::Before(_) => ReadFrom::Before(page.through),
            };
            pages.push(page);
            if end {
                return pages;
            }
        }
    }

    /// All pages of a stream from a start on.
    pub(super) async fn stream_pages(&self, mut read: StreamRead) -> Vec<StreamPage> {
        let mut pages = Vec::new();
        loop {
            let page = self.stream_page(read.clone()).await;
            check_stream_page(&read, &page);
            let end = page.end;
            if let Some(last) = page.events.last() {
                read.from = match read.from {
                    ReadFrom::After(_) => ReadFrom::After(last.version),
                    ReadFrom::Before(_) => ReadFrom::Before(last.version),
                };
            }
            pages.push(page);
            if end {
                return pages;
            }
        }
    }
}

fn check_log_page(read: &LogRead, page: &LogPage) {
    assert!(page.end || !page.events.is_empty(), "a page before the end is empty: {read:?}");
    for pair in page.events.windows(2) {
        let up = pair[0].position < pair[1].position;
        assert_eq!(up, matches!(read.from, ReadFrom::After(_)), "a page is out of order");
    }
    let last = page.events.last().map(|event| event.position);
    match read.from {
        ReadFrom::After(after) => {
            let start = page.events.first().map_or(Position::MAX, |event| event.position);
            assert!(start > after, "a page starts at {start}, not after {after}");
            assert!(page.through >= last.unwrap_or(after), "`through` is before the page's end");
            assert!(page.end || page.through > after, "a page makes no progress");
        }
        ReadFrom::Before(before) => {
            let start = page.events.first().map_or(Position::ZERO, |event| event.position);
            assert!(start < before, "a page starts at {start}, not before {before}");
            assert!(page.through <= last.unwrap_or(before), "`through` is before the page's end");
            assert!(page.end || page.through < before, "a page makes no progress");
        }
    }
}

fn check_stream_page(read: &StreamRead, page: &StreamPage) {
    assert!(page.end || !page.events.is_empty(), "a page before the end is empty: {read:?}");
    let mut versions = page.events.iter().map(|event| event.version.get());
    match read.from {
        ReadFrom::After(after) => {
            let mut next = after.get();
            for version in versions {
                next += 1;
                assert_eq!(version, next, "a version is skipped or doubled");
            }
        }
        ReadFrom::Before(before) => {
            let Some(first) = versions.next() else { return };
            assert_eq!(first, before.get().saturating_sub(1).min(page.version.get()));
            let rest = versions.enumerate();
            for (index, version) in rest {
                let expected = Version::new(first).get() - index as u64 - 1;
                assert_eq!(version, expected, "a version is skipped or doubled");
            }
        }
    }
}
