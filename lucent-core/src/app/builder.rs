//! Putting an application together.
//!
//! Invariant: everything that can be checked without running a function is checked at the start.

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use crate::{
    app::{
        App, Engine, ParkingPolicy, RetryPolicy, StartError, StartFrom,
        cache::Caches,
        partitions::{DividedProjection, PartitionNode, fix_number},
        projection_worker::ProjectionWorker,
        projections::Projections,
        rebuild,
        running::RunningProjection,
        running_handler::{DividedHandler, RunningHandler},
        task::Tasks,
        turns::Turns,
    },
    event_handler::SharedEventHandler,
    memory::MemoryStore,
    position::Position,
    projection::{Consistency, Projection},
    registry::{EventSet, Function, FunctionKind, Registry},
    resource::Shell,
    store::{EventStore, InlineProjections, LeaseStore, ReadModelStore, SnapshotStore, Store},
    time::{Clock, SystemClock},
};

/// How many states of each type of aggregate are kept, unless told otherwise.
const CACHE_CAPACITY: usize = 16_384;

/// How long a lease lasts, unless told otherwise.
const LEASE: Duration = Duration::from_secs(10);

/// A lease that a store can keep up with.
const SHORTEST_LEASE: Duration = Duration::from_millis(200);

/// An application that is being put together: give it a store, then `start()` it.
pub struct AppBuilder<R, S> {
    registry: R,
    store: S,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
    parking: ParkingPolicy,
    handler_parking: ParkingPolicy,
    handler_starts: Vec<(String, StartFrom)>,
    cache_capacity: usize,
    lease: Duration,
    resources: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl<R: Registry> AppBuilder<R, ()> {
    pub(crate) fn new(registry: R) -> Self {
        Self {
            registry,
            store: (),
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default(),
            parking: ParkingPolicy::default(),
            handler_parking: ParkingPolicy::never(),
            handler_starts: Vec::new(),
            cache_capacity: CACHE_CAPACITY,
            lease: LEASE,
            resources: HashMap::new(),
        }
    }

    /// Says where events, snapshots and read models are kept.
    #[must_use]
    pub fn store<S: Store>(self, store: S) -> AppBuilder<R, S> {
        AppBuilder {
            registry: self.registry,
            store,
            clock: self.clock,
            retry: self.retry,
            parking: self.parking,
            handler_parking: self.handler_parking,
            handler_starts: self.handler_starts,
            cache_capacity: self.cache_capacity,
            lease: self.lease,
            resources: self.resources,
        }
    }
}

impl<R: Registry, S> AppBuilder<R, S> {
    /// Supplies something that handlers ask for as `&Resource<T>`.
    #[must_use]
    pub fn resource<T: Send + Sync + 'static>(mut self, resource: T) -> Self {
        self.resources.insert(TypeId::of::<T>(), Arc::new(resource));
        self
    }

    /// Reads the time from this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Says how often a conflicting command is decided anew.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Says how often a failing event is tried before a projection parks it.
    #[must_use]
    pub fn parking(mut self, policy: ParkingPolicy) -> Self {
        self.parking = policy;
        self
    }

    /// Says how often a failing event is tried before an event handler parks it under its stream.
    ///
    /// Unless this is called, nothing is parked: a handler's effects are outside, where a failure is
    /// more often that of another system than that of one event.
    #[must_use]
    pub fn handler_parking(mut self, policy: ParkingPolicy) -> Self {
        self.handler_parking = policy;
        self
    }

    /// Says where an event handler of this name begins if it has never run on this store; at the
    /// first event of the log, unless told otherwise.
    #[must_use]
    pub fn start_handler(mut self, name: impl Into<String>, from: StartFrom) -> Self {
        self.handler_starts.push((name.into(), from));
        self
    }

    /// Says how many states of each type of aggregate are kept between commands.
    #[must_use]
    pub fn cache_capacity(mut self, aggregates: usize) -> Self {
        self.cache_capacity = aggregates;
        self
    }

    /// Says how long the event handlers and the partitions of a node that died are left alone; 10
    /// seconds unless told otherwise. Nodes look after their leases four times as often, and a
    /// partition changes hands within two such turns when a node joins or leaves.
    #[must_use]
    pub fn lease_duration(mut self, duration: Duration) -> Self {
        self.lease = duration.max(SHORTEST_LEASE);
        self
    }
}

impl<R: Registry, S: Store> AppBuilder<R, S> {
    /// Checks the wiring, brings inline projections up to date and starts the workers.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is running then.
    pub async fn start(self) -> Result<App<R>, StartError> {
        let functions: Vec<&'static Function> = self.registry.functions().collect();
        check_event_types(&functions)?;
        let store = Arc::new(self.store);
        let events: Arc<dyn EventStore> = Arc::clone(&store) as _;
        let snapshots: Arc<dyn SnapshotStore> = Arc::clone(&store) as _;
        let leases: Arc<dyn LeaseStore> = Arc::clone(&store) as _;
        let documents: Arc<dyn ReadModelStore> = store;
        let projections = Arc::new(open_projections(&functions, &documents, self.parking).await?);
        let shell = Shell {
            resources: Arc::new(self.resources),
            read_models: Arc::clone(&projections) as _,
            after: Position::ZERO,
        };
        let handlers = check_functions(&functions, &projections, &shell)?;

        let mut workers = Vec::new();
        let mut nodes = Vec::new();
        let mut inline: Vec<Arc<dyn Projection>> = Vec::new();
        for running in projections.0.values() {
            if let Some(parts) = &running.parts {
                let divided = DividedProjection::new(&events, &leases, running, parts, self.lease);
                nodes.push(PartitionNode::new(Arc::clone(&leases), Arc::new(divided), self.lease));
                continue;
            }
            let mut worker =
                ProjectionWorker::open(Arc::clone(&events), Arc::clone(running)).await?;
            if running.projection.consistency() == Consistency::Inline {
                worker.catch_up().await?;
                inline.push(Arc::clone(&running.projection));
            } else {
                workers.push(worker);
            }
        }
        let handlers = open_handlers(handlers, &documents, self.handler_parking).await?;
        place_handlers(&handlers, self.handler_starts, &*events).await?;
        let tasks = Tasks::new();
        for running in projections.0.values() {
            // One in partitions looks for rebuilds with its leases.
            if running.projection.consistency() == Consistency::Async && running.parts.is_none() {
                rebuild::resume(&tasks, &events, running).await?;
            }
        }
        for worker in workers {
            tasks.spawn("projection".to_owned(), worker.run(tasks.signal()));
        }
        for running in &handlers {
            let (events, running) = (Arc::clone(&events), Arc::clone(running));
            let divided = DividedHandler { events, running, shell: shell.clone() };
            nodes.push(PartitionNode::new(Arc::clone(&leases), Arc::new(divided), self.lease));
        }
        for node in nodes {
            tasks.spawn("partitions".to_owned(), node.run(tasks.signal()));
        }
        Ok(App::from_engine(Engine {
            events,
            snapshots,
            leases,
            lease_duration: self.lease,
            caches: Caches::new(self.cache_capacity),
            turns: Turns::default(),
            clock: self.clock,
            retry: self.retry,
            inline: InlineProjections((!inline.is_empty()).then(|| inline.into())),
            projections,
            handlers,
            shell,
            tasks,
        }))
    }
}

impl<R, S> fmt::Debug for AppBuilder<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppBuilder").field("retry", &self.retry).finish_non_exhaustive()
    }
}

/// Each stored name belongs to one type of events.
fn check_event_types(functions: &[&'static Function]) -> Result<(), StartError> {
    let mut owners = BTreeMap::<&'static str, EventSet>::new();
    for set in functions.iter().filter_map(|function| function.kind.events()) {
        for known in set.types {
            let owner = *owners.entry(known.name).or_insert(set);
            if (owner.id)() != (set.id)() {
                return Err(StartError::DuplicateEventType {
                    event_type: known.name,
                    first: owner.name,
                    second: set.name,
                });
            }
        }
    }
    Ok(())
}

async fn open_projections(
    functions: &[&'static Function],
    documents: &Arc<dyn ReadModelStore>,
    parking: ParkingPolicy,
) -> Result<Projections, StartError> {
    let mut projections = Projections::default();
    let mut places = HashMap::new();
    for function in functions {
        let FunctionKind::Projector { make, .. } = function.kind else {
            continue;
        };
        let name = function.name;
        check_name(&mut places, name, function)?;
        add_projection(&mut projections, name, make(), documents, parking).await?;
    }
    for own in documents.projections() {
        check_place(&mut places, own.name, "a projector of the store".to_owned())?;
        add_projection(&mut projections, own.name, own.projection, documents, parking).await?;
    }
    Ok(projections)
}

async fn add_projection(
    projections: &mut Projections,
    name: &'static str,
    projection: Arc<dyn Projection>,
    documents: &Arc<dyn ReadModelStore>,
    parking: ParkingPolicy,
) -> Result<(), StartError> {
    let id = projection.id();
    let store = match projection.consistency() {
        Consistency::Live => Arc::new(MemoryStore::new()) as Arc<dyn ReadModelStore>,
        Consistency::Inline | Consistency::Async => Arc::clone(documents),
    };
    if projection.consistency() == Consistency::Async {
        fix_number(&*store, &id, projection.partitions()).await?;
    }
    // Until this version has caught up, queries are answered from the one before it.
    let active = store.active_version(&id.name).await?;
    let policy = match projection.consistency() {
        // An inline projection is built while the application starts, and refuses what fails.
        Consistency::Inline => ParkingPolicy::never(),
        Consistency::Async | Consistency::Live => parking,
    };
    let running = RunningProjection::new(projection, store, active, policy);
    projections.0.insert(name, Arc::new(running));
    Ok(())
}

fn check_functions(
    functions: &[&'static Function],
    projections: &Projections,
    shell: &Shell,
) -> Result<Vec<SharedEventHandler>, StartError> {
    let mut handlers = Vec::new();
    let mut places = HashMap::new();
    for function in functions {
        let missing = |source| StartError::MissingResource { function: function.name, source };
        match function.kind {
            FunctionKind::QueryHandler { check, reads, .. } => {
                check(shell).map_err(missing)?;
                let unknown = reads().into_iter().find(|name| !projections.0.contains_key(name));
                if let Some(projection) = unknown {
                    return Err(StartError::UnknownProjection { query: function.name, projection });
                }
            }
            FunctionKind::EventHandler { make, .. } => {
                let handler = make();
                check_name(&mut places, handler.name(), function)?;
                handler.check(shell).map_err(missing)?;
                handlers.push(handler);
            }
            FunctionKind::CommandHandler { .. }
            | FunctionKind::Projector { .. }
            | FunctionKind::Function { .. } => {}
        }
    }
    Ok(handlers)
}

async fn open_handlers(
    handlers: Vec<SharedEventHandler>,
    checkpoints: &Arc<dyn ReadModelStore>,
    policy: ParkingPolicy,
) -> Result<Vec<Arc<RunningHandler>>, StartError> {
    let mut running = Vec::new();
    for handler in handlers {
        let id = RunningHandler::id_of(&handler);
        match fix_number(&**checkpoints, &id, handler.partitions()).await {
            Err(StartError::PartitionsChanged { stored, declared, .. }) => {
                let handler = handler.name();
                return Err(StartError::HandlerPartitionsChanged { handler, stored, declared });
            }
            outcome => outcome?,
        }
        running.push(Arc::new(RunningHandler::new(handler, checkpoints, policy)));
    }
    Ok(running)
}

/// Has handlers begin where they are told to.
async fn place_handlers(
    handlers: &[Arc<RunningHandler>],
    starts: Vec<(String, StartFrom)>,
    events: &dyn EventStore,
) -> Result<(), StartError> {
    for (name, from) in starts {
        let Some(running) = handlers.iter().find(|running| running.handler.name() == name) else {
            return Err(StartError::UnknownHandler { name });
        };
        running
            .begin_at(match from {
                StartFrom::Beginning => Position::ZERO,
                StartFrom::Now => events.head().await?,
                StartFrom::After(position) => position,
            })
            .await?;
    }
    Ok(())
}

/// Durable names are unique, also across crates.
fn check_name(
    places: &mut HashMap<&'static str, String>,
    name: &'static str,
    function: &Function,
) -> Result<(), StartError> {
    check_place(places, name, format!("{}:{}", function.file, function.line))
}

fn check_place(
    places: &mut HashMap<&'static str, String>,
    name: &'static str,
    place: String,
) -> Result<(), StartError> {
    match places.insert(name, place.clone()) {
        None => Ok(()),
        Some(first) => Err(StartError::DuplicateName { name, first, second: place }),
    }
}
