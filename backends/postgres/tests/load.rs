//! Writers that never stop, a subscriber that follows them, and a log of what each was told.
//!
//! Invariant: what a writer was told about an append is compared with what is stored: what was
//! acknowledged is there once, what was refused is not there, and of what is unknown there is at most
//! one.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lucent_core::{
    EventId, Position, Subscription, Version,
    store::{AppendError, EventFilter, EventStore as _, ExpectedVersion, StoreError},
};
use lucent_postgres::PostgresStore;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    events::{append, stream},
    server::with_causes,
};

/// Writers and a subscriber at work.
pub(crate) struct Load {
    store: PostgresStore,
    stop: Arc<AtomicBool>,
    counts: watch::Sender<Counts>,
    writers: Vec<JoinHandle<Told>>,
    follower: JoinHandle<Vec<EventId>>,
}

/// How many appends were acknowledged so far, and how many were not.
#[derive(Clone, Copy, Default)]
struct Counts {
    acknowledged: usize,
    failed: usize,
    /// How many writers do not know whether their last append was written.
    in_doubt: usize,
}

/// What one writer was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: HashSet<EventId>,
    pub(crate) refused: HashSet<EventId>,
    pub(crate) unknown: HashSet<EventId>,
}

impl Load {
    /// Starts writers, each with a stream of its own, and a subscriber.
    pub(crate) fn start(store: &PostgresStore, writers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let counts = watch::Sender::new(Counts::default());
        let writers = (0..writers).map(|number| {
            tokio::spawn(write(store.clone(), number, Arc::clone(&stop), counts.clone()))
        });
        let writers = writers.collect();
        let follower = tokio::spawn(follow(store.clone()));
        Self { store: store.clone(), stop, counts, writers, follower }
    }

    /// Waits until this many further appends were acknowledged.
    pub(crate) async fn acknowledges(&self, more: usize) {
        let wanted = self.counts.borrow().acknowledged + more;
        self.until(|counts| counts.acknowledged >= wanted).await;
    }

    /// Waits until this many further appends were not acknowledged.
    pub(crate) async fn fails(&self, more: usize) {
        let wanted = self.counts.borrow().failed + more;
        self.until(|counts| counts.failed >= wanted).await;
    }

    /// Waits until a writer does not know whether its append was written; says whether that is so, or
    /// appends are refused instead.
    pub(crate) async fn is_left_in_doubt(&self) -> bool {
        let refused = self.counts.borrow().failed + 2 * self.writers.len();
        self.until(|counts| counts.in_doubt > 0 || counts.failed >= refused).await;
        self.counts.borrow().in_doubt > 0
    }

    async fn until(&self, holds: impl Fn(&Counts) -> bool) {
        let mut counts = self.counts.subscribe();
        counts.wait_for(holds).await.expect("the load holds the sender");
    }

    /// Stops the writers, and compares what they were told with what is stored and with what the
    /// subscriber saw.
    pub(crate) async fn check(self) -> Told {
        self.check_beside(HashSet::new()).await
    }

    /// The same, where somebody else was told that these are written.
    pub(crate) async fn check_beside(self, others: HashSet<EventId>) -> Told {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Told { acknowledged: others, ..Told::default() };
        for writer in self.writers {
            let one = writer.await.expect("no writer panics");
            told.acknowledged.extend(one.acknowledged);
            told.refused.extend(one.refused);
            told.unknown.extend(one.unknown);
        }
        // The subscriber stops at this mark, which comes after everything else.
        self.store.append(append(END, ExpectedVersion::NoStream)).await.expect("all is well again");
        let followed = self.follower.await.expect("the subscriber does not panic");
        let stored = check_log(&self.store).await;
        assert_eq!(followed, stored, "the subscriber saw something else than what is stored");
        let stored: HashSet<_> = stored.into_iter().collect();
        assert_eq!(
            told.acknowledged.difference(&stored).count(),
            0,
            "an acknowledged event is lost"
        );
        assert_eq!(told.refused.intersection(&stored).count(), 0, "a refused event is stored");
        let explained = told.acknowledged.len() + told.unknown.intersection(&stored).count();
        assert_eq!(stored.len(), explained, "there is an event that nobody was told of");
        told
    }
}

async fn write(
    store: PostgresStore,
    number: usize,
    stop: Arc<AtomicBool>,
    counts: watch::Sender<Counts>,
) -> Told {
    let mut told = Told::default();
    let name = format!("load-{number}");
    let mut version = Some(Version::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let Some(expected) = version else {
            // What is unknown is looked for, as an application would do it.
            version = store.stream_version(&stream(&name)).await.ok();
            counts.send_modify(|counts| counts.in_doubt -= usize::from(version.is_some()));
            continue;
        };
        let append = append(&name, ExpectedVersion::Exact(expected));
        let id = append.writes[0].events[0].id;
        match store.append(append).await {
            Ok(appended) => {
                assert_eq!(appended.versions, [expected.next()]);
                version = Some(expected.next());
                told.acknowledged.insert(id);
                counts.send_modify(|counts| counts.acknowledged += 1);
                continue;
            }
            Err(error) if error.is_outcome_unknown() => {
                version = None;
                told.unknown.insert(id);
                counts.send_modify(|counts| counts.in_doubt += 1);
            }
            Err(error) => {
                assert_helpful(&error);
                told.refused.insert(id);
            }
        }
        counts.send_modify(|counts| counts.failed += 1);
    }
    told
}

/// Whether an error says what its cause is and what to do about it.
pub(crate) fn assert_helpful(error: &AppendError) {
    let text = with_causes(error);
    let remedies = ["try again later", "see that", "make room", "connect to the primary"];
    assert!(
        matches!(
            error,
            AppendError::Store(
                StoreError::Busy { .. }
                    | StoreError::Full { .. }
                    | StoreError::Inaccessible { .. }
                    | StoreError::Backend { transient: true, .. }
            )
        ) && remedies.iter().any(|remedy| text.contains(remedy)),
        "{text}: {error:?}"
    );
}

/// Follows the log to the mark at its end, whatever happens in between.
async fn follow(store: PostgresStore) -> Vec<EventId> {
    let mut subscription = Subscription::new(Arc::new(store), EventFilter::all(), Position::ZERO);
    let mut seen = Vec::new();
    loop {
        match subscription.next().await {
            Ok(event) if event.stream.as_str() == END => return seen,
            Ok(event) => seen.push(event.id),
            Err(error) => assert!(error.is_transient(), "{}", with_causes(&error)),
        }
    }
}

/// The events before the mark, once positions and versions were found to be consecutive.
async fn check_log(store: &PostgresStore) -> Vec<EventId> {
    let whole = Arc::new(store.clone());
    let mut log = Subscription::new(whole, EventFilter::all(), Position::ZERO);
    let mut versions = HashMap::new();
    let mut ids = Vec::new();
    while let Some(event) = log.try_next().await.expect("all is well again") {
        assert_eq!(event.position.get(), ids.len() as u64 + 1);
        let version = versions.entry(event.stream.clone()).or_insert(Version::ZERO);
        *version = version.next();
        assert_eq!(event.version, *version);
        ids.push(event.id);
    }
    ids.pop().expect("the mark is there");
    let distinct: HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "an event is stored twice");
    ids
}

const END: &str = "end-1";
