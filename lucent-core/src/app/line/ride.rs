//! Brings groups to the store, one after another.
//!
//! A group's way is a future that all of its commands share: whoever is polled drives it, so none
//! depends on another's caller. Invariant: a group whose last caller is gone is discarded, and with
//! it what was decided on top of it.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};

use crate::{
    aggregate::Aggregate,
    app::{
        Engine, Loaded,
        line::waiting::{Departure, Entry, GroupId, Waiting},
        load::due_snapshot,
    },
    event::NewEvent,
    position::{Position, Version},
    state::Evolve,
    store::{
        Append, AppendError, Appended, ExpectedVersion, JoinedCommand, Snapshot, SnapshotKey,
        StoreError, VersionConflict,
    },
    stream::StreamId,
};

/// The place of one aggregate: its newest state, and the commands that wait for the store.
pub(crate) struct Slot<A> {
    stream: StreamId,
    waiting: Mutex<Waiting<A, NewEvent>>,
    /// Held by who decides, so commands are decided in turn.
    rides: tokio::sync::Mutex<VecDeque<(GroupId, WeakShared<Way>)>>,
}

/// A command's share in the way of its group.
pub(crate) enum Ride {
    /// It was there at once: nobody has to wait, and nobody else can have come aboard.
    Arrived(Arrival),
    /// Every command of the group holds a clone.
    Shared(Shared<Way>),
}

pub(crate) type Way = BoxFuture<'static, Arrival>;

/// What came of a group.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    /// Every command of it had its effect, up to this position; it may be time for a snapshot.
    Confirmed { position: Position, snapshot: DueSnapshot },
    /// Its command id was known; nothing was written.
    Repeated(Appended),
    /// Another writer was faster; nothing was written.
    Stale(AppendError),
    /// The store refused it, and any of its commands may be to blame; nothing was written.
    Crowded,
    /// The store refused it; nothing was written.
    Failed(AppendError),
    /// What it was decided on did not come about; nothing was sent.
    Discarded,
}

/// A snapshot that whoever comes first saves.
#[derive(Clone, Debug, Default)]
pub(crate) struct DueSnapshot(Option<Arc<Mutex<Option<Snapshot>>>>);

/// The right to decide on the newest state.
pub(crate) struct Turn<'a, A> {
    slot: &'a Arc<Slot<A>>,
    rides: tokio::sync::MutexGuard<'a, VecDeque<(GroupId, WeakShared<Way>)>>,
    /// The newest group that somebody waits for.
    last: Option<(GroupId, Shared<Way>)>,
    era: u64,
}

impl<A: Aggregate> Slot<A> {
    pub(crate) fn new(stream: StreamId) -> Self {
        Self { stream, waiting: Mutex::new(Waiting::new()), rides: tokio::sync::Mutex::default() }
    }

    pub(crate) fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Waits for the right to decide. Cancel safe.
    pub(crate) async fn turn(self: &Arc<Self>) -> Turn<'_, A> {
        let mut rides = match self.rides.try_lock() {
            Ok(rides) => rides,
            Err(_) => self.rides.lock().await,
        };
        let mut last = None;
        while let Some((id, ride)) = rides.back() {
            last = ride.upgrade().map(|ride| (*id, ride));
            if last.is_some() {
                break;
            }
            // Its callers are gone: nobody would bring it to the store.
            self.waiting().discard(*id);
            rides.pop_back();
        }
        if last.as_ref().is_some_and(|(_, ride)| ride.peek().is_some()) {
            last = None;
            rides.clear();
        }
        Turn { slot: self, rides, last, era: 0 }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<A, NewEvent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate + Evolve> Turn<'_, A> {
    /// Takes the newest state out, if there is one; says whether it is confirmed.
    ///
    /// A turn that ends without [`Self::put_back`] or [`Self::join`] loses the state, so that a
    /// panic while it is changed leaves nothing half done.
    pub(crate) fn take(&mut self) -> (Option<Loaded<A>>, bool) {
        let taken = self.slot.waiting().take();
        self.era = taken.era;
        (taken.loaded, taken.is_settled)
    }

    /// Waits until no append is under way whose outcome a state that is loaded now would miss.
    pub(crate) async fn quiet(&self) {
        if let Some((_, ride)) = &self.last {
            // Whatever came of it, the store knows.
            arrived(ride.clone()).await;
        }
    }

    /// Puts the state back as it was, or as it was loaded.
    pub(crate) fn put_back(self, loaded: Loaded<A>) {
        self.slot.waiting().put_back(self.era, loaded);
    }

    /// Puts a decision in line; `loaded` is the state after it, `base` the version before it.
    /// Nothing if the state has turned out to be wrong meanwhile.
    pub(crate) fn join(
        mut self,
        engine: &Arc<Engine>,
        base: Version,
        loaded: Loaded<A>,
        entry: Entry<NewEvent>,
    ) -> Option<Ride> {
        let (id, is_busy) = {
            let mut waiting = self.slot.waiting();
            (waiting.join(self.era, base, loaded, entry)?, waiting.is_busy())
        };
        let before = match self.last.take() {
            Some((last, ride)) if last == id => return Some(Ride::Shared(ride)),
            before => before.map(|(_, ride)| ride),
        };
        let journey = Journey {
            engine: Arc::clone(engine),
            slot: Arc::clone(self.slot),
            id,
            is_confirmed: false,
        };
        let is_first = before.is_none() && !is_busy;
        let mut way = journey.travel(before, is_busy).boxed();
        if is_first
            // Who gets the ride polls it again, with a waker.
            && let Some(arrival) = way.as_mut().now_or_never()
        {
            return Some(Ride::Arrived(arrival));
        }
        let ride = way.shared();
        while self.rides.front().is_some_and(|(_, ride)| ride.upgrade().is_none()) {
            self.rides.pop_front();
        }
        if let Some(weak) = ride.downgrade() {
            self.rides.push_back((id, weak));
        }
        Some(Ride::Shared(ride))
    }
}

impl Ride {
    /// Waits for what came of the group.
    pub(crate) async fn arrival(self) -> Arrival {
        match self {
            Self::Arrived(arrival) => arrival,
            Self::Shared(ride) => ride.await,
        }
    }
}

impl DueSnapshot {
    pub(crate) fn is_due(&self) -> bool {
        self.0.is_some()
    }

    /// Saves it, if nobody else does. Failing costs time at the next load and nothing else.
    pub(crate) async fn save<A: Aggregate>(self, engine: &Engine, stream: &StreamId) {
        let due = self.0.and_then(|due| due.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some(snapshot) = due else {
            return;
        };
        let key = SnapshotKey { stream: stream.clone(), aggregate: A::NAME };
        if let Err(error) = engine.snapshots.save_snapshot(&key, snapshot).await {
            tracing::warn!(%stream, %error, "the snapshot was not saved");
        }
    }
}

/// One group on its way. If it is dropped before it has arrived, nobody knows what came of it.
struct Journey<A: Aggregate> {
    engine: Arc<Engine>,
    slot: Arc<Slot<A>>,
    id: GroupId,
    is_confirmed: bool,
}

impl<A: Aggregate + Evolve> Journey<A> {
    async fn travel(mut self, before: Option<Shared<Way>>, is_busy: bool) -> Arrival {
        if let Some(before) = before {
            arrived(before).await;
        }
        if is_busy {
            // Those who were just answered get to decide their next commands, for the same append.
            tokio::task::yield_now().await;
        }
        let Some((departure, snapshot)) = self.depart() else {
            return Arrival::Discarded;
        };
        let entries = departure.entries;
        match self.send(departure).await {
            Ok(appended) if appended.repeated => Arrival::Repeated(appended),
            Ok(Appended { position, .. }) => {
                self.slot.waiting().confirm(self.id, position);
                self.is_confirmed = true;
                let due = snapshot.map(|snapshot| Snapshot { position, ..snapshot });
                let due = due.map(|snapshot| Arc::new(Mutex::new(Some(snapshot))));
                Arrival::Confirmed { position, snapshot: DueSnapshot(due) }
            }
            Err(error @ (AppendError::Conflict(_) | AppendError::ConditionFailed { .. })) => {
                Arrival::Stale(error)
            }
            Err(error) if entries > 1 && may_be_one_commands(&error) => Arrival::Crowded,
            Err(error) => Arrival::Failed(error),
        }
    }

    /// Takes the group out of the line, with a snapshot if one is due after it.
    fn depart(&self) -> Option<(Departure<NewEvent>, Option<Snapshot>)> {
        let mut waiting = self.slot.waiting();
        let departure = waiting.depart(self.id)?;
        let state = waiting.state_after(self.id).filter(|_| !departure.events.is_empty());
        // Other callers share this future: a state that panics when it is encoded is not theirs.
        let encode =
            AssertUnwindSafe(|| state.and_then(|state| due_snapshot(&self.slot.stream, state)));
        let snapshot = catch_unwind(encode).unwrap_or_else(|_| {
            tracing::error!(stream = %self.slot.stream, "the snapshot was not taken: encoding it panicked");
            None
        });
        Some((departure, snapshot))
    }

    async fn send(&self, departure: Departure<NewEvent>) -> Result<Appended, AppendError> {
        let Departure { base, confirmed, entries, events, mut commands } = departure;
        if events.is_empty() && commands.is_empty() {
            return self.check(base, confirmed).await;
        }
        let expected = match base {
            Version::ZERO => ExpectedVersion::NoStream,
            version => ExpectedVersion::Exact(version),
        };
        // The name's text is shared.
        let mut append = Append::one(self.slot.stream.clone(), expected, events);
        append.inline = self.engine.inline.clone();
        match commands.pop_if(|_| entries == 1) {
            // Alone, a repetition gives the first outcome.
            Some(JoinedCommand { id, reply, .. }) => {
                append.command = Some(id);
                append.reply = reply;
            }
            None => append.joined = commands,
        }
        self.engine.events.append(append).await
    }

    /// Checks that the state which nothing is to be written on is the newest.
    async fn check(&self, base: Version, confirmed: Position) -> Result<Appended, AppendError> {
        let found = self.engine.events.stream_version(&self.slot.stream).await?;
        if found != base {
            let stream = self.slot.stream.clone();
            return Err(VersionConflict::WrongVersion { stream, expected: base, found }.into());
        }
        Ok(Appended { position: confirmed, versions: vec![found], repeated: false, reply: None })
    }
}

/// Waits until a group has arrived, even if its way ends in a panic of the store.
async fn arrived(ride: Shared<Way>) {
    drop(AssertUnwindSafe(ride).catch_unwind().await);
}

/// Whether a single command may be to blame, and it is certain that nothing was written, so that its
/// neighbors deserve another try.
fn may_be_one_commands(error: &AppendError) -> bool {
    match error {
        AppendError::Store(StoreError::Backend { transient, .. }) => !transient,
        AppendError::Store(_) => false,
        _ => true,
    }
}

impl<A: Aggregate> Drop for Journey<A> {
    /// Does nothing if the group is confirmed or was discarded already.
    fn drop(&mut self) {
        if !self.is_confirmed {
            self.slot.waiting().discard(self.id);
        }
    }
}

impl<A> fmt::Debug for Slot<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").finish_non_exhaustive()
    }
}
