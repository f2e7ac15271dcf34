//! Many commands on one aggregate at once.

use futures::{FutureExt as _, future::join_all};
use lucent_core::{
    prelude::*,
    store::{EventStore as _, SnapshotKey, SnapshotStore as _, StoreError, VersionConflict},
};

use super::{
    domain::{CURSED, Refusal, Till, TillEvent, add, app, append_elsewhere, open, take, till},
    store_with_faults::{Fault, Faults, StoreWithFaults},
};

type Outcome<R, E> = Result<Done<R>, CommandError<E>>;

/// An application with an open till, whose store others use, too.
async fn opened()
-> (App<super::domain::commands_only::Registry>, MemoryStore, std::sync::Arc<Faults>) {
    let memory = MemoryStore::new();
    let (store, faults) = StoreWithFaults::over(memory.clone());
    let app = app(store).await;
    app.execute(open("a")).await.unwrap();
    (app, memory, faults)
}

/// Polls a command once: it is decided, and its append is under way or waits for another one.
fn begun<C, R, E>(command: C) -> C::IntoFuture
where
    C: IntoFuture<Output = Outcome<R, E>, IntoFuture: Unpin>,
{
    let mut command = command.into_future();
    assert!((&mut command).now_or_never().is_none(), "reported before it was confirmed");
    command
}

#[tokio::test]
async fn many_commands_on_one_aggregate_are_decided_in_turn() {
    let app = app(MemoryStore::new()).await;
    app.execute(open("a")).await.unwrap();
    let commands = (0..100).map(|_| app.execute(add("a", &[1])).into_future());
    let mut sums: Vec<_> = futures::future::join_all(commands)
        .await
        .into_iter()
        .map(|done| done.unwrap().reply)
        .collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn commands_that_come_during_an_append_share_the_next_one() {
    let (app, _, faults) = opened().await;
    let before = faults.appends();
    faults.set(Fault::Hold);
    let commands: Vec<_> = (0..16).map(|_| begun(app.execute(add("a", &[1])))).collect();
    faults.set(Fault::None);
    let done = join_all(commands).await;
    let done: Vec<_> = done.into_iter().map(|done| done.unwrap()).collect();
    assert_eq!(faults.appends() - before, 2);
    let replies: Vec<_> = done.iter().map(|done| done.reply).collect();
    assert_eq!(replies, (1..=16).collect::<Vec<_>>(), "decided in the order in which they came");
    let versions: Vec<_> = done.iter().map(|done| done.version.get()).collect();
    assert_eq!(versions, (2..=17).collect::<Vec<_>>());
    assert!(done.iter().all(|done| done.events == 1 && !done.repeated));
    assert_eq!(app.load::<Till>(&till("a")).await.unwrap().state.sum, 16);
}

#[tokio::test]
async fn commands_that_were_decided_on_an_append_that_lost_are_decided_again() {
    let (app, memory, faults) = opened().await;
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])));
    let second = begun(app.execute(add("a", &[1])));
    // The stream is now as long as the second command believes, but of another event.
    append_elsewhere(&memory, "a", &[TillEvent::CoinAdded { value: 100 }]).await;
    faults.set(Fault::None);
    let (first, second) = futures::join!(first, second);
    let mut sums = [first.unwrap().reply, second.unwrap().reply];
    sums.sort_unstable();
    assert_eq!(sums, [101, 102]);
    assert_eq!(app.load::<Till>(&till("a")).await.unwrap().state.sum, 102);
}

#[tokio::test]
async fn a_refusal_is_reported_only_when_the_state_that_it_rests_on_is_confirmed() {
    let (app, memory, faults) = opened().await;
    app.execute(add("a", &[5])).await.unwrap();
    faults.set(Fault::Hold);
    let taken = begun(app.execute(take("a", 5)));
    // On the unconfirmed state there is nothing left.
    let refused = begun(app.execute(take("a", 1)));
    faults.set(Fault::None);
    let (taken, refused) = futures::join!(taken, refused);
    assert_eq!(taken.unwrap().events, 1);
    assert_eq!(refused.unwrap_err().refusal(), Some(Refusal::TooLittle { sum: 0 }));

    faults.set(Fault::Hold);
    let added = begun(app.execute(add("a", &[1])));
    let accepted = begun(app.execute(take("a", 7)));
    append_elsewhere(&memory, "a", &[TillEvent::CoinAdded { value: 7 }]).await;
    faults.set(Fault::None);
    let (added, accepted) = futures::join!(added, accepted);
    assert_eq!((added.unwrap().events, accepted.unwrap().events), (1, 1), "decided anew");
}

#[tokio::test]
async fn a_failing_store_fails_the_commands_of_the_append_and_not_those_after_it() {
    let (app, _, faults) = opened().await;
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])));
    let second = begun(app.execute(add("a", &[10])));
    faults.set(Fault::Busy);
    assert!(matches!(first.await, Err(CommandError::Busy(_))));
    faults.set(Fault::None);
    assert_eq!(second.await.unwrap().reply, 10, "what the first one decided did not come about");
}

#[tokio::test]
async fn a_command_that_the_store_refuses_spoils_none_that_shares_its_append() {
    let (app, _, faults) = opened().await;
    faults.set(Fault::Hold);
    let coins = [1, 2, 13, 4];
    let commands = coins.map(|coin| begun(app.execute(add("a", &[coin]))));
    faults.set(Fault::Superstition);
    let done = join_all(commands).await;
    assert!(matches!(done[2], Err(CommandError::Invalid { .. })), "{:?}", done[2]);
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3);
    assert_eq!(app.load::<Till>(&till("a")).await.unwrap().state.sum, 7);
}

#[tokio::test]
async fn an_append_that_may_have_happened_is_not_made_again() {
    let (app, memory, faults) = opened().await;
    faults.set(Fault::Hold);
    let commands: Vec<_> = (0..3).map(|_| begun(app.execute(add("a", &[1])))).collect();
    let before = memory.head().await.unwrap();
    faults.set(Fault::Unknown);
    let done = join_all(commands).await;
    let unknown = done
        .iter()
        .filter(|done| matches!(done, Err(CommandError::Store(StoreError::OutcomeUnknown { .. }))));
    assert_eq!(unknown.count(), 3);
    assert_eq!(memory.head().await.unwrap().get() - before.get(), 3, "each coin is there once");
    faults.set(Fault::None);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 4);
}

#[tokio::test]
async fn a_caller_that_is_gone_takes_nobody_with_it() {
    let (app, _, faults) = opened().await;
    faults.set(Fault::Hold);
    let mut commands: Vec<_> = (0..5).map(|_| begun(app.execute(add("a", &[1])))).collect();
    // The first one's append is under way, the others share the next one.
    drop(commands.remove(0));
    drop(commands.remove(0));
    faults.set(Fault::None);
    let done = join_all(commands).await;
    let replies: Vec<_> = done.into_iter().map(|done| done.unwrap().reply).collect();
    assert_eq!(replies, [3, 4, 5]);
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_leaves_no_state_behind() {
    let (app, _, faults) = opened().await;
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])));
    let second = begun(app.execute(add("a", &[1])));
    drop((second, first));
    faults.set(Fault::None);
    assert_eq!(app.execute(add("a", &[1])).await.unwrap().reply, 1);
    // Here the first append goes on, and only what was decided on it is gone.
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])));
    let second = begun(app.execute(add("a", &[1])));
    drop(second);
    let third = begun(app.execute(add("a", &[1])));
    faults.set(Fault::None);
    let (first, third) = futures::join!(first, third);
    assert_eq!((first.unwrap().reply, third.unwrap().reply), (2, 3));
}

#[tokio::test]
async fn a_panic_on_a_state_to_come_spoils_no_other_command() {
    let (app, _, faults) = opened().await;
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])));
    let second = begun(app.execute(add("a", &[1])));
    let panicking = std::panic::AssertUnwindSafe(app.execute(add("a", &[CURSED])).into_future());
    assert!(panicking.catch_unwind().await.is_err());
    let third = begun(app.execute(add("a", &[1])));
    faults.set(Fault::None);
    let (first, second, third) = futures::join!(first, second, third);
    let replies = [first, second, third].map(|done| done.unwrap().reply);
    assert_eq!(replies, [1, 2, 3]);
}

#[tokio::test]
async fn creating_twice_at_once_creates_once() {
    let (store, faults) = StoreWithFaults::new();
    let app = app(store).await;
    faults.set(Fault::Hold);
    let first = begun(app.execute(open("a")));
    let second = begun(app.execute(open("a")));
    let added = begun(app.execute(add("a", &[1])));
    faults.set(Fault::None);
    let (first, second, added) = futures::join!(first, second, added);
    assert_eq!((first.unwrap().events, added.unwrap().reply), (1, 1));
    assert!(matches!(
        second.unwrap_err(),
        CommandError::Conflict(VersionConflict::StreamExists { .. })
    ));
}

#[tokio::test]
async fn command_ids_repeat_also_when_the_first_one_is_under_way() {
    let (app, _, faults) = opened().await;
    let id = CommandId::new();
    faults.set(Fault::Hold);
    let commands: Vec<_> = (0..3).map(|_| begun(app.execute(add("a", &[5])).id(id))).collect();
    let other = begun(app.execute(add("a", &[1])));
    faults.set(Fault::None);
    let (done, other) = futures::join!(join_all(commands), other);
    let done: Vec<_> = done.into_iter().map(|done| done.unwrap()).collect();
    assert_eq!(done.iter().filter(|done| !done.repeated).count(), 1);
    assert!(done.iter().all(|done| (done.reply, done.version) == (5, Version::new(2))));
    assert_eq!(other.unwrap().reply, 6);
}

#[tokio::test]
async fn commands_with_ids_share_an_append_and_each_keeps_its_outcome() {
    let (app, memory, faults) = opened().await;
    let before = faults.appends();
    let ids: Vec<_> = (0..16).map(|_| CommandId::new()).collect();
    faults.set(Fault::Hold);
    let commands: Vec<_> =
        ids.iter().map(|id| begun(app.execute(add("a", &[1])).id(*id))).collect();
    let without = begun(app.execute(add("a", &[1])));
    faults.set(Fault::None);
    let (done, without) = futures::join!(join_all(commands), without);
    assert_eq!(without.unwrap().reply, 17);
    assert_eq!(faults.appends() - before, 2);
    for (number, (id, done)) in (1..).zip(ids.iter().zip(done)) {
        let done = done.unwrap();
        assert_eq!(
            (done.reply, done.version, done.repeated),
            (number, Version::new(number + 1), false)
        );
        let again = app.execute(add("a", &[1])).id(*id).await.unwrap();
        assert_eq!((again.reply, again.version), (done.reply, done.version));
        assert_eq!((again.position, again.repeated), (done.position, true));
    }
    assert_eq!(memory.head().await.unwrap(), Position::new(18));
}

#[tokio::test]
async fn a_repetition_among_commands_that_share_an_append_spoils_none_of_them() {
    let (app, memory, faults) = opened().await;
    let known = CommandId::new();
    app.execute(add("a", &[7])).id(known).await.unwrap();
    let before = faults.appends();
    faults.set(Fault::Hold);
    let first = begun(app.execute(add("a", &[1])).id(CommandId::new()));
    faults.set(Fault::ForgetCommandOnce);
    let repeated = begun(app.execute(add("a", &[7])).id(known));
    faults.set(Fault::Hold);
    let last = begun(app.execute(add("a", &[1])).id(CommandId::new()));
    faults.set(Fault::None);
    let (first, repeated, last) = futures::join!(first, repeated, last);
    assert_eq!((first.unwrap().reply, last.unwrap().reply), (8, 9));
    let repeated = repeated.unwrap();
    assert_eq!((repeated.reply, repeated.repeated), (7, true));
    assert_eq!(faults.appends() - before, 4, "together, and then one by one");
    assert_eq!(memory.head().await.unwrap(), Position::new(4));
}

#[tokio::test]
async fn a_snapshot_is_taken_of_a_confirmed_state_only() {
    let (app, memory, faults) = opened().await;
    faults.set(Fault::Hold);
    let commands: Vec<_> = (0..8).map(|_| begun(app.execute(add("a", &[1])))).collect();
    let key = SnapshotKey { stream: till("a").stream_id().unwrap(), aggregate: "Till" };
    assert!(memory.load_snapshot(&key).await.unwrap().is_none());
    faults.set(Fault::None);
    drop(join_all(commands).await);
    let snapshot = memory.load_snapshot(&key).await.unwrap().unwrap();
    let state: Till = snapshot.payload.to_json().unwrap();
    assert_eq!((snapshot.version, state.sum), (Version::new(9), 8));
}
