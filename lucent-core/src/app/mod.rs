//! The application: a registry of functions wired to a store.

mod builder;
mod cache;
mod command_error;
mod decide_by_tags;
mod event_worker;
mod execute;
mod failures;
mod gathered;
mod handler_handle;
mod handler_part;
mod line;
mod load;
mod parked_lines;
mod parking_policy;
mod partitions;
mod progress;
mod projection_handle;
mod projection_worker;
mod projections;
mod question;
mod rebuild;
mod retry;
mod running;
mod running_handler;
mod start_error;
mod step_error;
mod subscription;
mod task;
mod turns;

use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

pub use builder::AppBuilder;
pub use command_error::CommandError;
pub use execute::{Done, Execute};
pub use handler_handle::{EventHandlerHandle, HandlerControlError, Rehandled};
pub use load::{LoadError, Loaded};
pub use parked_lines::Retried;
pub use parking_policy::ParkingPolicy;
pub use progress::{Pace, PartitionStatus, ProjectionState, ProjectionStatus};
pub use projection_handle::{ProjectionControlError, ProjectionHandle};
pub use question::Question;
pub(crate) use retry::Backoff;
pub use retry::RetryPolicy;
pub use running_handler::{EventHandlerStatus, StartFrom};
pub use start_error::StartError;
pub use subscription::Subscription;
pub(crate) use task::{StopSignal, Tasks};

use crate::{
    aggregate::Aggregate,
    app::{cache::Caches, projections::Projections, running_handler::RunningHandler, turns::Turns},
    command::Handled,
    position::Position,
    query::Answered,
    registry::{Includes, Registry},
    resource::Shell,
    state::Evolve,
    store::{EventFilter, EventStore, InlineProjections, LeaseStore, SnapshotStore},
    time::Clock,
};

/// A running application over the functions of the registry `R`.
///
/// Clones share everything. The workers stop when the last clone is dropped, or at
/// [`App::shutdown`].
pub struct App<R> {
    pub(crate) engine: Arc<Engine>,
    registry: PhantomData<fn() -> R>,
}

/// What every clone of an application shares.
pub(crate) struct Engine {
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) snapshots: Arc<dyn SnapshotStore>,
    pub(crate) leases: Arc<dyn LeaseStore>,
    pub(crate) lease_duration: Duration,
    pub(crate) caches: Caches,
    pub(crate) turns: Turns,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
    pub(crate) inline: InlineProjections,
    pub(crate) projections: Arc<Projections>,
    pub(crate) handlers: Vec<Arc<RunningHandler>>,
    pub(crate) shell: Shell,
    tasks: Tasks,
}

impl<R: Registry> App<R> {
    /// Begins an application over a registry, such as `registry()` that `registry!()` made.
    #[expect(clippy::new_ret_no_self, reason = "an application exists once it is started")]
    pub fn new(registry: R) -> AppBuilder<R, ()> {
        AppBuilder::new(registry)
    }

    /// Decides a command and appends what it decides.
    ///
    /// Await it as it is, or set its id, context or cause first. See [`Execute`].
    ///
    /// # Errors
    /// [`CommandError`]; nothing was written then, unless [`CommandError::is_outcome_unknown`].
    pub fn execute<C>(&self, command: C) -> Execute<C>
    where
        C: Handled,
        R: Includes<C::Home>,
    {
        Execute::new(Arc::clone(&self.engine), command)
    }

    /// Asks a question of the read models. See [`Question`].
    ///
    /// # Errors
    /// The error of the query's handler.
    pub fn query<Q>(&self, query: Q) -> Question<Q>
    where
        Q: Answered,
        R: Includes<Q::Home>,
    {
        Question::new(Arc::clone(&self.engine), query)
    }
}

impl<R> App<R> {
    pub(crate) fn from_engine(engine: Engine) -> Self {
        Self { engine: Arc::new(engine), registry: PhantomData }
    }

    /// The state of an aggregate, read from the store.
    ///
    /// # Errors
    /// When the store fails, or an event does not decode.
    pub async fn load<A: Aggregate + Evolve>(&self, id: &A::Id) -> Result<Loaded<A>, LoadError> {
        use crate::id::AggregateId as _;
        let stream = id.stream_id()?;
        load::load(&*self.engine.events, &*self.engine.snapshots, &stream).await
    }

    /// Follows the log: what is there after a position, then what comes.
    #[must_use]
    pub fn subscribe(&self, filter: EventFilter, after: Position) -> Subscription {
        Subscription::new(Arc::clone(&self.engine.events), filter, after)
    }

    /// The event store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn EventStore> {
        &self.engine.events
    }

    /// How far each projection has come, by name.
    #[must_use]
    pub fn projections(&self) -> Vec<ProjectionStatus> {
        self.engine.projections.statuses()
    }

    /// A projection, to look after its parked events, its versions and its rebuilding.
    ///
    /// # Errors
    /// [`ProjectionControlError::Unknown`] if none of that name runs in this application.
    pub fn projection(&self, name: &str) -> Result<ProjectionHandle, ProjectionControlError> {
        ProjectionHandle::find(&self.engine, name)
    }

    /// How far each event handler has come, in the order of the registry.
    #[must_use]
    pub fn event_handlers(&self) -> Vec<EventHandlerStatus> {
        self.engine.handlers.iter().map(|running| running.status()).collect()
    }

    /// An event handler, to look after its parked events.
    ///
    /// # Errors
    /// [`HandlerControlError::Unknown`] if none of that name runs in this application.
    pub fn event_handler(&self, name: &str) -> Result<EventHandlerHandle, HandlerControlError> {
        EventHandlerHandle::find(&self.engine, name)
    }

    /// Stops the workers and waits until they have stopped. Commands and queries still work.
    pub async fn shutdown(&self) {
        self.engine.tasks.stop().await;
    }
}

impl<R> Clone for App<R> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine), registry: PhantomData }
    }
}

impl<R> fmt::Debug for App<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("store", &self.engine.events).finish_non_exhaustive()
    }
}
