//! What the writer is asked to do, and how it answers.

use bytes::Bytes;
use lucent_core::{
    CommandId, Position, StreamId, Tag,
    store::{
        Append, AppendCondition, AppendError, Appended, EventQuery, ExpectedVersion,
        InlineProjections, JoinedCommand,
    },
};
use tokio::sync::oneshot;

use crate::{reader::Checked, row::EncodedEvent};

/// A message to the writer.
#[derive(Debug)]
pub(crate) enum Message {
    Append(Request),
    /// Ends the task; what came before it in the queue is done first.
    Close(oneshot::Sender<()>),
}

/// An append and the way back to who asked for it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) append: EncodedAppend,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// What came of an append.
#[derive(Debug)]
pub(crate) enum Answer {
    Done(Result<Appended, AppendError>),
    /// Too many events were appended since its condition was checked on the log: it has to be
    /// checked on them, and the append sent again.
    CheckAgain(Box<EncodedAppend>),
}

impl Request {
    /// Whether nobody waits for it any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Answers; nobody may be there to hear it.
    pub(crate) fn done(self, outcome: Result<Appended, AppendError>) {
        drop(self.answer.send(Answer::Done(outcome)));
    }
}

/// An append whose parts have the form in which they are stored.
#[derive(Debug)]
pub(crate) struct EncodedAppend {
    pub(crate) writes: Vec<EncodedWrite>,
    pub(crate) condition: Option<Condition>,
    pub(crate) command: Option<CommandId>,
    pub(crate) reply: Option<Bytes>,
    pub(crate) joined: Vec<JoinedCommand>,
    pub(crate) inline: InlineProjections,
    pub(crate) bytes: usize,
    /// Whether the writer could not check the condition.
    pub(crate) check_again: bool,
}

/// The events of one stream.
#[derive(Debug)]
pub(crate) struct EncodedWrite {
    pub(crate) stream: StreamId,
    pub(crate) expected: ExpectedVersion,
    pub(crate) events: Vec<EncodedEvent>,
}

/// A condition, and how far it is known to hold.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) asked: AppendCondition,
    pub(crate) checked: Checked,
}

impl Condition {
    /// A tag of each item of the query, if every item has one: an event that matches has one of
    /// these.
    pub(crate) fn one_tag_each(&self) -> Option<impl Iterator<Item = &Tag>> {
        let EventQuery::AnyOf(items) = &self.asked.query else {
            return None;
        };
        let all = items.iter().all(|item| !item.tags.is_empty());
        all.then(|| items.iter().filter_map(|item| item.tags.first()))
    }
}

impl EncodedAppend {
    /// Checks and encodes an append, on the caller's task.
    pub(crate) fn new(append: Append, max_payload: usize) -> Result<Self, AppendError> {
        append.validate(max_payload)?;
        let replies = append.joined.iter().filter_map(|joined| joined.reply.as_ref());
        let replies = replies.chain(&append.reply).map(Bytes::len);
        let mut bytes: usize = replies.sum();
        let mut writes = Vec::with_capacity(append.writes.len());
        for write in append.writes {
            let mut events = Vec::with_capacity(write.events.len());
            for event in write.events {
                let event = EncodedEvent::new(event)?;
                bytes += event.bytes();
                events.push(event);
            }
            writes.push(EncodedWrite { stream: write.stream, expected: write.expected, events });
        }
        if bytes > LONGEST {
            return Err(AppendError::Invalid {
                reason: format!(
                    "it takes {bytes} bytes, and PostgreSQL takes {LONGEST} in one statement: \
                     append the events in several batches"
                ),
            });
        }
        let condition = append.condition.map(|asked| Condition {
            checked: Checked { through: asked.after, found: None },
            asked,
        });
        Ok(Self {
            writes,
            condition,
            command: append.command,
            reply: append.reply,
            joined: append.joined,
            inline: append.inline,
            bytes,
            check_again: false,
        })
    }

    /// The ids of its commands.
    pub(crate) fn command_ids(&self) -> impl Iterator<Item = CommandId> {
        self.command.into_iter().chain(self.joined.iter().map(|joined| joined.id))
    }

    /// How many events it holds.
    pub(crate) fn event_count(&self) -> usize {
        self.writes.iter().map(|write| write.events.len()).sum()
    }

    /// The events of all writes.
    pub(crate) fn events(&self) -> impl Iterator<Item = &EncodedEvent> {
        self.writes.iter().flat_map(|write| &write.events)
    }

    /// The condition's query and the position after which it is still to be checked, if that is
    /// before this one.
    pub(crate) fn unchecked_before(&self, start: u64) -> Option<AppendCondition> {
        let condition = self.condition.as_ref()?;
        let Checked { through, found } = condition.checked;
        // The writer asks for tags by itself; if that has not sufficed, it has said so.
        let by_writer = !self.check_again && condition.one_tag_each().is_some();
        let unchecked = found.is_none() && through < Position::new(start) && !by_writer;
        unchecked.then(|| AppendCondition { query: condition.asked.query.clone(), after: through })
    }
}

/// A statement has to fit into 1 GiB.
const LONGEST: usize = 900 << 20;
