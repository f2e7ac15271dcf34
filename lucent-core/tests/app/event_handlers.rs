//! Event handlers: at least once, in order, with a durable checkpoint.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use lucent_core::prelude::*;
use tokio::sync::mpsc;

use super::domain::{TillEvent, add, open};

/// Where the handler sends what it sees.
struct Outbox(mpsc::UnboundedSender<u64>);

/// How often the handler is to fail yet.
#[derive(Default)]
struct Failures(AtomicUsize);

#[event_handler(name = "coin-mailer")]
async fn mail_coins(
    event: &TillEvent,
    at: &RecordedEvent,
    outbox: &Resource<Outbox>,
    failures: &Resource<Failures>,
) -> Result<(), String> {
    if let TillEvent::CoinAdded { value } = event {
        let failing =
            failures.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() {
            return Err(format!("no mail at {}", at.position));
        }
        outbox.0.send(*value).map_err(|error| error.to_string())?;
    }
    Ok(())
}

lucent_core::registry! {
    functions: [mail_coins, super::domain::open_till, super::domain::add_coins]
}

async fn start(
    store: MemoryStore,
    failures: usize,
) -> (App<Registry>, mpsc::UnboundedReceiver<u64>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let app = App::new(registry())
        .store(store)
        .resource(Outbox(sender))
        .resource(Failures(failures.into()))
        .start()
        .await
        .unwrap();
    (app, receiver)
}

#[tokio::test]
async fn a_handler_sees_events_in_order_and_is_tried_again_when_it_fails() {
    let (app, mut mails) = start(MemoryStore::new(), 2).await;
    app.execute(open("a")).await.unwrap();
    app.execute(add("a", &[1, 2])).await.unwrap();
    app.execute(add("a", &[3])).await.unwrap();
    let seen = [mails.recv().await, mails.recv().await, mails.recv().await];
    assert_eq!(seen, [Some(1), Some(2), Some(3)]);
}

#[tokio::test]
async fn a_handler_goes_on_after_a_restart_where_it_stopped() {
    let store = MemoryStore::new();
    let (app, mut mails) = start(store.clone(), 0).await;
    app.execute(open("a")).await.unwrap();
    app.execute(add("a", &[1, 2])).await.unwrap();
    assert_eq!((mails.recv().await, mails.recv().await), (Some(1), Some(2)));
    app.shutdown().await;
    app.execute(add("a", &[3, 4])).await.unwrap();
    let (_again, mut mails) = start(store, 0).await;
    let mut seen = vec![mails.recv().await.unwrap()];
    while *seen.last().unwrap() != 4 {
        seen.push(mails.recv().await.unwrap());
    }
    // The last event before the restart may come twice: at least once, never skipped.
    seen.retain(|&value| value > 2);
    assert_eq!(seen, [3, 4]);
}

mod panicking {
    use super::*;

    static SEEN: Mutex<Vec<u64>> = Mutex::new(Vec::new());

    #[event_handler(name = "nervous")]
    pub async fn nervous(event: &TillEvent, done: &Resource<mpsc::UnboundedSender<Vec<u64>>>) {
        let TillEvent::CoinAdded { value } = event else { return };
        let mut seen = SEEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.push(*value);
        assert!(seen.len() > 1, "the first time is frightening");
        done.send(seen.clone()).unwrap();
    }

    lucent_core::registry! {
        functions: [nervous, super::super::domain::open_till, super::super::domain::add_coins]
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_tried_again() {
    let (sender, mut done) = mpsc::unbounded_channel::<Vec<u64>>();
    let app = App::new(panicking::registry())
        .store(MemoryStore::new())
        .resource(sender)
        .start()
        .await
        .unwrap();
    app.execute(open("a")).await.unwrap();
    app.execute(add("a", &[9])).await.unwrap();
    assert_eq!(done.recv().await.unwrap(), [9, 9]);
}
