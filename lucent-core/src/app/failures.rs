//! How often events have failed that are not parked yet.
//!
//! Invariant: each event is counted by itself in each line that it would be parked in.

use std::collections::HashMap;

use crate::{
    app::running::RunningProjection,
    position::Position,
    projection::{ProjectionError, ProjectionStep},
    store::ParkedKey,
};

/// The failures of the events of a page.
#[derive(Debug, Default)]
pub(crate) struct Failures(HashMap<(ParkedKey, Position), u32>);

impl Failures {
    /// Counts what failed in a step, and gives the first failure that is to be tried again, with how
    /// often it has failed.
    pub(crate) fn first_to_retry(
        &mut self,
        step: &ProjectionStep,
        running: &RunningProjection,
    ) -> Option<(ProjectionError, u32)> {
        let mut again = None;
        for parked in &step.parked {
            let Some(error) = parked.to_error(&running.id) else { continue };
            let failures = self.0.entry((parked.key.clone(), parked.position)).or_default();
            *failures = failures.saturating_add(1);
            if again.is_none() && !running.policy.gives_up_after(*failures) {
                again = Some((error, *failures));
            }
        }
        again
    }

    /// Forgets them, since the page is taken.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
