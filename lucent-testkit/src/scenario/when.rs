//! The second step of a scenario: a command, and what is expected of it.
//!
//! Invariant: a command is decided as the application would decide it, without a store.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use lucent_core::{BusinessContext, Command, CommandId, EventOf, Handled};

use super::{
    Expectation, IntoTimestamp, Mismatch, Outcome, Played, Then, Verdict, nothing, refused,
    scene::Scene,
    story::{Line, WIDTH},
};

/// A scenario that waits for what is expected of its command.
#[must_use = "a scenario without `then` checks nothing"]
pub struct When<C: Handled> {
    scene: Scene<EventOf<C>>,
    command: C,
}

impl<C> When<C>
where
    C: Handled + fmt::Debug,
    C::State: Played<C, C::Boundary>,
{
    pub(super) const fn new(scene: Scene<EventOf<C>>, command: C) -> Self {
        Self { scene, command }
    }

    /// Sets the time of the decision: a [`Timestamp`](lucent_core::Timestamp) or a text such as
    /// `2026-01-05T10:00:00Z`.
    ///
    /// # Panics
    /// When the text is not a time.
    #[track_caller]
    pub fn at(mut self, time: impl IntoTimestamp) -> Self {
        self.scene.set_time(time.into_timestamp());
        self
    }

    /// Sets the command's id, from which `context.id(…)` makes identifiers.
    pub fn as_command(mut self, id: CommandId) -> Self {
        self.scene.command = Some(id);
        self
    }

    /// Sets the business context of the decision.
    pub fn in_context(mut self, context: BusinessContext) -> Self {
        self.scene.context = context;
        self
    }

    /// Turns off what each scenario checks for free; the [module](super) lists it.
    pub fn without_checks(mut self) -> Self {
        self.scene.checks = false;
        self
    }

    /// Expects an outcome: events (one, an array, a `Vec`), [`refused`], [`nothing`],
    /// [`already_exists`](super::already_exists), or an [`Expectation`] of your own.
    ///
    /// # Panics
    /// When the outcome is another one, or a check fails.
    #[track_caller]
    pub fn then(self, expected: impl Expectation<EventOf<C>, C::Refusal>) -> Then<C> {
        let mut ran = self.run();
        if let Err(mismatch) = expected.check(&ran.outcome) {
            ran.fail(mismatch);
        }
        ran.scene.story.tell("then", ran.outcome.lines());
        ran.into_then()
    }

    /// Expects that the domain says no: `then(refused(refusal))`.
    ///
    /// # Panics
    /// As [`Self::then`].
    #[track_caller]
    pub fn then_refused(self, refusal: C::Refusal) -> Then<C> {
        self.then(refused(refusal))
    }

    /// Expects that the command is decided and nothing happens: `then(nothing())`.
    ///
    /// # Panics
    /// As [`Self::then`].
    #[track_caller]
    pub fn then_nothing(self) -> Then<C> {
        self.then(nothing())
    }

    /// Expects events that a function approves of: it returns `true`, or returns nothing and
    /// asserts by itself.
    ///
    /// # Panics
    /// When it returns `false`, the command is not decided, or a check fails.
    #[track_caller]
    pub fn then_matches<T: Verdict>(self, matches: impl FnOnce(&[EventOf<C>]) -> T) -> Then<C> {
        let mut ran = self.run();
        let headline = match &ran.outcome {
            Outcome::Decided(events) if matches(events).approves() => None,
            Outcome::Decided(_) => Some("the events do not match"),
            Outcome::Refused(_) => Some("the command was refused"),
            Outcome::AlreadyExists(_) => Some("the aggregate exists already"),
        };
        ran.scene.story.tell("then", ran.outcome.lines());
        if let Some(headline) = headline {
            let help = "correct the handler, or the function in `then_matches`";
            ran.fail(Mismatch::new(headline).help(help));
        }
        ran.into_then()
    }

    /// Expects a reply, whatever happens; [`Then::and_reply`] expects one beside events.
    ///
    /// Replies are compared as they are stored.
    ///
    /// # Panics
    /// When the reply is another one, the command is not decided, or a check fails.
    #[track_caller]
    pub fn then_reply(self, reply: C::Reply) -> Then<C> {
        let mut ran = self.run();
        ran.scene.story.tell("then", ran.outcome.lines());
        ran.into_then().and_reply(reply)
    }

    #[track_caller]
    fn run(self) -> Ran<C> {
        let Self { mut scene, command } = self;
        if let Err(mismatch) = C::State::set_up(&mut scene, &command) {
            scene.story.fail(&mismatch);
        }
        let told = format!("{command:?}");
        let told = if told.chars().count() > WIDTH { format!("{command:#?}") } else { told };
        scene.story.tell("when", vec![Line::plain(told)]);
        match C::State::decide(&mut scene, &command) {
            Ok((outcome, reply)) => Ran { scene, command, outcome, reply },
            Err(mismatch) => scene.story.fail(&mismatch),
        }
    }
}

impl<C: Handled> fmt::Debug for When<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("When").field("command", &<C as Command>::NAME).finish_non_exhaustive()
    }
}

/// A decided command whose outcome was not looked at yet.
struct Ran<C: Handled> {
    scene: Scene<EventOf<C>>,
    command: C,
    outcome: Outcome<EventOf<C>, C::Refusal>,
    reply: Option<C::Reply>,
}

impl<C> Ran<C>
where
    C: Handled,
    C::State: Played<C, C::Boundary>,
{
    #[track_caller]
    fn fail(&self, mismatch: Mismatch) -> ! {
        let mismatch = match C::State::help(&self.scene, &self.command) {
            Some(help) => mismatch.help(help),
            None => mismatch,
        };
        self.scene.story.fail(&mismatch)
    }

    fn into_then(mut self) -> Then<C> {
        if let Outcome::Decided(events) = self.outcome {
            C::State::keep(&mut self.scene, &self.command, events);
        }
        Then::new(self.scene, self.command, self.reply)
    }
}

/// Runs the user's code; its panic becomes a part of the story.
pub(super) fn unpanicked<T>(headline: &str, run: impl FnOnce() -> T) -> Result<T, Mismatch> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        Mismatch::new(headline).line(Line::plain(format!("it said: {}", message(&*panic)))).help(
            "the place is printed above: handlers refuse with an error, and states take any event",
        )
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "nothing that can be printed".to_owned())
}
