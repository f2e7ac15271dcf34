//! The rules of all functions, and what stops them while this node does not know the others.
//!
//! Invariant: while the fence is up, no call begins here but a replay of what is on record; it is
//! taken down only after everything was read that was written in the meantime.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    function::{
        policy::Policy,
        route::Route,
        shared::{Change, Entry, Shared},
        table::{Live, Table},
    },
    mesh::Contact,
    position::Position,
};

/// What tables are made of.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) policies: Vec<Policy>,
    routes: Vec<Arc<Route>>,
    epoch: Position,
    /// Why nothing runs here, if that is so.
    fenced: Option<&'static str>,
}

impl Rules {
    /// The rules before anything is known.
    pub(crate) fn new(entries: &[Entry]) -> Self {
        let policies = vec![Policy::default(); entries.len()];
        let routes = entries.iter().zip(&policies).map(|(entry, policy)| entry.route(policy, None));
        Self { routes: routes.collect(), policies, epoch: Position::ZERO, fenced: None }
    }

    /// Takes the control events up to a position in; says whether that changed anything.
    pub(crate) fn apply(
        &mut self,
        entries: &[Entry],
        changes: &[Change],
        through: Position,
    ) -> bool {
        if through <= self.epoch {
            return false;
        }
        self.epoch = through;
        for Change { index, event, version, position } in changes {
            self.policies[*index].apply(event, *version, *position);
        }
        for &Change { index, .. } in changes {
            let old = Arc::clone(&self.routes[index]);
            self.routes[index] = entries[index].route(&self.policies[index], Some(&old));
        }
        true
    }

    /// The table of these rules.
    pub(crate) fn table(&self, live: &Live) -> Table {
        match self.fenced {
            None => Table::new(self.routes.clone(), self.epoch, live),
            Some(because) => {
                let routes = self.routes.iter().map(|route| Arc::new(route.alone(because)));
                // Nothing that could be ordered is disobeyed by what does not run.
                Table::new(routes.collect(), Position::new(u64::MAX), live)
            }
        }
    }
}

/// Hears of contact with the other nodes.
#[derive(Debug)]
pub(crate) struct Fence(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// There is nothing to take down.
    Down,
    /// Calls are stopped.
    Up,
    /// Calls are stopped, and the others are heard of again.
    Liftable,
    /// Calls are stopped for good.
    Final,
}

impl Default for Fence {
    fn default() -> Self {
        Self(watch::Sender::new(State::Down))
    }
}

impl Fence {
    /// Waits until the fence may be taken down. Cancel safe.
    pub(crate) async fn contact(&self) {
        let mut state = self.0.subscribe();
        // The sender is this very value, so it cannot be gone.
        drop(state.wait_for(|state| *state == State::Liftable).await);
    }
}

impl Shared {
    /// Stops calls until the others are known.
    pub(crate) fn raise_fence(&self) {
        self.move_fence(State::Up, |rules| rules.fenced.replace(ALONE).is_none());
    }

    /// Hears whether the others are known.
    pub(crate) fn contact(&self, contact: Contact) {
        match contact {
            Contact::Lost => self.raise_fence(),
            Contact::Held => {
                self.fence.0.send_if_modified(|state| {
                    let liftable = *state == State::Up;
                    if liftable {
                        *state = State::Liftable;
                    }
                    liftable
                });
            }
        }
    }

    /// Lets calls run again, if the others are still known.
    pub(crate) fn lift_fence(&self) {
        self.change_rules(|rules| {
            let lifted = self.fence.0.send_if_modified(|state| {
                let liftable = *state == State::Liftable;
                if liftable {
                    *state = State::Down;
                }
                liftable
            });
            lifted && rules.fenced.take().is_some()
        });
    }

    /// Stops calls for good.
    pub(crate) fn leave(&self) {
        self.move_fence(State::Final, |rules| {
            rules.fenced = Some(LEFT);
            true
        });
    }

    /// Both under the lock of the rules, so that neither can overtake the other.
    fn move_fence(&self, to: State, change: impl FnOnce(&mut Rules) -> bool) {
        self.change_rules(|rules| {
            let moved = self.fence.0.send_if_modified(|state| {
                let moves = *state != State::Final && *state != to;
                if moves {
                    *state = to;
                }
                moves
            });
            moved && change(rules)
        });
    }
}

/// Why nothing runs on a node that does not know the others.
const ALONE: &str = "this node has not reached the others for so long that they may have been told otherwise; it runs again when it reaches them";

/// Why nothing runs on a node that has left.
const LEFT: &str = "this node has left the others";
