//! Defects of reads, filters and waits.

use lucent_core::{
    MemoryStore, Position, StreamId, Version,
    store::{
        EventFilter, EventQuery, EventStore as _, LogPage, LogRead, PageLimit, ReadFrom,
        StoreError, StreamPage, StreamRead,
    },
};

use crate::conformance::mutants::defects;

type StreamOutcome = Result<StreamPage, StoreError>;
type LogOutcome = Result<LogPage, StoreError>;

const NO_BYTES: usize = usize::MAX;

/// Reads with another filter.
async fn filtered(
    store: &MemoryStore,
    mut read: LogRead,
    change: fn(&mut EventFilter),
) -> LogOutcome {
    change(&mut read.filter);
    store.read_log(read).await
}

defects! {
    IncludesTheVersion rejected by "reading_streams::reading_starts_after_a_version" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            if let ReadFrom::After(version) = &mut read.from {
                *version = Version::new(version.get().saturating_sub(1));
            }
            store.read_stream(read).await
        }
    }
    IncludesTheVersionBackward rejected by "reading_streams::backward_starts_before_a_version" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            if let ReadFrom::Before(version) = &mut read.from {
                *version = version.next();
            }
            store.read_stream(read).await
        }
    }
    ReadsStreamsForwardOnly rejected by "reading_streams::backward_starts_at_the_newest" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let backward = matches!(read.from, ReadFrom::Before(_));
            let mut page = store.read_stream(read).await?;
            if backward {
                page.events.reverse();
            }
            Ok(page)
        }
    }
    SkipsBetweenStreamPages rejected by "reading_streams::pages_follow_each_other" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            if let ReadFrom::After(version) = &mut read.from
                && *version > Version::ZERO
            {
                *version = version.next();
            }
            store.read_stream(read).await
        }
    }
    IgnoresCountsOfStreamPages rejected by "reading_streams::a_page_is_as_long_as_asked" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            read.limit.events = usize::MAX;
            store.read_stream(read).await
        }
    }
    IgnoresBytesOfStreamPages rejected by "reading_streams::pages_are_cut_by_bytes" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            read.limit.bytes = NO_BYTES;
            store.read_stream(read).await
        }
    }
    ReadsStreamsOneByOne rejected by "reading_streams::pages_are_cut_by_bytes" {
        async fn read_stream(store: &MemoryStore, mut read: StreamRead) -> StreamOutcome {
            read.limit.events = 1;
            store.read_stream(read).await
        }
    }
    GivesAnEmptyStreamPageForNone rejected by "reading_streams::a_page_of_none_holds_one" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let none = read.limit.events == 0;
            let mut page = store.read_stream(read).await?;
            if none {
                page.events.clear();
            }
            Ok(page)
        }
    }
    DropsLargeEvents rejected by "reading_streams::a_large_event_comes_alone" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let bytes = read.limit.bytes;
            let mut page = store.read_stream(read).await?;
            page.events.retain(|event| event.payload.data.len() <= bytes);
            Ok(page)
        }
    }
    FindsTheStreamsEndLate rejected by "reading_streams::the_last_event_is_the_end" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let asked = read.limit.events;
            let mut page = store.read_stream(read).await?;
            page.end = page.events.len() < asked;
            Ok(page)
        }
    }
    TakesThePageForTheStream rejected by "reading_streams::a_page_tells_the_streams_version" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let mut page = store.read_stream(read).await?;
            if let Some(event) = page.events.last() {
                page.version = event.version;
            }
            Ok(page)
        }
    }
    TellsAMissingStreamsVersionFromTheRequest rejected by "reading_streams::a_missing_stream_is_empty" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let from = read.from;
            let mut page = store.read_stream(read).await?;
            if let ReadFrom::After(version) = from && page.events.is_empty() {
                page.version = version;
            }
            Ok(page)
        }
    }
    NeverEndsPastTheStream rejected by "reading_streams::nothing_is_after_the_last_version" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> StreamOutcome {
            let page = store.read_stream(read).await?;
            Ok(StreamPage { end: page.end && !page.events.is_empty(), ..page })
        }
    }
    CountsVersionsInSixteenBits rejected by "long_streams::versions_count_beyond_sixteen_bits" {
        async fn stream_version(store: &MemoryStore, stream: &StreamId) -> Result<Version, StoreError> {
            Ok(Version::new(store.stream_version(stream).await?.get() & 0xffff))
        }
    }
    IgnoresTheDefaultPage rejected by "long_streams::a_long_log_is_read_in_pages" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            read.limit.events = usize::MAX;
            store.read_log(read).await
        }
    }
    IncludesThePosition rejected by "reading_log::reading_starts_after_a_position" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            if let ReadFrom::After(position) = &mut read.from {
                *position = Position::new(position.get().saturating_sub(1));
            }
            store.read_log(read).await
        }
    }
    IncludesThePositionBackward rejected by "reading_log::backward_starts_before_a_position" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            if let ReadFrom::Before(position) = &mut read.from {
                *position = position.next();
            }
            store.read_log(read).await
        }
    }
    SkipsBetweenLogPages rejected by "reading_log::pages_follow_each_other" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let page = store.read_log(read).await?;
            let through = if page.end { page.through } else { page.through.next() };
            Ok(LogPage { through, ..page })
        }
    }
    DoublesBetweenLogPages rejected by "reading_log::pages_follow_each_other" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let mut page = store.read_log(read).await?;
            if !page.end && page.events.len() > 1 {
                page.through = page.events[page.events.len() - 2].position;
            }
            Ok(page)
        }
    }
    IgnoresCountsOfLogPages rejected by "reading_log::a_page_is_as_long_as_asked" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            read.limit.events = usize::MAX;
            store.read_log(read).await
        }
    }
    IgnoresBytesOfLogPages rejected by "reading_log::pages_are_cut_by_bytes" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            read.limit.bytes = NO_BYTES;
            store.read_log(read).await
        }
    }
    IgnoresBytesOfTheLogAtAll rejected by "reading_log::a_large_event_comes_alone" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            read.limit = PageLimit { bytes: NO_BYTES, ..read.limit };
            store.read_log(read).await
        }
    }
    FindsTheLogsEndLate rejected by "reading_log::the_last_event_is_the_end" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let asked = read.limit.events;
            let mut page = store.read_log(read).await?;
            page.end = page.events.len() < asked;
            Ok(page)
        }
    }
    StopsAtTheLastMatch rejected by "reading_log::unwanted_events_move_a_reader" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let start = match read.from {
                ReadFrom::After(position) | ReadFrom::Before(position) => position,
            };
            let mut page = store.read_log(read).await?;
            page.through = page.events.last().map_or(start, |event| event.position);
            Ok(page)
        }
    }
    SendsReadersToTheHead rejected by "reading_log::a_reader_is_never_sent_back" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let forward = matches!(read.from, ReadFrom::After(_));
            let mut page = store.read_log(read).await?;
            if page.end && forward {
                page.through = store.head().await?;
            }
            Ok(page)
        }
    }
    GivesTheEndAsTheStart rejected by "reading_log::the_end_is_the_head" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let page = store.read_log(read).await?;
            Ok(LogPage { through: Position::ZERO, ..page })
        }
    }
    GivesUpOnRareEvents rejected by "reading_log::rare_events_are_found_among_many" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let ReadFrom::After(after) = read.from else { return store.read_log(read).await };
            let mut page = store.read_log(read).await?;
            let reach = after.plus(2_000);
            if page.through > reach {
                page.events.retain(|event| event.position <= reach);
                page.through = reach;
                page.end = false;
            }
            Ok(page)
        }
    }
    HidesTheNewestMatch rejected by "reading_log::a_filtered_reader_finds_what_is_new" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let filtered = read.filter != EventFilter::all();
            let mut page = store.read_log(read).await?;
            if filtered {
                page.events.pop();
            }
            Ok(page)
        }
    }
    SortsTheLogByStream rejected by "reading_log::the_log_has_every_stream_in_order" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let mut page = store.read_log(read).await?;
            page.events.sort_by(|one, other| one.stream.cmp(&other.stream));
            Ok(page)
        }
    }
    TakesACategoryForAPrefix rejected by "filters::a_category_has_its_own_streams" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            let category = read.filter.category.take();
            let mut page = store.read_log(read).await?;
            if let Some(category) = category {
                page.events.retain(|event| event.stream.as_str().starts_with(&*category));
            }
            Ok(page)
        }
    }
    TakesACategoryForAPattern rejected by "filters::categories_are_no_patterns" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            let Some(category) = read.filter.category.take() else { return store.read_log(read).await };
            let wanted: Vec<char> = category.chars().collect();
            let mut page = store.read_log(read).await?;
            page.events.retain(|event| {
                let found: Vec<char> = event.stream.category().chars().collect();
                found.len() == wanted.len()
                    && found.iter().zip(&wanted).all(|(one, other)| *other == '_' || one == other)
            });
            Ok(page)
        }
    }
    IgnoresTheCategoryOfAQuery rejected by "filters::a_category_narrows_a_query" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            filtered(store, read, |filter| {
                if filter.query != EventQuery::All {
                    filter.category = None;
                }
            })
            .await
        }
    }
    LooksForOneTagOnly rejected by "filters::all_tags_are_needed" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            filtered(store, read, |filter| {
                if let EventQuery::AnyOf(items) = &mut filter.query {
                    items.iter_mut().for_each(|item| item.tags.truncate(1));
                }
            })
            .await
        }
    }
    IgnoresTagsBesideTypes rejected by "filters::an_item_wants_type_and_tags" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            filtered(store, read, |filter| {
                if let EventQuery::AnyOf(items) = &mut filter.query {
                    items.iter_mut().filter(|item| !item.types.is_empty()).for_each(|item| item.tags.clear());
                }
            })
            .await
        }
    }
    GivesAnEventPerItem rejected by "filters::several_matching_items_find_it_once" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let query = read.filter.query.clone();
            let mut page = store.read_log(read).await?;
            if let EventQuery::AnyOf(items) = query {
                let times = |event: &lucent_core::RecordedEvent| {
                    items.iter().filter(|item| item.matches(&event.event_type, &event.tags)).count()
                };
                page.events = page.events.iter().flat_map(|event| vec![event.clone(); times(event)]).collect();
            }
            Ok(page)
        }
    }
    ReadsEverythingWithoutItems rejected by "filters::empty_queries_and_empty_items_differ" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            filtered(store, read, |filter| {
                if filter.query == EventQuery::AnyOf(Vec::new()) {
                    filter.query = EventQuery::All;
                }
            })
            .await
        }
    }
    FoldsCaseOfForeignScripts rejected by "filters::names_of_any_script_are_told_apart" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> LogOutcome {
            let Some(category) = read.filter.category.take() else { return store.read_log(read).await };
            let mut page = store.read_log(read).await?;
            page.events.retain(|event| event.stream.category().to_lowercase() == category.to_lowercase());
            Ok(page)
        }
    }
    ChokesOnQuotes rejected by "filters::signs_of_query_languages_are_data" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            filtered(store, read, |filter| {
                if let EventQuery::AnyOf(items) = &mut filter.query {
                    items.retain(|item| !item.types.iter().any(|name| name.contains('\'')));
                }
            })
            .await
        }
    }
}
