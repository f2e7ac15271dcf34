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
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use crate::{
    function::{
        Declaration, EditionId, FunctionEvent, GuardFault, Refusal, Routed, ShadowDiffered, Terms,
        breaker::Breaker,
        fanout::{ByType, FanOut, Seat},
        policy::Policy,
        roster::Sealed,
        route::Route,
        table::{Live, Table},
        trial::Trial,
    },
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
    policies: Mutex<Vec<Policy>>,
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
        let policies = vec![Policy::default(); entries.len()];
        let live = Live::new();
        let routes = entries.iter().zip(&policies).map(|(entry, policy)| entry.route(policy, None));
        let table = Table::new(routes.collect(), Position::ZERO, &live);
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
            policies: Mutex::new(policies),
            tripped,
            differed,
        };
        (shared, Reports { tripped: tripped_reports, differed: differed_reports })
    }

    /// The index of a function.
    pub(crate) fn index_of<F: Routed>(&self) -> Result<usize, Refusal> {
        let found = self.index.get(&TypeId::of::<F>()).copied();
        found.ok_or(Refusal::NotManaged { function: F::NAME })
    }

    /// The index of the function of this name.
    pub(crate) fn index_of_name(&self, name: &str) -> Option<usize> {
        self.entries.binary_search_by_key(&name, |entry| entry.name).ok()
    }

    /// The control of a function, as far as it is applied.
    pub(crate) fn policy(&self, index: usize) -> Policy {
        self.policies()[index].clone()
    }

    /// Takes control events in and swaps the table. Events of functions that this program does not
    /// have only move the epoch.
    pub(crate) fn apply(&self, changes: &[Change]) {
        let Some(last) = changes.last() else { return };
        let old = self.table.load_full();
        let mut routes = old.routes.clone();
        {
            let mut policies = self.policies();
            for Change { index, event, version, position } in changes {
                policies[*index].apply(event, *version, *position);
            }
            for &Change { index, .. } in changes {
                let entry = &self.entries[index];
                routes[index] = entry.route(&policies[index], Some(&old.routes[index]));
            }
        }
        drop(old);
        let table = Table::new(routes, last.position, &self.live);
        // The old table lives on until the last call that it routed has ended.
        drop(self.table.swap(Arc::new(table)));
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

    fn policies(&self) -> MutexGuard<'_, Vec<Policy>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn route(&self, policy: &Policy, old: Option<&Arc<Route>>) -> Arc<Route> {
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
        let Sealed { name, declaration, editions, family, seat, .. } = function;
        let breakers = editions.iter().map(|_| Breaker::default()).collect();
        Self {
            name,
            declaration,
            editions,
            family,
            seat,
            breakers,
            shadow: ShadowCounts::default(),
        }
    }
}

/// How many differences may wait to be recorded.
const DIFFERENCES: usize = 256;
