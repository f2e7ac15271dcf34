//! Everything that the store holds, and how an append changes it.
//!
//! Invariant: an append first checks and works out, and only then writes; writing cannot fail, so
//! a panic of a projection leaves the state whole.

use crate::{
    event::{CommandId, RecordedEvent},
    memory::{
        inline::InlineStep,
        leases::Leases,
        log::{Index, Log},
        read_models::ReadModels,
        snapshots::Snapshots,
    },
    position::Version,
    store::{
        Append, AppendCondition, AppendError, Appended, CommitError, Fence, ProjectionCommit,
        Replacement, StreamWrite,
    },
};

/// Everything that the store holds.
#[derive(Default)]
pub(super) struct State {
    pub(super) log: Log,
    pub(super) commands: Index<CommandId, Appended>,
    pub(super) read_models: ReadModels,
    pub(super) snapshots: Snapshots,
    pub(super) leases: Leases,
}

impl State {
    /// Appends a batch that was validated.
    pub(super) fn append(&mut self, append: Append) -> Result<Appended, AppendError> {
        if let Some(first) = append.command.and_then(|id| self.commands.get(&id)) {
            // A repeated command is rare, and its reply is shared.
            return Ok(first.clone());
        }
        if let Some(joined) = append.joined.iter().find(|one| self.commands.contains_key(&one.id)) {
            return Err(AppendError::CommandKnown { command: joined.id });
        }
        let versions = self.check_versions(&append.writes)?;
        if let Some(condition) = &append.condition {
            self.check_condition(condition)?;
        }
        let before = match &append.writes[..] {
            [write] if !append.joined.is_empty() => self.log.version(&write.stream),
            _ => Version::ZERO,
        };
        if append.inline.as_slice().is_empty() || append.event_count() == 0 {
            for write in append.writes {
                self.log.extend(write);
            }
        } else {
            let events = self.place(append.writes);
            let steps = append.inline.as_slice().iter().map(|projection| {
                InlineStep::of(&**projection, &self.log, &self.read_models, &events)
            });
            let steps = steps.collect::<Result<Vec<_>, _>>()?;
            self.log.extend_recorded(events);
            for step in steps {
                step.apply(&mut self.read_models);
            }
        }
        let mut appended =
            Appended { position: self.log.head(), versions, repeated: false, reply: append.reply };
        for joined in append.joined {
            let outcome = joined.outcome(appended.position, before);
            self.commands.insert(joined.id, outcome);
        }
        if let Some(command) = append.command {
            let first = Appended { repeated: true, ..appended.clone() };
            self.commands.insert(command, first);
        } else {
            appended.reply = None;
        }
        Ok(appended)
    }

    /// Takes a step of a projection, if its fence is the current one.
    pub(super) fn commit_projection(
        &mut self,
        commit: ProjectionCommit,
    ) -> Result<(), CommitError> {
        commit.refuse_events()?;
        if let Some(fence) = &commit.fence
            && let Err(held_by) = self.leases.check(fence)
        {
            let lease = fence.lease.clone();
            return Err(CommitError::LeaseLost { projection: commit.projection, lease, held_by });
        }
        self.read_models.commit(commit)
    }

    /// Puts what was built into its places, if the fence is the current one.
    pub(super) fn replace_projections(
        &mut self,
        replacements: &[Replacement],
        fence: Option<&Fence>,
    ) -> Result<(), CommitError> {
        if let (Some(fence), Some(first)) = (fence, replacements.first())
            && let Err(held_by) = self.leases.check(fence)
        {
            let (projection, lease) = (first.place.clone(), fence.lease.clone());
            return Err(CommitError::LeaseLost { projection, lease, held_by });
        }
        self.read_models.replace(replacements)
    }

    /// Checks what the writes expect, and gives the versions that they will make.
    fn check_versions(&self, writes: &[StreamWrite]) -> Result<Vec<Version>, AppendError> {
        let mut versions = Vec::with_capacity(writes.len());
        for write in writes {
            let found = self.log.version(&write.stream);
            write.expected.check(&write.stream, found)?;
            versions.push(found.plus(write.events.len()));
        }
        Ok(versions)
    }

    fn check_condition(&self, condition: &AppendCondition) -> Result<(), AppendError> {
        let after = condition.after;
        match self.log.first_match(&condition.query, after) {
            None => Ok(()),
            Some(found) => Err(AppendError::ConditionFailed { after, found }),
        }
    }

    /// The events as they will stand in the log.
    fn place(&self, writes: Vec<StreamWrite>) -> Vec<RecordedEvent> {
        let mut position = self.log.head();
        let mut placed = Vec::new();
        for write in writes {
            let mut version = self.log.version(&write.stream);
            for event in write.events {
                version = version.next();
                position = position.next();
                placed.push(event.into_recorded(write.stream.clone(), version, position));
            }
        }
        placed
    }
}
