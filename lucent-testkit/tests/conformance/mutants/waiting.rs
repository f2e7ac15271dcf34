//! Defects of the head, of waiting, and of reading while others write.

use lucent_core::{
    MemoryStore, Position,
    store::{EventFilter, EventStore as _, LogPage, LogRead, StoreError},
};

use crate::conformance::mutants::defects;

type LogOutcome = Result<LogPage, StoreError>;

defects! {
    LagsBehindWithItsHead rejected by "append::an_acknowledged_append_is_visible_at_once" {
        async fn head(store: &MemoryStore) -> Result<Position, StoreError> {
            Ok(Position::new(store.head().await?.get().saturating_sub(1)))
        }
    }
    WakesAtOnce rejected by "subscription_seam::waiting_for_the_future_waits" {
        async fn wait_past(store: &MemoryStore, _: Position) -> Result<Position, StoreError> {
            store.head().await
        }
    }
    WaitsForTheNextAppend rejected by "subscription_seam::an_append_before_the_wait_counts" {
        async fn wait_past(store: &MemoryStore, position: Position) -> Result<Position, StoreError> {
            let head = store.head().await?;
            store.wait_past(head.max(position)).await
        }
    }
    WakesNobody rejected by "subscription_seam::every_waiter_is_woken" {
        async fn wait_past(store: &MemoryStore, position: Position) -> Result<Position, StoreError> {
            match store.head().await? {
                head if head > position => Ok(head),
                _ => std::future::pending().await,
            }
        }
    }
    GivesThePositionNotTheHead rejected by "subscription_seam::waiting_for_the_past_is_over_at_once" {
        async fn wait_past(store: &MemoryStore, position: Position) -> Result<Position, StoreError> {
            store.wait_past(position).await?;
            Ok(position.next())
        }
    }
    SkipsUnderLoad rejected by "subscription_seam::nothing_is_skipped_or_doubled" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let page = store.read_log(read).await?;
            tokio::task::yield_now().await;
            let through = if page.end { page.through.max(store.head().await?) } else { page.through };
            Ok(LogPage { through, ..page })
        }
    }
    SkipsFilteredUnderLoad rejected by "subscription_seam::a_filtered_follower_skips_nothing" {
        async fn read_log(store: &MemoryStore, read: LogRead) -> LogOutcome {
            let filtered = read.filter != EventFilter::all();
            let page = store.read_log(read).await?;
            tokio::task::yield_now().await;
            let late = page.end && filtered;
            let through = if late { page.through.max(store.head().await?) } else { page.through };
            Ok(LogPage { through, ..page })
        }
    }
}
