//! An event handler of this application, and how far it has come.
//!
//! Invariant: an event belongs to one part of its handler, by its stream; the handler is as far as
//! the part that is farthest behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::{
    app::{
        ParkingPolicy, event_worker::EventWorker, handler_part::HandlerPart, partitions::Divided,
        task::StopSignal,
    },
    event_handler::SharedEventHandler,
    position::Position,
    projection::Partition,
    resource::Shell,
    store::{CommitError, EventStore, Fence, Parked, ProjectionId, ReadModelStore, StoreError},
    stream::StreamId,
};

/// Where an event handler begins that has never run on this store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StartFrom {
    /// At the first event of the log.
    #[default]
    Beginning,
    /// At the first event after the start of the application.
    Now,
    /// At the first event after this position.
    After(Position),
}

/// How far an event handler has come, on all nodes that share it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventHandlerStatus {
    /// Its durable name.
    pub name: &'static str,
    /// The last position that it has dealt with; what other nodes do is known from their last
    /// checkpoint.
    pub position: Position,
    /// The end of the log, as the handler knows it.
    pub head: Position,
    /// How many positions it is behind the end of the log.
    pub lag: u64,
    /// How long ago it moved last.
    pub idle: Duration,
    /// Into how many partitions it is divided.
    pub partitions: u32,
    /// How many of them this process works on; others stand by, or work elsewhere.
    pub working: u32,
    /// How many streams have parked events.
    pub parked_streams: usize,
    /// Why it does not move on, if it keeps failing in this process. It is tried again.
    pub failure: Option<String>,
    /// Whether it was stopped in this process.
    pub stopped: bool,
}

/// An event handler and its parts.
pub(crate) struct RunningHandler {
    pub(crate) handler: SharedEventHandler,
    parts: Box<[Arc<HandlerPart>]>,
    stopped: AtomicBool,
}

/// A handler as its nodes share it.
pub(crate) struct DividedHandler {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) running: Arc<RunningHandler>,
    pub(crate) shell: Shell,
}

impl RunningHandler {
    pub(crate) fn new(
        handler: SharedEventHandler,
        checkpoints: &Arc<dyn ReadModelStore>,
        policy: ParkingPolicy,
    ) -> Self {
        let count = std::cmp::max(1, handler.partitions());
        let parts = (0..count).filter_map(|index| Partition::new(index, count)).map(|partition| {
            let (handler, checkpoints) = (Arc::clone(&handler), Arc::clone(checkpoints));
            Arc::new(HandlerPart::new(handler, partition, checkpoints, policy))
        });
        let parts = parts.collect();
        Self { handler, parts, stopped: AtomicBool::new(false) }
    }

    /// Under which id a handler keeps what concerns all of its parts.
    pub(crate) fn id_of(handler: &SharedEventHandler) -> ProjectionId {
        ProjectionId::new(format!("handler:{}", handler.name()), 1)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(u32::MAX)
    }

    /// The part that handles the events of a stream.
    pub(crate) fn part_of(&self, stream: &StreamId) -> &Arc<HandlerPart> {
        let owner = self.parts.iter().find(|part| part.owns(stream));
        owner.expect("every stream belongs to a part")
    }

    /// Has a handler that never ran begin somewhere else than at the first event.
    pub(crate) async fn begin_at(&self, start: Position) -> Result<(), StoreError> {
        for part in &self.parts {
            part.begin_at(start).await?;
        }
        Ok(())
    }

    /// Reads what is parked.
    pub(crate) async fn parked(&self) -> Result<Parked, StoreError> {
        let mut all = Parked::default();
        for part in &self.parts {
            all.lines.extend(part.parked().await?.lines);
        }
        if self.parts.len() > 1 {
            all.lines.sort_by(|left, right| left.first.key.cmp(&right.first.key));
        }
        Ok(all)
    }

    /// Reads how far the parts have come that others work on.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        for part in self.parts.iter().filter(|part| !part.is_worked_on()) {
            part.reached(part.stored().await?.checkpoint);
        }
        Ok(())
    }

    /// Publishes how long the log is.
    pub(crate) fn saw_head(&self, head: Position) {
        self.parts.iter().for_each(|part| part.saw_head(head));
    }

    pub(crate) fn status(&self) -> EventHandlerStatus {
        let parts: Vec<_> = self.parts.iter().map(|part| part.progress().clone()).collect();
        let position = parts.iter().map(|part| part.position).min().unwrap_or_default();
        let head = parts.iter().map(|part| part.head).max().unwrap_or_default();
        let working = self.parts.iter().filter(|part| part.is_worked_on()).count();
        EventHandlerStatus {
            name: self.handler.name(),
            position,
            head,
            lag: head.get().saturating_sub(position.get()),
            idle: parts.iter().map(|part| part.moved.elapsed()).min().unwrap_or_default(),
            partitions: self.count(),
            working: u32::try_from(working).unwrap_or(u32::MAX),
            parked_streams: parts.iter().map(|part| part.parked).sum(),
            failure: parts.into_iter().find_map(|part| part.failure),
            stopped: self.stopped.load(Ordering::Acquire),
        }
    }
}

#[async_trait]
impl Divided for DividedHandler {
    fn name(&self) -> String {
        format!("handler/{}", self.running.handler.name())
    }

    fn count(&self) -> u32 {
        self.running.count()
    }

    async fn begin(
        &self,
        partition: Partition,
        fence: Fence,
        stop: StopSignal,
    ) -> Result<BoxFuture<'static, ()>, StoreError> {
        let part = &self.running.parts[partition.index() as usize];
        part.begins();
        let (events, part) = (Arc::clone(&self.events), Arc::clone(part));
        let worker = EventWorker::new(events, part, fence, self.shell.clone());
        Ok(Box::pin(worker.run(stop)))
    }

    fn ended(&self, index: u32) {
        self.running.parts[index as usize].ended();
    }

    async fn look(&self) -> Result<(), CommitError> {
        Ok(self.running.look().await?)
    }

    async fn left(&self) {
        self.running.stopped.store(true, Ordering::Release);
    }
}
