//! Defects of leases and fences.

use std::time::Duration;

use lucent_core::{
    MemoryStore,
    store::{
        CommitError, Fence, HeldLease, LeaseOutcome, LeaseStore as _, ProjectionCommit,
        ReadModelStore as _, StoreError,
    },
};

use crate::conformance::mutants::defects;

type Asked = Result<LeaseOutcome, StoreError>;
type Renewed = Result<Vec<Fence>, StoreError>;
type Step = Result<(), CommitError>;

const HOUR: Duration = Duration::from_secs(3_600);

/// Grants a lease to whoever asks, without the rules.
async fn seize(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
    if let LeaseOutcome::Held(held) = store.acquire_lease(name, holder, duration).await? {
        store.renew_leases(&[held.fence], Duration::ZERO).await?;
    }
    store.acquire_lease(name, holder, duration).await
}

/// The fence that a store has now, if it is held.
async fn current(store: &MemoryStore, name: &str) -> Result<Option<Fence>, StoreError> {
    let held = store.held_leases(name).await?;
    Ok(held.into_iter().map(|held| held.fence).find(|fence| &*fence.lease == name))
}

defects! {
    GrantsNoLease rejected by "leases::a_free_lease_is_granted" {
        async fn acquire_lease(store: &MemoryStore, name: &str, _: &str, _: Duration) -> Asked {
            store.acquire_lease(name, "somebody else", HOUR).await?;
            store.acquire_lease(name, "nobody", HOUR).await
        }
    }
    GrantsEveryLease rejected by "leases::a_held_lease_is_refused" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            seize(store, name, holder, duration).await
        }
    }
    RefusesItsHolder rejected by "leases::a_holder_may_ask_again" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            let held = store.held_leases(name).await?;
            match held.into_iter().find(|held| &*held.fence.lease == name) {
                Some(held) => Ok(LeaseOutcome::Held(held)),
                None => store.acquire_lease(name, holder, duration).await,
            }
        }
    }
    NeverEnds rejected by "leases::an_expired_lease_is_free" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, _: Duration) -> Asked {
            store.acquire_lease(name, holder, HOUR).await
        }
    }
    CountsHoursForMoments rejected by "leases::a_lease_ends_by_itself" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            let duration = if duration.is_zero() { duration } else { HOUR };
            store.acquire_lease(name, holder, duration).await
        }
    }
    KeepsItsToken rejected by "leases::a_takeover_raises_the_token" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            Ok(match store.acquire_lease(name, holder, duration).await? {
                LeaseOutcome::Granted(fence) => LeaseOutcome::Granted(Fence { token: 1, ..fence }),
                held => held,
            })
        }
    }
    ReleasesNothing rejected by "leases::a_released_lease_is_free" {
        async fn release_lease(_: &MemoryStore, _: &Fence) -> Result<(), StoreError> {
            Ok(())
        }
    }
    ReleasesByExpiry rejected by "leases::a_release_raises_the_token" {
        async fn release_lease(store: &MemoryStore, fence: &Fence) -> Result<(), StoreError> {
            store.renew_leases(std::slice::from_ref(fence), Duration::ZERO).await.map(drop)
        }
    }
    RenewsForNoTime rejected by "leases::renewing_sets_the_time_anew" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], _: Duration) -> Renewed {
            store.renew_leases(fences, Duration::ZERO).await
        }
    }
    NeverShortens rejected by "leases::renewing_sets_the_time_anew" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            store.renew_leases(fences, duration.max(HOUR)).await
        }
    }
    RenewsForAnybody rejected by "leases::a_lost_lease_cannot_be_renewed" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            let mut lost = store.renew_leases(fences, duration).await?;
            for fence in std::mem::take(&mut lost) {
                let next = Fence { token: fence.token + 1, ..fence };
                lost.extend(store.renew_leases(&[next], duration).await?);
            }
            Ok(lost)
        }
    }
    KeepsLossesToItself rejected by "leases::a_lost_lease_cannot_be_renewed" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            store.renew_leases(fences, duration).await.map(|_| Vec::new())
        }
    }
    ReleasesForAnybody rejected by "leases::a_lost_lease_cannot_be_released" {
        async fn release_lease(store: &MemoryStore, fence: &Fence) -> Result<(), StoreError> {
            let current = current(store, &fence.lease).await?;
            store.release_lease(&current.unwrap_or_else(|| fence.clone())).await
        }
    }
    RenewsWhatWasReleased rejected by "leases::a_released_lease_cannot_be_renewed" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            let mut lost = store.renew_leases(fences, duration).await?;
            let mut still = Vec::new();
            for fence in lost.drain(..) {
                if current(store, &fence.lease).await?.is_some() {
                    still.push(fence);
                }
            }
            Ok(still)
        }
    }
    RenewsTheFirstOnly rejected by "leases::several_leases_are_renewed_at_once" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            store.renew_leases(&fences[..fences.len().min(1)], duration).await
        }
    }
    SortsLosses rejected by "leases::several_leases_are_renewed_at_once" {
        async fn renew_leases(store: &MemoryStore, fences: &[Fence], duration: Duration) -> Renewed {
            let mut lost = store.renew_leases(fences, duration).await?;
            lost.sort();
            Ok(lost)
        }
    }
    FoldsNamesOfLeases rejected by "leases::names_are_independent" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            store.acquire_lease(name.trim(), holder, duration).await
        }
    }
    TakesStartsForPatterns rejected by "leases::held_leases_are_found_by_their_start" {
        async fn held_leases(store: &MemoryStore, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
            let start = prefix.split(['%', '_']).next().unwrap_or_default();
            store.held_leases(start).await
        }
    }
    ListsLeasesInAnyOrder rejected by "leases::held_leases_are_found_by_their_start" {
        async fn held_leases(store: &MemoryStore, prefix: &str) -> Result<Vec<HeldLease>, StoreError> {
            let mut held = store.held_leases(prefix).await?;
            held.sort_by_key(|held| (held.fence.lease.len(), held.fence.clone()));
            Ok(held)
        }
    }
    LooksBeforeItGrants rejected by "leases::exactly_one_of_racing_askers_wins" {
        async fn acquire_lease(store: &MemoryStore, name: &str, holder: &str, duration: Duration) -> Asked {
            if let Some(held) = store.held_leases(name).await?.pop() {
                return Ok(LeaseOutcome::Held(held));
            }
            tokio::task::yield_now().await;
            seize(store, name, holder, duration).await
        }
    }
    TakesOneFencedStep rejected by "leases::a_fenced_step_is_taken" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            let late = commit.from > lucent_core::Position::ZERO;
            if let Some(fence) = commit.fence.as_mut().filter(|_| late) {
                fence.token += 1;
            }
            store.commit_projection(commit).await
        }
    }
    TakesStepsOfHeldLeasesOnly rejected by "leases::a_step_of_an_expired_lease_is_taken" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if let Some(fence) = &mut commit.fence
                && current(store, &fence.lease).await?.is_none()
            {
                fence.token = u64::MAX;
            }
            store.commit_projection(commit).await
        }
    }
    IgnoresFences rejected by "leases::a_step_of_a_lost_lease_is_refused" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(ProjectionCommit { fence: None, ..commit }).await
        }
    }
    WritesBeforeItLooksAtTheFence rejected by "leases::a_step_of_a_lost_lease_is_refused" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            let outcome = store.commit_projection(commit.clone()).await;
            if matches!(outcome, Err(CommitError::LeaseLost { .. })) {
                let to = commit.from;
                store.commit_projection(ProjectionCommit { to, fence: None, ..commit }).await?;
            }
            outcome
        }
    }
    IgnoresFencesOfFreeLeases rejected by "leases::a_step_of_a_released_lease_is_refused" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if let Some(fence) = &commit.fence
                && fence.token > 0
                && current(store, &fence.lease).await?.is_none()
            {
                commit.fence = None;
            }
            store.commit_projection(commit).await
        }
    }
    TakesGreaterTokens rejected by "leases::a_step_of_an_invented_lease_is_refused" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if let Some(fence) = &mut commit.fence
                && let Some(current) = current(store, &fence.lease).await?
            {
                fence.token = fence.token.min(current.token);
            }
            store.commit_projection(commit).await
        }
    }
    ChecksFencesTooEarly rejected by "leases::no_step_follows_a_takeover" {
        async fn commit_projection(store: &MemoryStore, mut commit: ProjectionCommit) -> Step {
            if let Some(fence) = commit.fence.take() {
                let lost = store.renew_leases(std::slice::from_ref(&fence), Duration::ZERO).await?;
                if let Some(Fence { lease, .. }) = lost.into_iter().next() {
                    return Err(CommitError::LeaseLost { projection: commit.projection, lease, held_by: None });
                }
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            store.commit_projection(commit).await
        }
    }
    GivesEachPartItsOwnReadModel rejected by "leases::parts_write_into_one_read_model" {
        async fn commit_projection(store: &MemoryStore, commit: ProjectionCommit) -> Step {
            store.commit_projection(ProjectionCommit { read_model: None, ..commit }).await
        }
    }
}
