//! Leases: one holder at a time, whose token fences off those before.

use std::time::Duration;

use bytes::Bytes;

use crate::conformance::vocabulary::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// A lease that is over as soon as it is granted.
const OVER: Duration = Duration::ZERO;

async fn ask(store: &Handle, name: &str, holder: &str, duration: Duration) -> LeaseOutcome {
    store.acquire_lease(name, holder, duration).await.expect("leases can be asked for")
}

async fn granted(store: &Handle, name: &str, holder: &str, duration: Duration) -> Fence {
    match ask(store, name, holder, duration).await {
        LeaseOutcome::Granted(fence) => fence,
        LeaseOutcome::Held(held) => panic!("`{name}` is free for {holder}, and not so: {held:?}"),
    }
}

async fn refused_to(store: &Handle, name: &str, holder: &str) -> HeldLease {
    match ask(store, name, holder, HOUR).await {
        LeaseOutcome::Held(held) => held,
        LeaseOutcome::Granted(fence) => panic!("`{name}` is held, and {holder} has {fence}"),
    }
}

async fn lost(store: &Handle, fences: &[Fence], duration: Duration) -> Vec<Fence> {
    store.renew_leases(fences, duration).await.expect("leases can be renewed")
}

async fn release(store: &Handle, fence: &Fence) {
    store.release_lease(fence).await.expect("leases can be released");
}

async fn held(store: &Handle, prefix: &str) -> Vec<HeldLease> {
    store.held_leases(prefix).await.expect("leases are readable")
}

fn id(name: &str) -> ProjectionId {
    ProjectionId::new(name, 1)
}

fn fenced(fence: &Fence, from: u64, to: u64) -> ProjectionCommit {
    let step = ProjectionCommit::new(id("parts/1"), Position::new(from), Position::new(to));
    ProjectionCommit { changes: vec![put("a", b"[1]")], fence: Some(fence.clone()), ..step }
}

fn put(key: &str, body: &'static [u8]) -> DocumentChange {
    DocumentChange::Put(Document { key: key.into(), body: body.into() })
}

async fn is_untouched(store: &Handle) {
    let checkpoint = store.checkpoint(&id("parts/1")).await.expect("a checkpoint is readable");
    assert_eq!(checkpoint, Position::ZERO, "a refused step moved the checkpoint");
    let documents = store.documents(&id("parts/1"), &["a".into()]).await;
    assert_eq!(documents.expect("documents are readable"), [None], "a refused step wrote");
}

/// A name that nobody has leased is free.
pub async fn a_free_lease_is_granted(subject: Subject) {
    let store = subject.store();
    assert_eq!(held(&store, "").await, []);
    let fence = granted(&store, "jobs", "a", HOUR).await;
    assert_eq!(&*fence.lease, "jobs");
    assert!(fence.token > 0, "tokens count from one");
    let found = held(&store, "jobs").await;
    let [lease] = &found[..] else { panic!("one lease is held: {found:?}") };
    assert_eq!((&lease.fence, &*lease.holder), (&fence, "a"));
    assert!(lease.remaining <= HOUR && lease.remaining > HOUR / 2, "{lease:?}");
}

/// While one holds a lease, nobody else gets it, and is told who has it.
pub async fn a_held_lease_is_refused(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", HOUR).await;
    for _ in 0..3 {
        let held = refused_to(&store, "jobs", "b").await;
        assert_eq!((held.fence, &*held.holder), (fence.clone(), "a"));
        assert!(held.remaining <= HOUR && held.remaining > HOUR / 2, "{:?}", held.remaining);
    }
    assert_eq!(lost(&store, &[fence], HOUR).await, []);
}

/// Asking for what one holds gives the same token and sets the time anew.
pub async fn a_holder_may_ask_again(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", OVER).await;
    assert_eq!(granted(&store, "jobs", "a", HOUR).await, fence);
    refused_to(&store, "jobs", "b").await;
    assert_eq!(granted(&store, "jobs", "a", OVER).await, fence);
    granted(&store, "jobs", "b", HOUR).await;
}

/// A lease whose time is over is free.
pub async fn an_expired_lease_is_free(subject: Subject) {
    let store = subject.store();
    granted(&store, "jobs", "a", OVER).await;
    assert_eq!(held(&store, "").await, []);
    granted(&store, "jobs", "b", HOUR).await;
    refused_to(&store, "jobs", "a").await;
}

/// A lease lasts for its time and ends by itself.
pub async fn a_lease_ends_by_itself(subject: Subject) {
    let store = subject.store();
    let moment = Duration::from_millis(10);
    let first = granted(&store, "jobs", "a", moment).await;
    let taken = patiently("the end of a lease", async {
        loop {
            match ask(&store, "jobs", "b", HOUR).await {
                LeaseOutcome::Granted(fence) => return fence,
                LeaseOutcome::Held(held) => {
                    assert!(held.remaining <= moment, "{held:?}");
                    tokio::time::sleep(held.remaining).await;
                }
            }
        }
    });
    assert!(taken.await.token > first.token);
}

/// Whoever takes a lease over has a greater token than all before.
pub async fn a_takeover_raises_the_token(subject: Subject) {
    let store = subject.store();
    let mut last = 0;
    for holder in ["a", "b", "a", "c"] {
        let fence = granted(&store, "jobs", holder, OVER).await;
        assert!(fence.token > last, "{} follows {last}", fence.token);
        last = fence.token;
    }
}

/// A lease that was given back is free at once.
pub async fn a_released_lease_is_free(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", HOUR).await;
    release(&store, &fence).await;
    assert_eq!(held(&store, "").await, []);
    granted(&store, "jobs", "b", HOUR).await;
}

/// A token is not given again after a release, not even to the same holder.
pub async fn a_release_raises_the_token(subject: Subject) {
    let store = subject.store();
    let first = granted(&store, "jobs", "a", HOUR).await;
    release(&store, &first).await;
    let second = granted(&store, "jobs", "a", HOUR).await;
    assert!(second.token > first.token, "{second} follows {first}");
    release(&store, &second).await;
    let third = granted(&store, "jobs", "b", HOUR).await;
    assert!(third.token > second.token, "{third} follows {second}");
}

/// Renewing a lease sets its time anew, from now on.
pub async fn renewing_sets_the_time_anew(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", OVER).await;
    assert_eq!(lost(&store, std::slice::from_ref(&fence), HOUR).await, []);
    refused_to(&store, "jobs", "b").await;
    assert_eq!(lost(&store, &[fence], OVER).await, []);
    granted(&store, "jobs", "b", HOUR).await;
}

/// Who lost a lease cannot renew it, and does not disturb who has it.
pub async fn a_lost_lease_cannot_be_renewed(subject: Subject) {
    let store = subject.store();
    let first = granted(&store, "jobs", "a", OVER).await;
    let second = granted(&store, "jobs", "b", OVER).await;
    assert_eq!(lost(&store, std::slice::from_ref(&first), HOUR).await, [first]);
    let third = granted(&store, "jobs", "c", HOUR).await;
    assert!(third.token > second.token);
}

/// Who lost a lease cannot give it back in the name of who has it.
pub async fn a_lost_lease_cannot_be_released(subject: Subject) {
    let store = subject.store();
    let first = granted(&store, "jobs", "a", OVER).await;
    let second = granted(&store, "jobs", "b", HOUR).await;
    release(&store, &first).await;
    assert_eq!(refused_to(&store, "jobs", "c").await.fence, second);
}

/// A lease that was given back cannot be renewed.
pub async fn a_released_lease_cannot_be_renewed(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", HOUR).await;
    release(&store, &fence).await;
    assert_eq!(lost(&store, std::slice::from_ref(&fence), HOUR).await, [fence]);
    granted(&store, "jobs", "b", HOUR).await;
}

/// Several leases are renewed at once; those that are lost come back in their order.
pub async fn several_leases_are_renewed_at_once(subject: Subject) {
    let store = subject.store();
    let mut fences = Vec::new();
    for name in ["d", "c", "b", "a"] {
        fences.push(granted(&store, name, "us", OVER).await);
    }
    granted(&store, "c", "them", HOUR).await;
    release(&store, &fences[3]).await;
    let gone = [fences[1].clone(), fences[3].clone()];
    assert_eq!(lost(&store, &fences, HOUR).await, gone);
    for name in ["d", "b"] {
        assert_eq!(&*refused_to(&store, name, "them").await.holder, "us");
    }
    assert_eq!(lost(&store, &[], HOUR).await, []);
}

/// Leases of different names have nothing to do with each other; names are compared to the letter.
pub async fn names_are_independent(subject: Subject) {
    let store = subject.store();
    let names = ["jobs", "Jobs", "jobs ", "jobs/1", "job", "jobs%", "ĵobs"];
    let mut fences = Vec::new();
    for (name, holder) in names.iter().zip(["a", "b", "c", "d", "e", "f", "g"]) {
        fences.push(granted(&store, name, holder, HOUR).await);
    }
    release(&store, &fences[0]).await;
    granted(&store, "jobs", "z", HOUR).await;
    assert_eq!(lost(&store, &fences[1..], HOUR).await, []);
}

/// The leases that are held are found by the start of their names, in order.
pub async fn held_leases_are_found_by_their_start(subject: Subject) {
    let store = subject.store();
    for name in ["p_x/2", "p_x/10", "p_x/1", "pax/1", "p%/1", "q/1", "p_x"] {
        granted(&store, name, "a", HOUR).await;
    }
    granted(&store, "p_x/3", "a", OVER).await;
    let back = granted(&store, "p_x/4", "a", HOUR).await;
    release(&store, &back).await;
    let names = |found: Vec<HeldLease>| -> Vec<String> {
        found.iter().map(|held| held.fence.lease.to_string()).collect()
    };
    assert_eq!(names(held(&store, "p_x/").await), ["p_x/1", "p_x/10", "p_x/2"]);
    assert_eq!(names(held(&store, "p%").await), ["p%/1"]);
    assert_eq!(held(&store, "").await.len(), 7);
}

/// Of many that ask for a free lease at the same time, one gets it.
pub async fn exactly_one_of_racing_askers_wins(subject: Subject) {
    for round in 0..5 {
        let outcomes = race((0..8).map(|asker| {
            let store = subject.store();
            async move { ask(&store, &format!("jobs/{round}"), &format!("{asker}"), HOUR).await }
        }))
        .await;
        let won = |outcome: &&LeaseOutcome| matches!(outcome, LeaseOutcome::Granted(_));
        assert_eq!(outcomes.iter().filter(won).count(), 1, "{outcomes:?}");
    }
}

/// A step with the current fence is taken, again and again.
pub async fn a_fenced_step_is_taken(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", HOUR).await;
    for from in 0..3 {
        let taken = store.commit_projection(fenced(&fence, from, from + 1)).await;
        taken.expect("the lease is held");
    }
    let again = store.commit_projection(fenced(&fence, 2, 3)).await;
    assert!(matches!(again, Err(CommitError::CheckpointMoved { .. })), "{again:?}");
    let documents = store.documents(&id("parts/1"), &["a".into()]).await;
    assert_eq!(documents.expect("documents are readable"), [Some(Bytes::from_static(b"[1]"))]);
}

/// An expired lease that nobody took still fences: its holder alone moves the checkpoint.
pub async fn a_step_of_an_expired_lease_is_taken(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", OVER).await;
    store.commit_projection(fenced(&fence, 0, 1)).await.expect("nobody else took the lease");
}

/// Who lost its lease moves no checkpoint, and learns who has it.
pub async fn a_step_of_a_lost_lease_is_refused(subject: Subject) {
    let store = subject.store();
    let first = granted(&store, "jobs", "a", OVER).await;
    let second = granted(&store, "jobs", "b", OVER).await;
    match store.commit_projection(fenced(&first, 0, 1)).await {
        Err(CommitError::LeaseLost { projection, lease, held_by }) => {
            assert_eq!((projection, &*lease), (id("parts/1"), "jobs"));
            assert_eq!(held_by.as_deref(), Some("b"));
        }
        outcome => panic!("the lease is lost: {outcome:?}"),
    }
    is_untouched(&store).await;
    store.commit_projection(fenced(&second, 0, 1)).await.expect("the other one has the lease");
}

/// Who gave its lease back moves no checkpoint, even if nobody took it since.
pub async fn a_step_of_a_released_lease_is_refused(subject: Subject) {
    let store = subject.store();
    let fence = granted(&store, "jobs", "a", HOUR).await;
    release(&store, &fence).await;
    let outcome = store.commit_projection(fenced(&fence, 0, 1)).await;
    assert!(matches!(outcome, Err(CommitError::LeaseLost { held_by: None, .. })), "{outcome:?}");
    granted(&store, "jobs", "a", HOUR).await;
    let outcome = store.commit_projection(fenced(&fence, 0, 1)).await;
    assert!(matches!(outcome, Err(CommitError::LeaseLost { .. })), "{outcome:?}");
    is_untouched(&store).await;
}

/// A fence of a lease that never was is not passed.
pub async fn a_step_of_an_invented_lease_is_refused(subject: Subject) {
    let store = subject.store();
    let held = granted(&store, "jobs", "a", HOUR).await;
    for (lease, token) in [("other", 1), ("other", 0), ("jobs", held.token + 1)] {
        let fence = Fence { lease: lease.into(), token };
        let outcome = store.commit_projection(fenced(&fence, 0, 1)).await;
        assert!(matches!(outcome, Err(CommitError::LeaseLost { .. })), "{outcome:?}");
    }
    is_untouched(&store).await;
}

/// Once a lease was taken over, no step of the one before is taken, however they race.
pub async fn no_step_follows_a_takeover(subject: Subject) {
    for round in 0..8 {
        let part = id(&format!("parts/{round}"));
        let lease = format!("jobs/{round}");
        let first = granted(&subject.store(), &lease, "a", OVER).await;
        let (store, taker) = (subject.store(), subject.store());
        let projection = part.clone();
        let steps = async move {
            for at in 0.. {
                let projection = projection.clone();
                let step = ProjectionCommit { projection, ..fenced(&first, at, at + 1) };
                if store.commit_projection(step).await.is_err() {
                    return at;
                }
                tokio::task::yield_now().await;
            }
            u64::MAX
        };
        let takeover = async move {
            let checkpoint = async || taker.checkpoint(&part).await.expect("it is readable").get();
            while checkpoint().await < 3 {
                tokio::task::yield_now().await;
            }
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            granted(&taker, &lease, "b", HOUR).await;
            checkpoint().await
        };
        let racing = async { tokio::join!(tokio::spawn(steps), tokio::spawn(takeover)) };
        let (last, seen) = patiently("a takeover", racing).await;
        let (last, seen) = (last.expect("no panic"), seen.expect("no panic"));
        assert_eq!(last, seen, "a step followed the takeover");
    }
}

/// Parts of a projection have checkpoints of their own and write into one read model.
pub async fn parts_write_into_one_read_model(subject: Subject) {
    let store = subject.store();
    let whole = id("parts");
    for (part, key, body) in [("parts/1", "a", b"[1]"), ("parts/2", "b", b"[2]")] {
        let step = ProjectionCommit::new(id(part), Position::ZERO, Position::new(4));
        let changes = vec![put(key, body)];
        let step = ProjectionCommit { changes, read_model: Some(whole.clone()), ..step };
        store.commit_projection(step).await.expect("the step is taken");
    }
    let page = store.document_page(&whole, None, 10).await.expect("documents are readable");
    let bodies: Vec<&[u8]> = page.iter().map(|document| &document.body[..]).collect();
    assert_eq!(bodies, [b"[1]", b"[2]"]);
    for (name, at) in [("parts", 0), ("parts/1", 4), ("parts/2", 4)] {
        let checkpoint = store.checkpoint(&id(name)).await.expect("a checkpoint is readable");
        assert_eq!(checkpoint, Position::new(at), "{name}");
    }
    let own = store.documents(&id("parts/1"), &["a".into()]).await;
    assert_eq!(own.expect("documents are readable"), [None]);
    store.drop_projection(&id("parts/1")).await.expect("parts can be dropped");
    let page = store.document_page(&whole, None, 10).await.expect("documents are readable");
    assert_eq!(page.len(), 2, "a part takes nothing with it");
}
