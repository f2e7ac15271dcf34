//! The manager: calls functions, and obeys what the log says of them.
//!
//! Invariant: a call needs no store and waits for nobody; a manager that has started knows every
//! control event that was in the log by then.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{
    app::Tasks,
    event::Event,
    function::{
        CallContext, CallError, Called, Control, DispatchError, Dispatched, Explanation,
        ManagerError, OrderError, Published, Refusal, Roster, Routed, ShadowReport,
        dispatch::{destination, dispatch},
        follow::{Follower, register},
        host::{Join, beat, take_part},
        run,
        shared::Shared,
        worker::Worker,
    },
    mesh::{MeshNode, Nowhere, Route, Serve},
    registry::{Function, Includes, Registry},
    store::{EventStore, ReadModelStore, Store},
    time::{Clock, SystemClock},
};

/// Decides which edition of a function runs for whom, and runs it.
///
/// Clones share everything. Its tasks stop when the last clone is dropped, or at
/// [`FunctionManager::shutdown`]; functions can still be called then, by the rules of that moment.
///
/// ```
/// use lucent_core::{function::FunctionManager, prelude::*};
///
/// #[function(version = 2)]
/// fn fee(amount: &u64) -> u64 { amount / 200 }
///
/// #[function(of = fee, version = 1)]
/// fn fee_v1(amount: &u64) -> u64 { amount / 100 }
///
/// lucent_core::registry! { functions: [fee, fee_v1] }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let functions = FunctionManager::new(registry()).store(MemoryStore::new()).start().await?;
/// let called = functions.call::<fee>(CallContext::nobody(), &1_000)?;
/// assert_eq!((called.value, called.ran.to_string()), (5, "fee v2 reason=current epoch=1".into()));
///
/// functions.control::<fee>("ann").promote(1, "the new fee is too low").await?;
/// assert_eq!(functions.call::<fee>(CallContext::nobody(), &1_000)?.value, 10);
/// assert_eq!(fee(&1_000), 5);
/// # Ok(()) }
/// ```
pub struct FunctionManager<R> {
    inner: Arc<Inner>,
    registry: PhantomData<fn() -> R>,
}

/// What every clone shares.
struct Inner {
    shared: Arc<Shared>,
    tasks: Tasks,
}

impl<R: Registry> FunctionManager<R> {
    /// Begins a manager of the functions of a registry.
    #[expect(clippy::new_ret_no_self, reason = "a manager exists once it is started")]
    pub fn new(registry: R) -> FunctionManagerBuilder<R, ()> {
        let clock = Arc::new(SystemClock);
        FunctionManagerBuilder { registry, store: (), clock, follow_log: false, join: None }
    }

    /// Calls a function, in the edition that the rules give this caller.
    ///
    /// The input is that of the function: its only parameter, or a tuple of them.
    ///
    /// # Errors
    /// [`CallError`]: no edition may run, or the one that ran failed, panicked or was late.
    pub fn call<'a, F>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: F::Input<'_>,
    ) -> Result<Called<F::Output>, CallError<F::Error>>
    where
        F: Routed,
        R: Includes<F::Home>,
    {
        let shared = &*self.inner.shared;
        let index = shared.index_of::<F>()?;
        let table = shared.table.load();
        run::call::<F>(shared, &table, index, &context.into(), input)
    }

    /// Calls a function on the node that its key or the load says, or here if the manager has no
    /// [node](FunctionManagerBuilder::mesh).
    ///
    /// A function with `shard_by` runs on the owner of the key's shard, where the calls of a shard run
    /// one after another. Any other one runs on the cheaper of two nodes that run its edition and have
    /// room for its `needs`. When a node has more to do than it can, `priority` says who goes first.
    /// One that says none of the three is not worth the way and runs here.
    ///
    /// A function that says none of the three runs here.
    ///
    /// What its input and output are made of travels as JSON; a function without a key whose input or
    /// output cannot be read again runs here.
    ///
    /// # Errors
    /// [`DispatchError`].
    ///
    /// # Cancel safety
    /// A call that is given up may have run.
    pub async fn dispatch<'a, F>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: F::Input<'_>,
    ) -> Result<Dispatched<F::Output>, DispatchError<F::Error>>
    where
        F: Routed,
        R: Includes<F::Home>,
        for<'i> F::Input<'i>: Send,
    {
        let shared = &*self.inner.shared;
        let index = shared.index_of::<F>()?;
        dispatch::<F>(shared, index, &context.into(), input).await
    }

    /// Says on which node a dispatched call would run, and why there, or why nowhere; `None` if it runs
    /// here because the manager has no node or the function's calls do not travel.
    ///
    /// # Errors
    /// When the function may not run for this call at all.
    pub fn destination<'a, F>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: &F::Input<'_>,
    ) -> Result<Option<Result<Route, Nowhere>>, Refusal>
    where
        F: Routed,
        R: Includes<F::Home>,
    {
        let shared = &*self.inner.shared;
        let index = shared.index_of::<F>()?;
        destination::<F>(shared, index, &context.into(), input)
    }

    /// Runs every function that runs on this event, one after another, and gives their outcomes. What
    /// one of them does never reaches another one.
    ///
    /// Nothing is kept of it: for events of the log there is
    /// [`FunctionManagerBuilder::follow_log`].
    pub fn publish<'a, E: Event>(
        &self,
        context: impl Into<CallContext<'a>>,
        event: &E,
    ) -> Published {
        let (shared, context) = (&*self.inner.shared, context.into());
        let table = shared.table.load();
        let listeners = shared.fan_out.listeners::<E>();
        let mut delivered = Vec::with_capacity(listeners.len());
        delivered.extend(
            listeners.iter().filter_map(|one| one.deliver(shared, &table, &context, event)),
        );
        Published(delivered)
    }

    /// Says what a call would run, and why, without running it.
    ///
    /// # Errors
    /// When the manager was started without the function.
    pub fn explain<'a, F>(
        &self,
        context: impl Into<CallContext<'a>>,
        input: &F::Input<'_>,
    ) -> Result<Explanation, Refusal>
    where
        F: Routed,
        R: Includes<F::Home>,
    {
        let shared = &*self.inner.shared;
        let index = shared.index_of::<F>()?;
        Ok(run::explain::<F>(shared, index, &context.into(), input))
    }

    /// The switches of a function, for somebody who says who they are.
    pub fn control<F>(&self, by: impl Into<String>) -> Control
    where
        F: Routed,
        R: Includes<F::Home>,
    {
        Control::new(Arc::clone(&self.inner.shared), F::name(), by.into())
    }

    /// How the results of a function's shadow compare, as this process has seen them.
    ///
    /// # Errors
    /// When the manager was started without the function.
    pub fn shadow_report<F>(&self) -> Result<ShadowReport, Refusal>
    where
        F: Routed,
        R: Includes<F::Home>,
    {
        let index = self.inner.shared.index_of::<F>()?;
        Ok(self.inner.shared.entries[index].shadow_report())
    }
}

impl<R> FunctionManager<R> {
    /// The switches of the function of this name, for tools that know no types. A `FunctionId` of a registry is
    /// a name, too.
    ///
    /// # Errors
    /// When there is no such function.
    pub fn control_of(
        &self,
        name: impl AsRef<str>,
        by: impl Into<String>,
    ) -> Result<Control, OrderError> {
        let (shared, name) = (&self.inner.shared, name.as_ref());
        match shared.index_of_name(name) {
            Some(index) => {
                Ok(Control::new(Arc::clone(shared), shared.entries[index].name, by.into()))
            }
            None => Err(OrderError::UnknownFunction { name: name.to_owned() }),
        }
    }

    /// The node by which this manager shares calls with others, if it has one.
    #[must_use]
    pub fn node(&self) -> Option<&MeshNode> {
        self.inner.shared.node.get()
    }

    /// Stops the tasks and waits until they have stopped. From then on, what the log says is no longer
    /// obeyed; a manager with a [node](FunctionManagerBuilder::mesh) therefore refuses calls.
    pub async fn shutdown(&self) {
        if let Some(node) = self.node() {
            node.drain();
            self.inner.shared.leave();
            if let Err(error) = node.beat().await {
                tracing::warn!(node = %node.id(), %error, "a node leaves without the others knowing");
            }
        }
        self.inner.tasks.stop().await;
    }
}

impl<R> Clone for FunctionManager<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), registry: PhantomData }
    }
}

impl<R> fmt::Debug for FunctionManager<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionManager").field(&self.inner.shared).finish()
    }
}

/// A manager that is being put together: give it a store, then `start()` it.
#[must_use = "a manager exists once it is started"]
pub struct FunctionManagerBuilder<R, S> {
    registry: R,
    store: S,
    clock: Arc<dyn Clock>,
    follow_log: bool,
    join: Option<Join>,
}

impl<R: Registry> FunctionManagerBuilder<R, ()> {
    /// Says which store holds the control of the functions: that of the application.
    pub fn store<S: Store>(self, store: S) -> FunctionManagerBuilder<R, S> {
        let Self { registry, clock, follow_log, join, .. } = self;
        FunctionManagerBuilder { registry, store, clock, follow_log, join }
    }
}

impl<R: Registry, S> FunctionManagerBuilder<R, S> {
    /// Reads the time from this clock instead of the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Shares calls with other nodes: `join` makes the node, which serves the functions that it is
    /// given. The manager has it beat.
    ///
    /// Orders then hold on all nodes when they return. In exchange, a node that has not reached the
    /// others for so long that they count it as gone runs no function until it reaches them.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use lucent_core::{
    ///     SystemClock,
    ///     function::FunctionManager,
    ///     mesh::{BeatPolicy, Capacity, InProcessMesh},
    ///     prelude::*,
    /// };
    ///
    /// #[derive(Clone, Serialize, Deserialize)]
    /// struct Order { pair: String, amount: u64 }
    ///
    /// #[function(shard_by = pair)]
    /// fn fee(order: &Order) -> u64 { order.amount / 100 }
    ///
    /// lucent_core::registry! { functions: [fee] }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let network = InProcessMesh::new(BeatPolicy::default(), Arc::new(SystemClock));
    /// let capacity = Capacity { weight: 1, slots: 8, memory: 1 << 30 };
    /// let functions = FunctionManager::new(registry())
    ///     .store(MemoryStore::new())
    ///     .mesh({
    ///         let network = network.clone();
    ///         move |functions| network.join("a", capacity, functions)
    ///     })
    ///     .start()
    ///     .await?;
    /// network.settle().await;
    ///
    /// let order = Order { pair: "BTC-EUR".to_owned(), amount: 5_000 };
    /// let called = functions.dispatch::<fee>(CallContext::nobody(), &order).await?;
    /// assert_eq!((called.value, called.node), (50, Some("a".into())));
    /// # Ok(()) }
    /// ```
    pub fn mesh(mut self, join: impl FnOnce(Arc<dyn Serve>) -> MeshNode + Send + 'static) -> Self {
        self.join = Some(Box::new(join));
        self
    }

    /// Runs the functions with `on = …` on the events of the log too, each from its own checkpoint,
    /// and records what they find as events of type `lucent.FunctionRan`.
    pub fn follow_log(mut self) -> Self {
        self.follow_log = true;
        self
    }
}

impl<R: Registry, S: Store> FunctionManagerBuilder<R, S> {
    /// Reads what the log says of the functions, registers new editions there and starts the tasks.
    ///
    /// Must be called within a Tokio runtime. Dropping the future may leave editions registered, which
    /// is what the next start would do.
    ///
    /// # Errors
    /// [`ManagerError`]; nothing is running then.
    pub async fn start(self) -> Result<FunctionManager<R>, ManagerError> {
        let functions: Vec<&'static Function> = self.registry.functions().collect();
        let sealed = Roster::of(&functions)?;
        let store = Arc::new(self.store);
        let events: Arc<dyn EventStore> = Arc::clone(&store) as _;
        let checkpoints: Arc<dyn ReadModelStore> = store;
        let (shared, reports) = Shared::new(sealed, self.clock, events, checkpoints);
        let shared = Arc::new(shared);
        let mut follower = Follower::new(Arc::clone(&shared));
        register(&shared, &mut follower).await?;
        let tasks = Tasks::new();
        if let Some(join) = self.join {
            let node = take_part(&shared, &mut follower, join).await?;
            tasks.spawn(format!("beats of node {}", node.id()), beat(node, tasks.signal()));
        }
        tasks.spawn("control of functions".to_owned(), follower.run(tasks.signal()));
        tasks.spawn(
            "reports of functions".to_owned(),
            crate::function::reports::record(Arc::clone(&shared), reports, tasks.signal()),
        );
        if self.follow_log {
            for (index, entry) in shared.entries.iter().enumerate() {
                if let Some(seat) = entry.seat {
                    let worker = Worker::new(Arc::clone(&shared), index, seat);
                    tasks.spawn(format!("function {}", entry.name), worker.run(tasks.signal()));
                }
            }
        }
        Ok(FunctionManager { inner: Arc::new(Inner { shared, tasks }), registry: PhantomData })
    }
}

impl<R, S> fmt::Debug for FunctionManagerBuilder<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionManagerBuilder")
            .field("follow_log", &self.follow_log)
            .finish_non_exhaustive()
    }
}
