//! Follows the control events of the log, and writes them.
//!
//! Invariant: control is applied in the order of the log by one task alone; an order is written on
//! condition that it was decided on everything that was written before it.

use std::{sync::Arc, time::Duration};

use crate::{
    app::{Backoff, StopSignal, Subscription},
    event::{BusinessContext, CommandId, Event, Metadata, NewEvent, RecordedEvent},
    function::{
        EditionId, FunctionEvent, ManagerError, OrderError, Said,
        policy::{Order, Policy},
        shared::{Change, Shared},
    },
    position::Position,
    store::{
        Append, AppendError, EventQuery, ExpectedVersion, StoreError, StreamRead, StreamWrite,
    },
    stream::{InvalidStreamId, StreamId},
};

/// Applies the control events of the log.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    log: Subscription,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let types = FunctionEvent::TYPES.iter().map(|known| known.name);
        let events = Arc::clone(&shared.events);
        let log = Subscription::new(events, EventQuery::types(types).into(), Position::ZERO);
        Self { shared, log }
    }

    /// Applies everything that is in the log.
    pub(crate) async fn catch_up(&mut self) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        let mut through = Position::ZERO;
        while let Some(event) = self.log.try_next().await? {
            through = event.position;
            changes.extend(self.change(&event));
        }
        self.shared.apply(&changes, through);
        Ok(())
    }

    /// Applies what comes until it is told to stop.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        let mut backoff = Backoff::new();
        loop {
            let outcome = match stop.or_stop(self.next()).await {
                None => return,
                Some(Ok(Next::Event(event))) => {
                    let change = self.change(&event);
                    self.shared.apply(change.as_slice(), event.position);
                    Ok(())
                }
                Some(Ok(Next::Contact)) => match stop.or_stop(self.take_part_again()).await {
                    None => return,
                    Some(outcome) => outcome,
                },
                Some(Err(error)) => Err(error),
            };
            match outcome {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    let wait = backoff.next();
                    tracing::warn!(%error, ?wait, "the control of functions cannot be read and will be tried again; functions run by the rules that are known");
                    if stop.or_stop(tokio::time::sleep(wait)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// The next event of control, or that this node has found the others again.
    async fn next(&mut self) -> Result<Next, StoreError> {
        tokio::select! {
            event = self.log.next() => Ok(Next::Event(event?)),
            () = self.shared.fence.contact() => Ok(Next::Contact),
        }
    }

    /// Lets calls run again once everything is known that was written while this node was on its own.
    pub(crate) async fn take_part_again(&mut self) -> Result<(), StoreError> {
        self.catch_up().await?;
        self.shared.lift_fence();
        Ok(())
    }

    /// The change that an event is to a function of this program.
    fn change(&self, event: &RecordedEvent) -> Option<Change> {
        if event.stream.category() != CATEGORY {
            return None;
        }
        let index = self.shared.index_of_name(event.stream.key())?;
        let (version, position) = (event.version, event.position);
        match FunctionEvent::decode(event) {
            Ok(event) => Some(Change { index, event: event?, version, position }),
            Err(error) => {
                tracing::error!(%error, "a control event of a function cannot be read and is not obeyed");
                None
            }
        }
    }
}

/// What a follower waits for.
enum Next {
    Event(RecordedEvent),
    Contact,
}

/// Registers the editions that no program has registered before, all at once.
pub(crate) async fn register(shared: &Shared, follower: &mut Follower) -> Result<(), ManagerError> {
    for _ in 0..TRIES {
        follower.catch_up().await?;
        let mut writes = Vec::new();
        for (index, entry) in shared.entries.iter().enumerate() {
            let policy = shared.policy(index);
            let editions: Vec<EditionId> =
                entry.editions.iter().map(|(id, _)| id.clone()).collect();
            let event = policy.decide(entry.name, Order::Register(editions), Said::default());
            if let Ok(Some(event)) = event {
                let stream = control_stream(entry.name)?;
                let events = vec![encoded(shared, &event, "").map_err(AppendError::from)?];
                writes.push(StreamWrite { stream, expected: expected(&policy), events });
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        match shared.events.append(Append { writes, ..Append::default() }).await {
            Ok(_) => return Ok(follower.catch_up().await?),
            Err(AppendError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ManagerError::Contended)
}

/// Writes what an order adds to a function's control, and gives the position to wait for.
pub(crate) async fn write(
    shared: &Shared,
    index: usize,
    order: &Order,
    said: &Said,
) -> Result<Position, OrderError> {
    let function = shared.entries[index].name;
    let stream = control_stream(function).map_err(AppendError::from)?;
    for _ in 0..TRIES {
        let policy = newest(shared, &stream, shared.policy(index)).await?;
        let Some(event) = policy.decide(function, order.clone(), said.clone())? else {
            return Ok(policy.epoch);
        };
        let event = encoded(shared, &event, &said.by).map_err(AppendError::from)?;
        let append = Append::one(stream.clone(), expected(&policy), vec![event]);
        match shared.events.append(append).await {
            Ok(appended) => return Ok(appended.position),
            Err(AppendError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OrderError::Contended { function })
}

/// Waits until this process obeys a change, and no call runs that does not know it.
pub(crate) async fn obeyed(
    shared: &Shared,
    change: Position,
    patience: Duration,
) -> Result<(), OrderError> {
    let waiting = shared.live.all_know(change);
    tokio::time::timeout(patience, waiting).await.map_err(|_| {
        let applied = shared.table.load().epoch() >= change;
        OrderError::NotApplied {
            position: change,
            waited: patience,
            running: shared.live.oldest().filter(|_| applied),
        }
    })
}

/// The stream of a function's control.
pub(crate) fn control_stream(function: &str) -> Result<StreamId, InvalidStreamId> {
    StreamId::of(CATEGORY, function)
}

/// A policy with what has been written since.
async fn newest(
    shared: &Shared,
    stream: &StreamId,
    mut policy: Policy,
) -> Result<Policy, StoreError> {
    loop {
        let read = StreamRead::after(stream.clone(), policy.version);
        let page = shared.events.read_stream(read).await?;
        for recorded in &page.events {
            match FunctionEvent::decode(recorded) {
                Ok(Some(event)) => policy.apply(&event, recorded.version, recorded.position),
                Ok(None) => policy.version = recorded.version,
                Err(error) => {
                    let (location, reason) = (format!("stream `{stream}`"), error.to_string());
                    return Err(StoreError::Damaged { location, reason });
                }
            }
        }
        if page.end {
            return Ok(policy);
        }
    }
}

pub(crate) fn encoded<E: Event>(
    shared: &Shared,
    event: &E,
    by: &str,
) -> Result<NewEvent, crate::payload::EncodeError> {
    let now = shared.clock.now();
    let context = match by {
        "" => BusinessContext::default(),
        by => BusinessContext::default().with("user", by),
    };
    let metadata = Arc::new(Metadata::of_command(CommandId::at(now), context));
    NewEvent::encode(event, &metadata, now)
}

fn expected(policy: &Policy) -> ExpectedVersion {
    ExpectedVersion::Exact(policy.version)
}

/// The category of the streams of control.
const CATEGORY: &str = "function";

/// How often an order is decided anew when others change the same function.
const TRIES: usize = 8;
