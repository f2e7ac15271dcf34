//! The rules of all functions at one time, shared by all calls.
//!
//! Invariant: a call holds the table that it was routed by until it ends. So when the last holder of
//! a table is gone, no call runs that was routed by it, and none will start.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;

use crate::{function::route::Route, position::Position};

/// The routes of all functions, by index.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) routes: Vec<Arc<Route>>,
    epoch: Position,
    live: Live,
}

/// How many tables of each epoch are held by somebody.
#[derive(Clone, Debug)]
pub(crate) struct Live(Arc<watch::Sender<Epochs>>);

type Epochs = BTreeMap<Position, u32>;

impl Table {
    pub(crate) fn new(routes: Vec<Arc<Route>>, epoch: Position, live: &Live) -> Self {
        live.0.send_modify(|epochs| {
            *epochs.entry(epoch).or_default() += 1;
        });
        Self { routes, epoch, live: live.clone() }
    }

    /// The last change of control that the table knows.
    pub(crate) fn epoch(&self) -> Position {
        self.epoch
    }
}

impl Drop for Table {
    /// The last call that was routed by this table has ended.
    fn drop(&mut self) {
        self.live.0.send_modify(|epochs| {
            if let Some(count) = epochs.get_mut(&self.epoch) {
                *count -= 1;
                if *count == 0 {
                    epochs.remove(&self.epoch);
                }
            }
        });
    }
}

impl Live {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Waits until every table that anybody holds knows a change. Cancel safe.
    pub(crate) async fn all_know(&self, change: Position) {
        let mut live = self.0.subscribe();
        // The sender is this very value, so it cannot be gone.
        drop(live.wait_for(|epochs| oldest(epochs).is_some_and(|epoch| epoch >= change)).await);
    }

    /// Waits until there is a table that knows more than this one. Cancel safe.
    pub(crate) async fn newer_than(&self, epoch: Position) {
        let mut live = self.0.subscribe();
        let newer =
            |epochs: &Epochs| epochs.last_key_value().is_some_and(|(last, _)| *last > epoch);
        drop(live.wait_for(newer).await);
    }

    /// The oldest table that somebody holds.
    pub(crate) fn oldest(&self) -> Option<Position> {
        oldest(&self.0.borrow())
    }
}

fn oldest(epochs: &Epochs) -> Option<Position> {
    epochs.first_key_value().map(|(epoch, _)| *epoch)
}
