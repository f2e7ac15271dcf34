//! Decisions that wait for the store: a machine without I/O.
//!
//! Commands on one aggregate are decided one after another, each on the state that the one before
//! it will leave. What is decided while an append is under way is gathered into a group, and a
//! group is one append. Invariant: a group departs only when every group before it was confirmed,
//! so the version that its append names is that of a history which is known, not guessed; if a
//! group fails, what was decided on top of it is discarded before anybody has sent it.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    app::Loaded,
    event::CommandId,
    position::{Position, Version},
    store::JoinedCommand,
};

/// The newest state of an aggregate, and the groups that will lead to it.
#[derive(Debug)]
pub(super) struct Waiting<A, E> {
    /// The state that the last group will leave; nothing while somebody decides on it, and after a
    /// failure.
    tip: Option<Loaded<A>>,
    /// Grows with each failure: what was decided in an earlier one rests on nothing.
    era: u64,
    /// The position of the newest event that is confirmed.
    confirmed: Position,
    groups: VecDeque<Group<E>>,
    under_way: Option<GroupId>,
    next: GroupId,
    /// How many commands the last group held that departed.
    crowd: usize,
}

/// Groups are numbered in their order.
pub(super) type GroupId = u64;

/// What one command adds to a group.
#[derive(Debug)]
pub(crate) struct Entry<E> {
    /// What happened; nothing, if it is only to be confirmed that the state was the newest.
    pub(crate) events: Vec<E>,
    /// How many bytes they have.
    pub(crate) bytes: usize,
    /// The command's id and encoded reply, if its outcome is to be kept.
    pub(crate) command: Option<(CommandId, Bytes)>,
    /// Whether nobody else may be in the group.
    pub(crate) alone: bool,
}

/// Decisions that are sent together.
#[derive(Debug)]
struct Group<E> {
    id: GroupId,
    /// The version of the state that the first of them was decided on.
    base: Version,
    entries: usize,
    bytes: usize,
    full: bool,
    events: Vec<E>,
    commands: Vec<JoinedCommand>,
}

/// A group on its way to the store.
#[derive(Debug)]
pub(super) struct Departure<E> {
    /// The version that the stream must have.
    pub(super) base: Version,
    /// The position that was confirmed last.
    pub(super) confirmed: Position,
    /// How many commands are in it.
    pub(super) entries: usize,
    pub(super) events: Vec<E>,
    pub(super) commands: Vec<JoinedCommand>,
}

/// The newest state, taken out to decide on it.
#[derive(Debug)]
pub(super) struct Taken<A> {
    /// The state; nothing if it has to be loaded.
    pub(super) loaded: Option<Loaded<A>>,
    pub(super) era: u64,
    /// Whether the state is confirmed: nothing waits.
    pub(super) is_settled: bool,
}

impl<A, E> Waiting<A, E> {
    pub(super) fn new() -> Self {
        Self {
            tip: None,
            era: 0,
            confirmed: Position::ZERO,
            groups: VecDeque::new(),
            under_way: None,
            next: 1,
            crowd: 0,
        }
    }

    /// Takes the newest state out; it is lost unless it is [put back](Self::put_back) or somebody
    /// [joins](Self::join) with it.
    pub(super) fn take(&mut self) -> Taken<A> {
        let is_settled = self.groups.is_empty() && self.under_way.is_none();
        if self.tip.is_none()
            && let Some(last) = self.groups.back_mut()
        {
            // The state was lost in a panic. The one that is loaded instead does not follow from
            // this group, so nothing that is decided on it may be in there.
            last.full = true;
        }
        Taken { loaded: self.tip.take(), era: self.era, is_settled }
    }

    /// Puts a state back, or in, if nothing has failed since it was taken.
    pub(super) fn put_back(&mut self, era: u64, mut loaded: Loaded<A>) -> bool {
        if era != self.era {
            return false;
        }
        self.confirmed = std::cmp::max(self.confirmed, loaded.position);
        loaded.position = self.confirmed;
        self.tip = Some(loaded);
        true
    }

    /// Puts a decision into the last group that has room, or into a new one; `loaded` is the state
    /// after it, and `base` the version before it. Nothing happens if something has failed since
    /// the state was taken.
    pub(super) fn join(
        &mut self,
        era: u64,
        base: Version,
        loaded: Loaded<A>,
        entry: Entry<E>,
    ) -> Option<GroupId> {
        if !self.put_back(era, loaded) {
            return None;
        }
        let has_room = self.groups.back().is_some_and(|group| group.has_room_for(&entry));
        if !has_room {
            let id = self.next;
            self.next += 1;
            self.groups.push_back(Group::new(id, base));
        }
        let group = self.groups.back_mut()?;
        group.add(entry);
        Some(group.id)
    }

    /// Sends the group that is first in line; nothing if it was discarded, or if the one before it
    /// has not arrived.
    pub(super) fn depart(&mut self, id: GroupId) -> Option<Departure<E>> {
        if self.under_way.is_some() {
            return None;
        }
        let group = self.groups.pop_front_if(|group| group.id == id)?;
        self.under_way = Some(id);
        self.crowd = group.entries;
        let Group { base, entries, events, commands, .. } = group;
        Some(Departure { base, confirmed: self.confirmed, entries, events, commands })
    }

    /// The state after a group that has departed, if nothing else is decided yet.
    pub(super) fn state_after(&mut self, id: GroupId) -> Option<&mut Loaded<A>> {
        let is_newest = self.groups.is_empty() && self.under_way == Some(id);
        self.tip.as_mut().filter(|_| is_newest)
    }

    /// A group that had departed has arrived: the stream is as it said.
    pub(super) fn confirm(&mut self, id: GroupId, position: Position) {
        if self.under_way != Some(id) {
            return;
        }
        self.under_way = None;
        self.confirmed = std::cmp::max(self.confirmed, position);
        if let Some(tip) = &mut self.tip {
            tip.position = self.confirmed;
        }
    }

    /// Discards a group, and with it all that was decided on top of it. Nothing happens to one that
    /// was confirmed.
    pub(super) fn discard(&mut self, id: GroupId) {
        let is_under_way = self.under_way == Some(id);
        if !is_under_way && self.groups.iter().all(|group| group.id != id) {
            return;
        }
        self.era += 1;
        self.tip = None;
        self.groups.retain(|group| group.id < id);
        if is_under_way {
            self.under_way = None;
        }
    }

    /// Whether several commands are likely to come at once.
    pub(super) fn is_busy(&self) -> bool {
        self.crowd > 1 || self.under_way.is_some()
    }
}

impl<E> Entry<E> {
    /// An entry without events.
    pub(crate) const fn empty() -> Self {
        Self { events: Vec::new(), bytes: 0, command: None, alone: false }
    }
}

impl<E> Group<E> {
    fn new(id: GroupId, base: Version) -> Self {
        let (events, commands) = (Vec::new(), Vec::new());
        Self { id, base, entries: 0, bytes: 0, full: false, events, commands }
    }

    /// The same command twice in one append would leave open which one is the repetition.
    fn has_room_for(&self, entry: &Entry<E>) -> bool {
        let repeats = |id| self.commands.iter().any(|one| one.id == id);
        !self.full && !entry.alone && !entry.command.as_ref().is_some_and(|(id, _)| repeats(*id))
    }

    fn add(&mut self, entry: Entry<E>) {
        self.entries += 1;
        self.bytes += entry.bytes;
        match self.events.is_empty() {
            true => self.events = entry.events,
            false => self.events.extend(entry.events),
        }
        if let Some((id, reply)) = entry.command {
            self.bytes += reply.len();
            let events = self.events.len();
            self.commands.push(JoinedCommand { id, events, reply: Some(reply) });
        }
        self.full = entry.alone
            || self.events.len() >= MOST_EVENTS
            || self.commands.len() >= MOST_EVENTS
            || self.bytes >= MOST_BYTES;
    }
}

/// How much a group holds; more would only make its commands wait longer for each other.
const MOST_EVENTS: usize = 512;
const MOST_BYTES: usize = 1 << 20;
