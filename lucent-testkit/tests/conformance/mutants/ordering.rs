//! Defects of the order of the log and of those who follow it.

use std::cell::Cell;

use lucent_core::{
    MemoryStore, Position,
    store::{
        Append, AppendError, Appended, EventStore as _, LogPage, LogRead, ReadFrom, StoreError,
        StreamPage, StreamRead,
    },
};

use crate::conformance::mutants::defects;

thread_local! {
    /// How many waits were given up and have not been made up for; each behavior has one thread.
    static GIVEN_UP: Cell<usize> = const { Cell::new(0) };
}

/// Counts a wait that is dropped before its end.
struct Waiting;

impl Drop for Waiting {
    fn drop(&mut self) {
        GIVEN_UP.set(GIVEN_UP.get() + 1);
    }
}

defects! {
    GivesPositionsTwice rejected by "order::positions_are_unique" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> Result<LogPage, StoreError> {
            let mut page = store.read_log(read).await?;
            for pair in page.events.chunks_exact_mut(2) {
                pair[0].position = pair[1].position;
            }
            Ok(page)
        }
    }
    NumbersBatchesBackward rejected by "order::each_stream_keeps_its_order_in_the_log" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> Result<LogPage, StoreError> {
            let mut page = store.read_log(read).await?;
            for index in 1..page.events.len() {
                let (before, after) = page.events.split_at_mut(index);
                let (one, next) = (&mut before[index - 1], &mut after[0]);
                if one.stream == next.stream && one.version < next.version {
                    std::mem::swap(&mut one.version, &mut next.version);
                }
            }
            Ok(page)
        }
    }
    TellsOtherPositionsInStreams rejected by "order::streams_and_log_agree" {
        async fn read_stream(store: &MemoryStore, read: StreamRead) -> Result<StreamPage, StoreError> {
            let mut page = store.read_stream(read).await?;
            page.events.iter_mut().for_each(|event| event.position = Position::new(event.version.get()));
            Ok(page)
        }
    }
    StepsBackAtEachTenth rejected by "order::the_head_never_goes_back" {
        async fn head(store: &MemoryStore) -> Result<Position, StoreError> {
            let head = store.head().await?.get();
            Ok(Position::new(head - u64::from(head > 0 && head.is_multiple_of(10))))
        }
    }
    TakesNeighborsForLosers rejected by "concurrency::losers_spare_other_writers" {
        async fn append(store: &MemoryStore, append: Append) -> Result<Appended, AppendError> {
            let before = store.head().await?;
            tokio::task::yield_now().await;
            if store.head().await? != before {
                return Err(StoreError::Busy { reason: "somebody else was faster".to_owned() }.into());
            }
            store.append(append).await
        }
    }
    GivesFollowersTheirLastEventAgain rejected by "subscription_seam::a_follower_goes_on_from_its_position" {
        async fn read_log(store: &MemoryStore, mut read: LogRead) -> Result<LogPage, StoreError> {
            if let ReadFrom::After(position) = &mut read.from {
                *position = Position::new(position.get().saturating_sub(1));
            }
            store.read_log(read).await
        }
    }
    WakesThoseWhoLeft rejected by "subscription_seam::a_wait_can_be_given_up" {
        async fn wait_past(store: &MemoryStore, position: Position) -> Result<Position, StoreError> {
            if GIVEN_UP.get() > 0 {
                GIVEN_UP.set(GIVEN_UP.get() - 1);
                return std::future::pending().await;
            }
            let waiting = Waiting;
            let woken = store.wait_past(position).await;
            std::mem::forget(waiting);
            woken
        }
    }
}
