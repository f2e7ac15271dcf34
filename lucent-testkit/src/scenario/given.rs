//! The first step of a scenario: what happened before.
//!
//! Invariant: events belong to the stream they were given in; those given without one belong to
//! the aggregate of the first command.

use std::fmt;

use lucent_core::{
    Aggregate, AggregateId, BusinessContext, CommandId, Event, Evolve, Handled, Projected,
    Projector, State, Timestamp,
};

use super::{Nothing, Played, Verdict, Viewed, When, scene::Scene, then::check_state};

/// Starts a scenario with what happened before: an array, a `Vec`, or [`nothing`](super::nothing)
/// (also written `[]` or `()`).
///
/// The type of the events follows from the command or the read model that comes next.
#[track_caller]
pub fn given<E: Event>(events: impl Events<E>) -> Given<E> {
    Given(Scene::new(events.into_events()))
}

/// Starts a scenario with what happened before to one aggregate.
///
/// # Panics
/// When the identifier does not make a stream's name.
#[track_caller]
pub fn given_in<E: Event>(id: impl AggregateId, events: impl Events<E>) -> Given<E> {
    given(events).in_stream(id)
}

/// A scenario that knows what happened before.
#[must_use = "a scenario without `then` checks nothing"]
pub struct Given<E>(Scene<E>);

#[expect(clippy::needless_pass_by_value, reason = "identifiers are written in place")]
impl<E: Event> Given<E> {
    /// Says to which aggregate the given events happened. Without it, they happened to the one
    /// that the first command is for.
    ///
    /// # Panics
    /// When the identifier does not make a stream's name.
    #[track_caller]
    pub fn in_stream(mut self, id: impl AggregateId) -> Self {
        let stream = self.0.stream_of(&id);
        self.0.place(&stream);
        self
    }

    /// Adds what happened to another aggregate, after what was given before.
    ///
    /// # Panics
    /// When the identifier does not make a stream's name.
    #[track_caller]
    pub fn and_in(mut self, id: impl AggregateId, events: impl Events<E>) -> Self {
        let stream = self.0.stream_of(&id);
        self.0.happened(&stream, events.into_events());
        self
    }

    /// Sets the time of the given events and of the decision: a [`Timestamp`] or a text such as
    /// `2026-01-05T10:00:00Z`. Without it, it is the first second of 2026.
    ///
    /// # Panics
    /// When the text is not a time.
    #[track_caller]
    pub fn at(mut self, time: impl IntoTimestamp) -> Self {
        self.0.set_time(time.into_timestamp());
        self
    }

    /// Sets the command's id, from which `context.id(…)` makes identifiers.
    pub fn as_command(mut self, id: CommandId) -> Self {
        self.0.command = Some(id);
        self
    }

    /// Sets the business context of the given events and of the decision.
    pub fn in_context(mut self, context: BusinessContext) -> Self {
        self.0.context = context;
        self
    }

    /// Turns off what each scenario checks for free; the [module](super) lists it.
    pub fn without_checks(mut self) -> Self {
        self.0.checks = false;
        self
    }

    /// Says which command is to be decided.
    pub fn when<C>(self, command: C) -> When<C>
    where
        C: Handled + fmt::Debug,
        C::State: State<Event = E> + Played<C, C::Boundary>,
    {
        When::new(self.0, command)
    }

    /// Looks at the state that the given events make, of whatever stream they are: the function
    /// returns whether it approves, or returns nothing and asserts by itself.
    ///
    /// With histories from a generator, this is a property test of the aggregate: its events and
    /// snapshots survive storage, and its state takes any history.
    ///
    /// ```
    /// # #[path = "../../tests/scenario/bank.rs"] mod bank;
    /// # use bank::*;
    /// use lucent_testkit::given;
    /// use proptest::prelude::*;
    ///
    /// let deposits = proptest::collection::vec(0..1_000_u64, 0..20);
    /// proptest!(|(amounts in deposits)| {
    ///     let events: Vec<_> =
    ///         amounts.iter().map(|&amount| AccountEvent::MoneyDeposited { amount }).collect();
    ///     given(events)
    ///         .then_state(|account: &Account| account.balance == amounts.iter().sum::<u64>());
    /// });
    /// ```
    ///
    /// # Panics
    /// When the function returns `false`, or a check fails.
    #[track_caller]
    pub fn then_state<A, T>(mut self, look: impl FnOnce(&A) -> T)
    where
        A: Aggregate + Evolve<Event = E>,
        T: Verdict,
    {
        self.0.tell_given(None);
        match self.0.state() {
            Ok(state) => check_state(&self.0.story, &[A::NAME], &state, look),
            Err(mismatch) => self.0.story.fail(&mismatch),
        }
    }

    /// Expects the only document of a read model after the given events.
    ///
    /// # Panics
    /// When there is another document, none, or several; when the projector fails.
    #[track_caller]
    pub fn then_view<V>(self, view: V) -> Viewed<E>
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        Viewed::new(self.0).and_view(view)
    }

    /// Expects the document of this key after the given events.
    ///
    /// # Panics
    /// When there is another one or none; when the projector fails.
    #[track_caller]
    pub fn then_view_of<V>(self, key: impl fmt::Display, view: V) -> Viewed<E>
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        Viewed::new(self.0).and_view_of(key, view)
    }

    /// Expects that there is no document of a read model after the given events.
    ///
    /// # Panics
    /// When there is one; when the projector fails.
    #[track_caller]
    pub fn then_no_view<V>(self) -> Viewed<E>
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        Viewed::new(self.0).and_no_view::<V>()
    }

    /// Expects that there is no document of this key after the given events.
    ///
    /// # Panics
    /// When there is one; when the projector fails.
    #[track_caller]
    pub fn then_no_view_of<V>(self, key: impl fmt::Display) -> Viewed<E>
    where
        V: Projected,
        V::Projector: Projector<Event = E>,
    {
        Viewed::new(self.0).and_no_view_of::<V>(key)
    }
}

impl<E> fmt::Debug for Given<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}

/// What can be given: an array or a `Vec` of events, [`nothing`](super::nothing), or `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of `{E}`",
    note = "give an array or a `Vec` of events, or `nothing()`"
)]
pub trait Events<E> {
    /// The events, in order.
    fn into_events(self) -> Vec<E>;
}

impl<E, const N: usize> Events<E> for [E; N] {
    fn into_events(self) -> Vec<E> {
        Vec::from(self)
    }
}

impl<E> Events<E> for Vec<E> {
    fn into_events(self) -> Self {
        self
    }
}

impl<E> Events<E> for Nothing {
    fn into_events(self) -> Vec<E> {
        Vec::new()
    }
}

impl<E> Events<E> for () {
    fn into_events(self) -> Vec<E> {
        Vec::new()
    }
}

/// A [`Timestamp`], or a text that is one.
pub trait IntoTimestamp {
    /// The time.
    ///
    /// # Panics
    /// When the text is not a time.
    #[track_caller]
    fn into_timestamp(self) -> Timestamp;
}

impl IntoTimestamp for Timestamp {
    fn into_timestamp(self) -> Timestamp {
        self
    }
}

impl IntoTimestamp for &str {
    #[track_caller]
    fn into_timestamp(self) -> Timestamp {
        match self.parse() {
            Ok(time) => time,
            Err(error) => panic!("{error}"),
        }
    }
}
