//! The last step of a scenario, from which it may go on.
//!
//! Invariant: what one command made happen is what the next one is decided on.

use std::fmt;

use lucent_core::{
    BusinessContext, Command, CommandId, DecidedOn as _, EventOf, Handled, Projected, Projector,
    State,
};

use super::{
    IntoTimestamp, Mismatch, Played, When, diff, scene::Scene, story::Story, value::Value, view,
};

/// A scenario whose expectation was met. It can end here or go on.
pub struct Then<C: Handled> {
    scene: Scene<EventOf<C>>,
    command: C,
    reply: Option<C::Reply>,
}

#[expect(clippy::needless_pass_by_value, reason = "what is expected is written in place")]
#[expect(clippy::return_self_not_must_use, reason = "the scenario may end after each of these")]
impl<C> Then<C>
where
    C: Handled,
    C::State: Played<C, C::Boundary>,
{
    pub(super) const fn new(scene: Scene<EventOf<C>>, command: C, reply: Option<C::Reply>) -> Self {
        Self { scene, command, reply }
    }

    /// Sets the time of what comes next: a [`Timestamp`](lucent_core::Timestamp) or a text such as
    /// `2026-01-05T10:00:00Z`.
    ///
    /// # Panics
    /// When the text is not a time.
    #[must_use = "a time alone checks nothing: go on with `and_when`"]
    #[track_caller]
    pub fn at(mut self, time: impl IntoTimestamp) -> Self {
        self.scene.set_time(time.into_timestamp());
        self
    }

    /// Sets the id of the next command.
    #[must_use = "an id alone checks nothing: go on with `and_when`"]
    pub fn as_command(mut self, id: CommandId) -> Self {
        self.scene.command = Some(id);
        self
    }

    /// Sets the business context of what comes next.
    #[must_use = "a context alone checks nothing: go on with `and_when`"]
    pub fn in_context(mut self, context: BusinessContext) -> Self {
        self.scene.context = context;
        self
    }

    /// Says which command comes next, on the state that the last one left.
    pub fn and_when<D>(self, command: D) -> When<D>
    where
        D: Handled + fmt::Debug,
        D::State: State<Event = EventOf<C>> + Played<D, D::Boundary>,
    {
        When::new(self.scene, command)
    }

    /// Expects a reply. Replies are compared as they are stored.
    ///
    /// # Panics
    /// When the reply is another one, or there is none.
    #[track_caller]
    pub fn and_reply(self, reply: C::Reply) -> Self {
        if let Err(mismatch) = check_reply(&reply, self.reply.as_ref()) {
            self.scene.story.fail(&mismatch);
        }
        self
    }

    /// Looks at the aggregate's state, or at the decision models: the function returns whether it approves, or returns
    /// nothing and asserts by itself.
    ///
    /// # Panics
    /// When it returns `false`.
    #[track_caller]
    pub fn and_state<T: Verdict>(self, look: impl FnOnce(&C::State) -> T) -> Self {
        match C::State::state(&self.scene, &self.command) {
            Ok(state) => check_state(&self.scene.story, C::State::NAMES, &state, look),
            Err(mismatch) => self.scene.story.fail(&mismatch),
        }
        self
    }

    /// Expects the only document of a read model after all that happened.
    ///
    /// # Panics
    /// When there is another document, none, or several; when the projector fails.
    #[track_caller]
    pub fn and_view<V>(self, view: V) -> Self
    where
        V: Projected,
        V::Projector: Projector<Event = EventOf<C>>,
    {
        if let Err(mismatch) = view::check_only(&self.scene, &view) {
            self.scene.story.fail(&mismatch);
        }
        self
    }
}

impl<C: Handled> fmt::Debug for Then<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Then").field("command", &<C as Command>::NAME).finish_non_exhaustive()
    }
}

/// What a function that looks at an outcome may return: `bool`, or nothing if it asserts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether the outcome is as expected",
    note = "return `bool`, or return nothing and use `assert!`"
)]
pub trait Verdict {
    /// Whether the outcome is as expected.
    fn approves(self) -> bool;
}

impl Verdict for bool {
    fn approves(self) -> bool {
        self
    }
}

impl Verdict for () {
    fn approves(self) -> bool {
        true
    }
}

#[track_caller]
pub(super) fn check_state<A, T: Verdict>(
    story: &Story,
    names: &[&str],
    state: &A,
    look: impl FnOnce(&A) -> T,
) {
    if !look(state).approves() {
        let headline = format!("the state of {} is not as expected", names.join(" and "));
        let help = "correct how the events change the state, or the function that looks at it";
        story.fail(&Mismatch::new(headline).help(help));
    }
}

fn check_reply<R: lucent_core::Reply>(expected: &R, actual: Option<&R>) -> Result<(), Mismatch> {
    let spell =
        |reply: &R| Value::of(reply).map_err(|error| Mismatch::new(format!("the reply: {error}")));
    let expected = spell(expected)?;
    let Some(actual) = actual else {
        return Err(Mismatch::new("there is no reply")
            .labeled("reply")
            .expected(expected.print(super::story::WIDTH))
            .help("a command that was not decided has no reply"));
    };
    let actual = spell(actual)?;
    if expected == actual {
        return Ok(());
    }
    Err(Mismatch::new("the reply differs")
        .labeled("reply")
        .lines(diff::fields(&expected, &actual, diff::EXPECTED))
        .help("correct the `.reply(…)` of the handler, or the scenario"))
}
