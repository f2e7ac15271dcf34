//! The counts of guarded rollouts, added up among nodes.
//!
//! Invariant: counts are added only if they are of one rollout, which is known by the position at which it
//! was set. A guard that the sum trips is told of once, as one that trips by the calls of this process.

use std::sync::Arc;

use crate::{
    function::{
        Tally,
        shared::{GuardTripped, Shared},
        trial::Trial,
    },
    mesh::Counts,
};

/// What this process has counted.
pub(crate) fn here(shared: &Shared) -> Counts {
    let mut counts = Counts::new();
    each(shared, |_, name, trial| {
        let Tally { calls, failed, slow } = trial.tally();
        if calls > 0 {
            counts.insert(name, [calls, failed, slow]);
        }
    });
    counts
}

/// Has each guard judge the calls of all nodes.
pub(crate) fn add_up(shared: &Shared, elsewhere: &Counts) {
    each(shared, |index, name, trial| {
        let Some(&[calls, failed, slow]) = elsewhere.get(&name) else { return };
        if let Some(fault) = trial.judge_with(Tally { calls, failed, slow }) {
            shared.guard_tripped(GuardTripped { index, set_at: trial.set_at(), fault });
        }
    });
}

/// Visits the rollouts whose guards have not tripped, each under a name that all nodes give it.
fn each(shared: &Shared, mut visit: impl FnMut(usize, Arc<str>, &Trial)) {
    let table = shared.table.load();
    for (index, (entry, route)) in shared.entries.iter().zip(&table.routes).enumerate() {
        let trial = route.rollout.as_ref().map(|rollout| &rollout.trial);
        if let Some(trial) = trial.filter(|trial| trial.is_guarded()) {
            visit(index, format!("{} {}", entry.name, trial.set_at()).into(), trial);
        }
    }
}
