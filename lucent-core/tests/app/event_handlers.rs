//! Event handlers: at least once, in order, with a durable checkpoint.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use lucent_core::{HandlerControlError, StartFrom, prelude::*};
use tokio::sync::mpsc;

use super::domain::{TillEvent, add, open};

/// Where the handler sends what it sees.
struct Outbox(mpsc::UnboundedSender<u64>);

/// How often the handler is to fail yet.
#[derive(Default)]
struct Failures(Arc<AtomicUsize>);

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
        .resource(Failures(Arc::new(failures.into())))
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

mod choosy {
    use super::*;

    #[event_handler(name = "choosy")]
    pub async fn choosy(
        event: &TillEvent,
        at: &RecordedEvent,
        outbox: &Resource<Outbox>,
        failures: &Resource<Failures>,
    ) -> Result<(), String> {
        let TillEvent::CoinAdded { value } = event else { return Ok(()) };
        if *value >= 500 && failures.0.load(Ordering::SeqCst) > 0 {
            return Err(format!("{value} is too much at {}", at.stream));
        }
        outbox.0.send(*value).map_err(|error| error.to_string())
    }

    lucent_core::registry! {
        functions: [choosy, super::super::domain::open_till, super::super::domain::add_coins]
    }

    pub struct Choosy {
        pub app: App<Registry>,
        pub seen: mpsc::UnboundedReceiver<u64>,
        pub failing: Arc<AtomicUsize>,
    }

    /// Whether large coins fail is up to the test.
    pub async fn start(store: MemoryStore, from: StartFrom) -> Choosy {
        let (sender, seen) = mpsc::unbounded_channel();
        let failing = Arc::new(AtomicUsize::new(1));
        let pause = std::time::Duration::from_millis(1);
        let app = App::new(registry())
            .store(store)
            .resource(Outbox(sender))
            .resource(Failures(Arc::clone(&failing)))
            .handler_parking(ParkingPolicy { tries: 2, pause, ..ParkingPolicy::default() })
            .start_handler("choosy", from)
            .start()
            .await
            .unwrap();
        Choosy { app, seen, failing }
    }
}

#[tokio::test]
async fn a_handler_parks_by_stream_if_told_to_and_takes_the_stream_up_in_order() {
    let mut choosy = choosy::start(MemoryStore::new(), StartFrom::Beginning).await;
    let app = &choosy.app;
    for till in ["a", "b"] {
        app.execute(open(till)).await.unwrap();
    }
    app.execute(add("a", &[1, 500, 2])).await.unwrap();
    app.execute(add("b", &[3])).await.unwrap();
    assert_eq!((choosy.seen.recv().await, choosy.seen.recv().await), (Some(1), Some(3)));
    let handler = app.event_handler("choosy").unwrap();
    while handler.status().await.unwrap().lag > 0 {
        tokio::task::yield_now().await;
    }
    let lines = handler.parked().await.unwrap();
    assert_eq!((lines.len(), lines[0].events), (1, 2));
    assert_eq!(lines[0].first.reason.as_deref(), Some("500 is too much at till-a"));
    assert_eq!(app.event_handlers()[0].parked_streams, 1);
    let stream = lines[0].first.stream.clone();
    let again = handler.retry(&stream).await.unwrap();
    assert_eq!((again.handled, again.failed.is_some()), (0, true));
    choosy.failing.store(0, Ordering::SeqCst);
    assert_eq!(handler.retry(&stream).await.unwrap().handled, 2);
    app.execute(add("a", &[4])).await.unwrap();
    let seen = [choosy.seen.recv().await, choosy.seen.recv().await, choosy.seen.recv().await];
    assert_eq!(seen, [Some(500), Some(2), Some(4)]);
    let error = handler.retry(&stream).await.unwrap_err();
    assert!(matches!(error, HandlerControlError::NotParked { .. }), "{error}");
    assert!(app.event_handler("nobody").is_err());
}

#[tokio::test]
async fn a_parked_event_of_a_handler_can_be_dropped() {
    let mut choosy = choosy::start(MemoryStore::new(), StartFrom::Beginning).await;
    let app = &choosy.app;
    app.execute(open("a")).await.unwrap();
    app.execute(add("a", &[500, 2])).await.unwrap();
    let handler = app.event_handler("choosy").unwrap();
    while handler.status().await.unwrap().lag > 0 {
        tokio::task::yield_now().await;
    }
    let stream = StreamId::new("till-a").unwrap();
    let (dropped, rest) = handler.drop_parked(&stream).await.unwrap();
    assert_eq!((dropped.position, rest.handled), (Position::new(2), 1));
    assert_eq!(choosy.seen.recv().await, Some(2));
    assert!(handler.parked().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_handler_begins_where_it_is_told_to_and_only_the_first_time() {
    let store = MemoryStore::new();
    let before = super::domain::app(store.clone()).await;
    before.execute(open("a")).await.unwrap();
    before.execute(add("a", &[1])).await.unwrap();
    let mut first = choosy::start(store.clone(), StartFrom::Now).await;
    before.execute(add("a", &[2])).await.unwrap();
    assert_eq!(first.seen.recv().await, Some(2));
    first.app.shutdown().await;
    before.execute(add("a", &[3])).await.unwrap();
    let mut second = choosy::start(store, StartFrom::Now).await;
    let mut seen = second.seen.recv().await;
    if seen == Some(2) {
        // The last event before a restart may come twice.
        seen = second.seen.recv().await;
    }
    assert_eq!(seen, Some(3));
}

#[tokio::test]
async fn events_of_others_move_the_checkpoint_of_a_handler() {
    let store = MemoryStore::new();
    let first = choosy::start(store.clone(), StartFrom::Beginning).await;
    for number in 0..20 {
        super::notes::note(&store, &format!("s-{number}"), "not for it", &[]).await;
    }
    while first.app.event_handlers()[0].position < Position::new(20) {
        tokio::task::yield_now().await;
    }
    first.app.shutdown().await;
    assert!(first.app.event_handlers()[0].stopped);
    let id = lucent_core::store::ProjectionId::new("handler:choosy", 1);
    let checkpoint = lucent_core::store::ReadModelStore::checkpoint(&store, &id).await.unwrap();
    assert_eq!(checkpoint, Position::new(20));
}
