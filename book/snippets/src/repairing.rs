//! Looking after projections and event handlers: what they parked, what is built anew.
//!
//! Invariant: nothing here is needed while nothing fails.

use std::time::Duration;

use lucent_core::{
    EventHandlerHandle, HandlerControlError, ParkingPolicy, ProjectionControlError,
    ProjectionHandle, ProjectionState, StartFrom,
    prelude::*,
    store::{ParkedKey, Store},
};

use crate::{Registry, reacting::Mailer, registry, views::PageSize};

// ANCHOR: policy
/// Five tries within three seconds, then the key is parked; no more than 100 keys at once.
pub async fn start(store: impl Store, mailer: Mailer) -> Result<App<Registry>, StartError> {
    let parking = ParkingPolicy { tries: 5, pause: Duration::from_millis(200), keys: 100 };
    App::new(registry())
        .store(store)
        .resource(mailer)
        .resource(PageSize(50))
        .parking(parking)
        .handler_parking(ParkingPolicy { tries: 10, ..parking })
        .start_handler("welcome_letters", StartFrom::Now)
        .start()
        .await
}
// ANCHOR_END: policy

// ANCHOR: parked
/// One line per key that waits.
pub async fn waiting(statements: &ProjectionHandle) -> Result<Vec<String>, ProjectionControlError> {
    let lines = statements.parked().await?.into_iter();
    Ok(lines
        .map(|line| {
            let reason = line.first.reason.as_deref().unwrap_or("it waits for its stream");
            format!(
                "{}: {} events since {}: {reason}",
                line.first.key, line.events, line.first.position
            )
        })
        .collect())
}
// ANCHOR_END: parked

// ANCHOR: retry
/// After a repaired projector was deployed.
pub async fn repair(app: &App<Registry>) -> Result<u64, ProjectionControlError> {
    let statements = app.projection("statements")?;
    let retried = statements.retry_all().await?;
    for failure in &retried.failures {
        eprintln!("still: {failure}");
    }
    Ok(retried.applied)
}

/// Decides that an event is never applied to a document. What waited behind it is.
pub async fn give_up(app: &App<Registry>, key: ParkedKey) -> Result<(), ProjectionControlError> {
    let (dropped, _) = app.projection("statements")?.drop_parked(key).await?;
    eprintln!("event {} is left out", dropped.position);
    Ok(())
}
// ANCHOR_END: retry

// ANCHOR: rebuild
/// Builds the read model anew beside the one that answers.
pub async fn rebuild(app: &App<Registry>) -> Result<(), ProjectionControlError> {
    app.projection("statements")?.rebuild().await
}

/// How far that is.
pub fn progress(statements: &ProjectionHandle) -> Option<String> {
    let status = statements.rebuilding()?;
    let pace = status.pace?;
    Some(format!(
        "{} of {} at {} events/s, {:?} left",
        status.position, status.head, pace.events_per_second, pace.remaining
    ))
}
// ANCHOR_END: rebuild

// ANCHOR: versions
/// Answers from the version before, for now.
pub async fn roll_back(statements: &ProjectionHandle) -> Result<(), ProjectionControlError> {
    let versions = statements.versions().await?;
    if let Some(before) = versions.iter().rev().find(|stored| !stored.active) {
        statements.activate(before.version).await?;
    }
    Ok(())
}

/// Removes what is no longer needed.
pub async fn tidy(statements: &ProjectionHandle) -> Result<(), ProjectionControlError> {
    for stored in statements.versions().await?.iter().filter(|stored| !stored.active) {
        match statements.drop_version(stored.version).await {
            Ok(()) | Err(ProjectionControlError::InUse { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
// ANCHOR_END: versions

// ANCHOR: lag
/// Whether somebody should look: it is far behind, it fails, or a key waits.
pub fn needs_attention(app: &App<Registry>) -> bool {
    app.projections().iter().any(|status| {
        let stands = status.lag > 0 && status.idle > Duration::from_secs(60);
        stands || status.parked_keys > 0 || status.state == ProjectionState::Failing
    })
}
// ANCHOR_END: lag

// ANCHOR: handler
/// Sends the letters of every stream that waits.
pub async fn send_again(letters: &EventHandlerHandle) -> Result<(), HandlerControlError> {
    for line in letters.parked().await? {
        let sent = letters.retry(&line.first.stream).await?;
        if let Some(failed) = sent.failed {
            eprintln!("event {} fails again: {:?}", failed.position, failed.reason);
        }
    }
    Ok(())
}
// ANCHOR_END: handler

#[cfg(test)]
mod tests {
    use lucent_core::store::ReadModelStore as _;

    use super::*;
    use crate::{
        account::{AccountId, OpenAccount},
        reacting::Post,
    };

    struct NoPost;

    impl Post for NoPost {
        fn send(&self, _: EventId, _: &str) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_rebuild_ends_and_nothing_waits() {
        let store = MemoryStore::new();
        let app = start(store.clone(), Mailer(Box::new(NoPost))).await.unwrap();
        let account = AccountId::new();
        let done = app.execute(OpenAccount { account, owner: "Ada".into() }).await.unwrap();
        let statements = app.projection("statements").unwrap();
        while statements.status().await.unwrap().lag > 0 {
            tokio::task::yield_now().await;
        }
        rebuild(&app).await.unwrap();
        while progress(&statements).is_some() || statements.rebuilding().is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(waiting(&statements).await.unwrap(), Vec::<String>::new());
        assert_eq!(repair(&app).await.unwrap(), 0);
        tidy(&statements).await.unwrap();
        let stored = store.stored_versions("statements").await.unwrap();
        assert_eq!(stored[0].checkpoint, done.position);
        send_again(&app.event_handler("welcome_letters").unwrap()).await.unwrap();
    }
}
