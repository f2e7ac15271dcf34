//! Judges a batch in memory, append by append, each on top of the winners before it.
//!
//! Invariant: a verdict depends only on the log up to the head and on what the draft asks the
//! server to confirm; a refused append leaves no trace in the draft.

use std::collections::HashMap;

use lucent_core::{
    CommandId, Position, StreamId, Tag, Version,
    store::{AppendError, Appended, EventQuery, ExpectedVersion},
};
use uuid::Uuid;

use crate::writer::{
    knowledge::Knowledge,
    request::{Condition, EncodedAppend, EncodedWrite},
    state::LockedState,
};

/// The batch so far.
pub(crate) struct Draft<'a> {
    knowledge: &'a Knowledge,
    /// What was read under the lock; without it, what is not known is left to the server.
    state: Option<&'a LockedState>,
    pub(crate) start: u64,
    pub(crate) head: u64,
    versions: HashMap<StreamId, Standing>,
    winners: Vec<&'a EncodedAppend>,
    commands: HashMap<CommandId, Appended>,
    /// Streams whose version the server is asked for, and what it must be.
    pub(crate) asked: Vec<Asked>,
    /// Command ids that the server must not know.
    pub(crate) new_commands: Vec<Uuid>,
    /// Tags that no event of the log after a position must have.
    pub(crate) free: Vec<(&'a Tag, u64)>,
}

/// A stream whose version the server is asked for.
pub(crate) struct Asked {
    pub(crate) stream: StreamId,
    /// The version; [`ANY`] or [`SOME`] if it is only wanted to know.
    pub(crate) expected: i64,
}

/// The version of a stream at some point of the batch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing {
    Known(u64),
    /// So many events after what the server will say to a question.
    After {
        question: usize,
        grown: u64,
    },
}

/// What comes of an append, if the draft is written.
pub(crate) enum Verdict {
    /// Its events stand from `first` on, on top of these versions.
    Won {
        first: u64,
        found: Vec<Standing>,
    },
    Repeated(Appended),
    Refused(AppendError),
    /// It must wait for what the server says to a question of this batch.
    Later,
    /// Its condition must be checked on the log again.
    CheckAgain,
    /// It cannot be judged without reading first.
    Unknown,
}

impl<'a> Draft<'a> {
    /// Starts at a head.
    pub(crate) fn new(knowledge: &'a Knowledge, state: Option<&'a LockedState>, head: u64) -> Self {
        Self {
            knowledge,
            state,
            start: head,
            head,
            versions: HashMap::new(),
            winners: Vec::new(),
            commands: HashMap::new(),
            asked: Vec::new(),
            new_commands: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Judges an append; one that wins is to be [accepted](Self::accept).
    pub(crate) fn judge(&mut self, append: &'a EncodedAppend) -> Verdict {
        if let Some(command) = append.command {
            match self.first_outcome(command) {
                Some(first) => return Verdict::Repeated(first),
                None if self.state.is_none() => self.new_commands.push(command.uuid()),
                None => {}
            }
        }
        for joined in &append.joined {
            if self.first_outcome(joined.id).is_some() {
                return Verdict::Refused(AppendError::CommandKnown { command: joined.id });
            }
            if self.state.is_none() {
                self.new_commands.push(joined.id.uuid());
            }
        }
        let asked = self.asked.len();
        let verdict = self.judge_writes(append);
        if !matches!(verdict, Verdict::Won { .. } | Verdict::Refused(_)) {
            self.asked.truncate(asked);
        }
        verdict
    }

    /// Takes a winner in.
    pub(crate) fn accept(&mut self, append: &'a EncodedAppend, found: &[Standing]) {
        for (write, &found) in append.writes.iter().zip(found) {
            let count = write.events.len() as u64;
            let standing = match found {
                Standing::Known(version) => Standing::Known(version + count),
                Standing::After { question, grown } => {
                    Standing::After { question, grown: grown + count }
                }
            };
            self.versions.insert(write.stream.clone(), standing);
        }
        self.head += append.event_count() as u64;
        for joined in &append.joined {
            let outcome = joined.outcome(Position::new(self.head), before(found));
            self.commands.insert(joined.id, outcome);
        }
        if let Some(command) = append.command {
            let outcome = Self::outcome(append, self.head, found, &[]);
            self.commands.insert(command, Appended { repeated: true, ..outcome });
        }
        self.winners.push(append);
    }

    /// What a winner's caller is told; `answers` are the server's to the questions.
    pub(crate) fn outcome(
        append: &EncodedAppend,
        last: u64,
        found: &[Standing],
        answers: &[i64],
    ) -> Appended {
        let versions =
            append.writes.iter().zip(found).map(|(write, found)| {
                Version::new(found.resolve(answers)).plus(write.events.len())
            });
        Appended {
            position: Position::new(last),
            versions: versions.collect(),
            repeated: false,
            reply: append.command.and_then(|_| append.reply.clone()),
        }
    }

    /// The streams that the batch changes or has learned of, and where they stand.
    pub(crate) fn into_versions(self) -> HashMap<StreamId, Standing> {
        self.versions
    }

    fn first_outcome(&self, command: CommandId) -> Option<Appended> {
        let first = self.commands.get(&command);
        let first = first.or_else(|| self.state?.commands.get(&command));
        // A repeated command is rare, and its reply is shared.
        first.cloned()
    }

    fn judge_writes(&mut self, append: &'a EncodedAppend) -> Verdict {
        let mut found = Vec::with_capacity(append.writes.len());
        for write in &append.writes {
            let standing = match self.standing(write, append.command_ids().next().is_some()) {
                Ok(standing) => standing,
                Err(verdict) => return verdict,
            };
            let version = match standing {
                Standing::Known(version) => version,
                Standing::After { .. } => {
                    found.push(standing);
                    continue;
                }
            };
            if let Err(conflict) = write.expected.check(&write.stream, Version::new(version)) {
                return Verdict::Refused(conflict.into());
            }
            found.push(standing);
        }
        if let Some(condition) = &append.condition
            && let Err(verdict) = self.check(condition)
        {
            return verdict;
        }
        Verdict::Won { first: self.head + 1, found }
    }

    /// Where a stream stands, or the question that the server will answer.
    fn standing(&mut self, write: &EncodedWrite, has_command: bool) -> Result<Standing, Verdict> {
        let stream = &write.stream;
        if let Some(&standing) = self.versions.get(stream) {
            let Standing::After { grown, question } = standing else {
                return Ok(standing);
            };
            let certain = match write.expected {
                ExpectedVersion::Any => true,
                ExpectedVersion::StreamExists => grown > 0 || self.asked[question].expected == SOME,
                ExpectedVersion::NoStream | ExpectedVersion::Exact(_) => false,
            };
            let tellable = !write.events.is_empty() && !has_command;
            return if certain && tellable { Ok(standing) } else { Err(Verdict::Later) };
        }
        let known = self.state.and_then(|state| state.versions.get(stream).copied());
        if let Some(version) = known.or_else(|| self.knowledge.version(stream)) {
            return Ok(Standing::Known(version));
        }
        let (expected, standing) = match write.expected {
            ExpectedVersion::NoStream => (0, Standing::Known(0)),
            ExpectedVersion::Exact(version) => {
                (crate::row::to_sql(version.get()), Standing::Known(version.get()))
            }
            // Such an append tells a version that only the server knows.
            _ if write.events.is_empty() || has_command => return Err(Verdict::Unknown),
            ExpectedVersion::Any => (ANY, self.next_question()),
            ExpectedVersion::StreamExists => (SOME, self.next_question()),
        };
        self.asked.push(Asked { stream: stream.clone(), expected });
        Ok(standing)
    }

    fn next_question(&self) -> Standing {
        Standing::After { question: self.asked.len(), grown: 0 }
    }

    fn check(&mut self, condition: &'a Condition) -> Result<(), Verdict> {
        let after = condition.asked.after;
        let failed = |found| Err(Verdict::Refused(AppendError::ConditionFailed { after, found }));
        if let Some(found) = condition.checked.found {
            return failed(found);
        }
        let query = &condition.asked.query;
        let mut from = condition.checked.through.get();
        if self.state.is_none()
            && from + NEAR < self.start
            && let Some(tags) = condition.one_tag_each()
        {
            // If no event has the tag, none matches. If one has, the batch is judged once more.
            self.free.extend(tags.map(|tag| (tag, from)));
            from = self.start;
        }
        if from < self.knowledge.recent_after() {
            return Err(Verdict::CheckAgain);
        }
        match self.first_match(query, from) {
            Some(found) => failed(Position::new(found)),
            None => Ok(()),
        }
    }

    /// The first event after a position that matches: of the log, then of the batch.
    fn first_match(&self, query: &EventQuery, after: u64) -> Option<u64> {
        if after >= self.head {
            return None;
        }
        let known = self.knowledge.first_match(query, after);
        known.or_else(|| {
            let events = self.winners.iter().flat_map(|append| append.events());
            let matching = (self.start + 1..).zip(events).filter(|(position, _)| *position > after);
            matching
                .filter(|(_, one)| query.matches(&one.event.event_type, &one.event.tags))
                .map(|(position, _)| position)
                .next()
        })
    }
}

/// The version of the one stream of an append with joined commands, which is known: the outcomes of
/// commands are told by it.
pub(crate) fn before(found: &[Standing]) -> Version {
    Version::new(found.first().map_or(0, |standing| standing.resolve(&[])))
}

impl Standing {
    /// The version, once the server has answered.
    pub(crate) fn resolve(self, answers: &[i64]) -> u64 {
        match self {
            Self::Known(version) => version,
            Self::After { question, grown } => {
                crate::row::from_sql(answers.get(question).copied().unwrap_or_default()) + grown
            }
        }
    }
}

/// How many events are looked through in memory rather than asked of the server.
const NEAR: u64 = 256;

/// The question for a version, whatever it is.
pub(crate) const ANY: i64 = -1;

/// The question for a version that must not be zero.
pub(crate) const SOME: i64 = -2;
