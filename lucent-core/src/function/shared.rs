//! What the calls, the orders and the tasks of one manager share.
//!
//! Invariant: a call only loads the table and moves atomic counters; it takes no lock and waits for
//! nobody. Everything that writes to the store happens in a task.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    hash::BuildHasherDefault,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::{
    function::{
        Declaration, EditionId, FunctionEvent, GuardFault, Refusal, Routed, ShadowDiffered, Terms,
        breaker::Breaker,
        dispatch::Receive,
        fanout::{ByType, FanOut, Seat},
        fence::{Fence, Rules},
        policy::Policy,
        roster::{Family, Sealed},
        route::Route,
        table::{Live, Table},
        trial::Trial,
    },
    mesh::MeshNode,
    position::{Position, Version},
    store::{EventStore, ReadModelStore},
    time::Clock,
};

/// What everything of a manager shares.
pub(crate) struct Shared {
    pub(crate) table: ArcSwap<Table>,
    /// Sorted by name.
    pub(crate) entries: Vec<Entry>,
    index: HashMap<TypeId, usize, BuildHasherDefault<ByType>>,
    pub(crate) fan_out: FanOut,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<dyn EventStore>,
    pub(crate) checkpoints: Arc<dyn ReadModelStore>,
    pub(crate) live: Live,
    rules: Mutex<Rules>,
    pub(crate) fence: Fence,
    /// The node by which this process shares calls with others, once it has joined them.
    pub(crate) node: OnceLock<MeshNode>,
    tripped: mpsc::UnboundedSender<GuardTripped>,
    differed: mpsc::Sender<(usize, ShadowDiffered)>,
}

/// A function, as far as it never changes while the program runs.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) declaration: Declaration,
    pub(crate) editions: Vec<(EditionId, Terms)>,
    /// A `Family<F>`.
    pub(crate) family: Arc<dyn Any + Send + Sync>,
    pub(crate) seat: Option<Seat>,
    /// Runs a call of another node; none if its calls do not travel.
    pub(crate) receive: Option<Receive>,
    /// One per edition.
    pub(crate) breakers: Vec<Breaker>,
    shadow: ShadowCounts,
}

#[derive(Debug, Default)]
struct ShadowCounts {
    compared: AtomicU64,
    differed: AtomicU64,
    unrecorded: AtomicU64,
}

/// How the results of a shadow compare, as this process has seen them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ShadowReport {
    /// How many calls were run twice.
    pub compared: u64,
    /// In how many of them the results differed.
    pub differed: u64,
    /// How many of these were not recorded, for there were too many to keep up with.
    pub unrecorded: u64,
}

/// A guard has seen enough of the rollout that was set at a position.
#[derive(Debug)]
pub(crate) struct GuardTripped {
    pub(crate) index: usize,
    pub(crate) set_at: Position,
    pub(crate) fault: GuardFault,
}

/// The receiving ends of what calls report.
pub(crate) struct Reports {
    pub(crate) tripped: mpsc::UnboundedReceiver<GuardTripped>,
    pub(crate) differed: mpsc::Receiver<(usize, ShadowDiffered)>,
}

impl Shared {
    pub(crate) fn new(
        functions: Vec<Sealed>,
        clock: Arc<dyn Clock>,
        events: Arc<dyn EventStore>,
        checkpoints: Arc<dyn ReadModelStore>,
    ) -> (Self, Reports) {
        let mut fan_out = FanOut::default();
        let mut index = HashMap::default();
        for (number, function) in functions.iter().enumerate() {
            index.insert(function.of, number);
            if function.seat.is_some() {
                (function.sit)(&mut fan_out, number);
            }
        }
        let entries: Vec<Entry> = functions.into_iter().map(Entry::from).collect();
        let live = Live::new();
        let rules = Rules::new(&entries);
        let table = rules.table(&live);
        let (tripped, tripped_reports) = mpsc::unbounded_channel();
        let (differed, differed_reports) = mpsc::channel(DIFFERENCES);
        let shared = Self {
            table: ArcSwap::from_pointee(table),
            entries,
            index,
            fan_out,
            clock,
            events,
            checkpoints,
            live,
            rules: Mutex::new(rules),
            fence: Fence::default(),
            node: OnceLock::new(),
            tripped,
            differed,
        };
        (shared, Reports { tripped: tripped_reports, differed: differed_reports })
    }

    /// The index of a function.
    pub(crate) fn index_of<F: Routed>(&self) -> Result<usize, Refusal> {
        let found = self.index.get(&TypeId::of::<F>()).copied();
        found.ok_or_else(|| Refusal::NotManaged { function: F::name() })
    }

    /// The index of the function of this name.
    pub(crate) fn index_of_name(&self, name: &str) -> Option<usize> {
        self.entries.binary_search_by_key(&name, |entry| entry.name).ok()
    }

    /// The control of a function, as far as it is applied.
    pub(crate) fn policy(&self, index: usize) -> Policy {
        self.rules().policies[index].clone()
    }

    /// Takes the control events up to a position in and swaps the table. Events of functions that this
    /// program does not have only move the epoch.
    pub(crate) fn apply(&self, changes: &[Change], through: Position) {
        self.change_rules(|rules| rules.apply(&self.entries, changes, through));
    }

    /// Changes the rules and swaps the table, if there is anything to change.
    pub(crate) fn change_rules(&self, change: impl FnOnce(&mut Rules) -> bool) {
        let mut rules = self.rules();
        if change(&mut rules) {
            // The old table lives on until the last call that it routed has ended.
            drop(self.table.swap(Arc::new(rules.table(&self.live))));
        }
    }

    pub(crate) fn guard_tripped(&self, tripped: GuardTripped) {
        // Without its task, the manager is shutting down.
        drop(self.tripped.send(tripped));
    }

    /// Counts a comparison, and hands a difference to the task that records them.
    pub(crate) fn compared(&self, index: usize, differed: Option<ShadowDiffered>) {
        let counts = &self.entries[index].shadow;
        counts.compared.fetch_add(1, Ordering::Relaxed);
        let Some(differed) = differed else { return };
        counts.differed.fetch_add(1, Ordering::Relaxed);
        if self.differed.try_send((index, differed)).is_err() {
            counts.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = self.table.load().epoch();
        write!(f, "{} functions at epoch {epoch}", self.entries.len())
    }
}

/// A control event of one of this program's functions.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) index: usize,
    pub(crate) event: FunctionEvent,
    pub(crate) version: Version,
    pub(crate) position: Position,
}

impl Entry {
    /// The rules of a policy; a rollout that goes on keeps its trial.
    pub(crate) fn route(&self, policy: &Policy, old: Option<&Arc<Route>>) -> Arc<Route> {
        let denied = self.declaration.denied_jurisdictions;
        let running = old.and_then(|old| old.rollout.as_ref()).map(|route| &route.trial);
        let route =
            policy.route(self.name, denied, &self.editions, |rollout, set_at| {
                match running.filter(|trial| trial.set_at() == set_at) {
                    Some(trial) => Arc::clone(trial),
                    None => Arc::new(Trial::new(set_at, rollout.guard.clone())),
                }
            });
        Arc::new(route)
    }

    /// What the function has that is of its own types.
    pub(crate) fn family<F: Routed>(&self) -> &Family<F> {
        let family = self.family.downcast_ref();
        family.expect("an entry holds the family of its own type")
    }

    pub(crate) fn shadow_report(&self) -> ShadowReport {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let ShadowCounts { compared, differed, unrecorded } = &self.shadow;
        ShadowReport {
            compared: read(compared),
            differed: read(differed),
            unrecorded: read(unrecorded),
        }
    }
}

impl From<Sealed> for Entry {
    fn from(function: Sealed) -> Self {
        let Sealed { name, declaration, editions, family, seat, receive, .. } = function;
        let breakers = editions.iter().map(|_| Breaker::default()).collect();
        Self {
            name,
            declaration,
            editions,
            family,
            seat,
            receive,
            breakers,
            shadow: ShadowCounts::default(),
        }
    }
}

/// How many differences may wait to be recorded.
const DIFFERENCES: usize = 256;
