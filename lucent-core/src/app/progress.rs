//! How far a projection has come, for its worker and for those who ask.
//!
//! Invariant: a projection that will not move on without help says why.

use std::time::Duration;

use tokio::time::Instant;

use crate::{position::Position, projection::Consistency, query::StuckCause, store::ProjectionId};

/// How far a worker has come.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) position: Position,
    pub(crate) head: Position,
    pub(crate) caught_up: bool,
    pub(crate) failure: Option<String>,
    /// Why it will not move on without help.
    pub(crate) stuck: Option<StuckCause>,
    /// When the position changed last.
    pub(crate) moved: Instant,
    /// Where and when this process began.
    pub(crate) began: (Position, Instant),
}

/// How far a projection has come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProjectionStatus {
    /// Which projection.
    pub projection: ProjectionId,
    /// When it sees events.
    pub consistency: Consistency,
    /// What it is doing.
    pub state: ProjectionState,
    /// The last position that it has seen.
    pub position: Position,
    /// The end of the log, as the projection knows it.
    pub head: Position,
    /// How many positions it is behind the end of the log.
    pub lag: u64,
    /// How long ago it moved last.
    pub idle: Duration,
    /// Whether it had seen the whole log at least once since the start.
    pub caught_up: bool,
    /// How fast this process builds it, while it has not seen the whole log.
    pub pace: Option<Pace>,
    /// The version that queries are answered from.
    pub active_version: u32,
    /// How many keys have parked events.
    pub parked_keys: usize,
    /// Why it does not move on, if it keeps failing.
    pub failure: Option<String>,
    /// How far each partition has come, in their order; empty if it has none.
    pub partitions: Vec<PartitionStatus>,
}

/// How far a partition of a projection has come. What other processes have done is known from this
/// one's last look at the store, four times in the
/// [lease duration](crate::AppBuilder::lease_duration).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PartitionStatus {
    /// Which one, counted from 0.
    pub index: u32,
    /// The last position that it has seen.
    pub position: Position,
    /// How many keys have parked events.
    pub parked_keys: usize,
    /// Whether this process works on it.
    pub is_here: bool,
    /// Why it does not move on, if it keeps failing in this process.
    pub failure: Option<String>,
}

/// What a projection is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProjectionState {
    /// It has not seen the whole log yet.
    Building,
    /// It takes events as they come.
    Following,
    /// It fails, and is tried again.
    Failing,
    /// It has seen the whole log, and parked what the version before it has not: queries are answered
    /// from that one until the parked events are retried or dropped, or the version is activated.
    Held,
    /// Building it was cancelled.
    Cancelled,
    /// Its worker was stopped.
    Stopped,
}

/// How fast a read model is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pace {
    /// Positions of the log per second, on average since this process began.
    pub events_per_second: u64,
    /// How long the rest takes at this pace; unknown before the first step.
    pub remaining: Option<Duration>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            position: Position::ZERO,
            head: Position::ZERO,
            caught_up: false,
            failure: None,
            stuck: None,
            moved: now,
            began: (Position::ZERO, now),
        }
    }

    pub(crate) fn state(&self) -> ProjectionState {
        match &self.stuck {
            Some(StuckCause::Cancelled) => ProjectionState::Cancelled,
            Some(StuckCause::Stopped) => ProjectionState::Stopped,
            Some(StuckCause::Held { .. }) => ProjectionState::Held,
            Some(_) => ProjectionState::Failing,
            None if self.failure.is_some() => ProjectionState::Failing,
            None if self.caught_up => ProjectionState::Following,
            None => ProjectionState::Building,
        }
    }

    pub(crate) fn pace(&self) -> Pace {
        let (from, since) = self.began;
        let done = self.position.get().saturating_sub(from.get());
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let left = self.head.get().saturating_sub(self.position.get());
        Pace {
            events_per_second: done.saturating_mul(1_000) / millis,
            remaining: (left.saturating_mul(millis)).checked_div(done).map(Duration::from_millis),
        }
    }
}
