//! What may come of a command, and what a scenario may expect of it.
//!
//! Invariant: an expectation only looks: it never changes what happened.

use std::error::Error;

use lucent_core::{Event, store::VersionConflict};

use super::{
    diff,
    story::{Line, Mismatch, WIDTH},
    value::Encoded,
};

/// What came of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome<E, X> {
    /// It was decided; these events happened, perhaps none.
    Decided(Vec<E>),
    /// The domain said no.
    Refused(X),
    /// Its handler takes no state, so the aggregate must be new, and it is not.
    AlreadyExists(VersionConflict),
}

impl<E: Event, X: Error> Outcome<E, X> {
    /// The events that happened; none if the command was refused.
    #[must_use]
    pub fn events(&self) -> &[E] {
        match self {
            Self::Decided(events) => events,
            Self::Refused(_) | Self::AlreadyExists(_) => &[],
        }
    }

    fn headline(&self) -> &'static str {
        match self {
            Self::Decided(events) if events.is_empty() => "nothing happened",
            Self::Decided(_) => "something happened",
            Self::Refused(_) => "the command was refused",
            Self::AlreadyExists(_) => "the aggregate exists already",
        }
    }

    /// The outcome as the story tells it.
    pub(super) fn lines(&self) -> Vec<Line> {
        self.spelled(Line::plain)
    }

    fn actual(&self) -> Vec<Line> {
        self.spelled(|text| Line::plus(text, diff::EXPECTED.plus))
    }

    fn spelled(&self, line: impl Fn(String) -> Line) -> Vec<Line> {
        match self {
            Self::Decided(events) if events.is_empty() => vec![line("nothing".to_owned())],
            Self::Decided(events) => {
                let events = Encoded::all(events).into_iter().zip(1..);
                let events =
                    events.map(|(event, number)| line(event.print(WIDTH)).numbered(number));
                events.collect()
            }
            Self::Refused(refusal) => vec![line(spell_refusal(refusal))],
            Self::AlreadyExists(conflict) => vec![line(format!("already exists: {conflict}"))],
        }
    }

    /// What to write if the outcome is right and the expectation is wrong.
    fn help(&self) -> String {
        match self {
            Self::Decided(events) if events.is_empty() => {
                "if that is right, write `.then_nothing()`".to_owned()
            }
            Self::Decided(_) => {
                "if these events are right, expect them with `.then([…])`".to_owned()
            }
            Self::Refused(refusal) => {
                format!("if that is right, write `.then_refused({refusal:?})`")
            }
            Self::AlreadyExists(_) => "its handler takes no state and so opens a new aggregate: \
                give no events, or write `.then(already_exists())`"
                .to_owned(),
        }
    }
}

/// What [`When::then`](super::When::then) takes: events (one, an array, a `Vec`), [`refused`],
/// [`nothing`], [`already_exists`], or an expectation of your own.
///
/// Events are compared as they are stored, by type and payload, so they need neither `PartialEq`
/// nor `Debug`.
///
/// ```
/// use lucent_core::Event;
/// use lucent_testkit::{Expectation, Mismatch, Outcome};
///
/// struct AtMost(usize);
///
/// impl<E: Event, X: std::error::Error> Expectation<E, X> for AtMost {
///     fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
///         match outcome.events().len() {
///             few if few <= self.0 => Ok(()),
///             many => Err(Mismatch::new("too much happened").actual(format!("{many} events"))),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an outcome that a scenario of `{E}` can expect",
    note = "expect a `{E}`, an array or a `Vec` of these, `refused(error)`, `nothing()` or `already_exists()`"
)]
pub trait Expectation<E, X> {
    /// Checks an outcome.
    ///
    /// # Errors
    /// What differs.
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch>;
}

impl<E: Event, X: Error> Expectation<E, X> for E {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        check_events(&[self], outcome)
    }
}

impl<E: Event, X: Error, const N: usize> Expectation<E, X> for [E; N] {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        check_events(&self, outcome)
    }
}

impl<E: Event, X: Error> Expectation<E, X> for Vec<E> {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        check_events(&self, outcome)
    }
}

/// No events: as what was given, or as what is expected.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// No events: as what was given, or as what is expected.
#[must_use]
pub const fn nothing() -> Nothing {
    Nothing
}

impl<E: Event, X: Error> Expectation<E, X> for Nothing {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        check_events(&[], outcome)
    }
}

/// The domain's refusal, as what is expected.
#[derive(Clone, Copy, Debug)]
pub struct Refused<X>(X);

/// The domain's refusal, as what is expected.
///
/// Refusals are compared by what they print, with `Debug` and with `Display`, so they need no
/// `PartialEq`; a field that neither prints is not compared.
#[must_use]
pub const fn refused<X>(refusal: X) -> Refused<X> {
    Refused(refusal)
}

impl<E: Event, X: Error> Expectation<E, X> for Refused<X> {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        let expected = spell_refusal(&self.0);
        let headline = match outcome {
            Outcome::Refused(refusal) if spell_refusal(refusal) == expected => return Ok(()),
            Outcome::Refused(_) => "the refusal differs",
            Outcome::Decided(_) => "the command was not refused",
            other @ Outcome::AlreadyExists(_) => other.headline(),
        };
        Err(Mismatch::new(headline).expected(expected).lines(outcome.actual()).help(outcome.help()))
    }
}

/// That a command for a new aggregate finds one, as what is expected.
#[derive(Clone, Copy, Debug)]
pub struct AlreadyExists;

/// That a command for a new aggregate finds one, as what is expected.
///
/// A handler that takes no state opens its aggregate. On an aggregate that has events, the
/// application answers such a command with a conflict.
#[must_use]
pub const fn already_exists() -> AlreadyExists {
    AlreadyExists
}

impl<E: Event, X: Error> Expectation<E, X> for AlreadyExists {
    fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
        if matches!(outcome, Outcome::AlreadyExists(_)) {
            return Ok(());
        }
        Err(Mismatch::new("there was no conflict")
            .expected("already exists")
            .lines(outcome.actual())
            .help(
                "only a command whose handler takes no state meets this conflict, and only on an \
                 aggregate that has events",
            ))
    }
}

fn check_events<E: Event, X: Error>(
    expected: &[E],
    outcome: &Outcome<E, X>,
) -> Result<(), Mismatch> {
    let expected = Encoded::all(expected);
    let Outcome::Decided(events) = outcome else {
        let mut lines = expected_lines(&expected);
        lines.extend(outcome.actual());
        return Err(Mismatch::new(outcome.headline()).lines(lines).help(outcome.help()));
    };
    let actual = Encoded::all(events);
    if expected == actual {
        return Ok(());
    }
    if expected.is_empty() || actual.is_empty() {
        let mut lines = expected_lines(&expected);
        lines.extend(outcome.actual());
        return Err(Mismatch::new(outcome.headline()).lines(lines).help(outcome.help()));
    }
    let help = if diff::same_in_another_order(&expected, &actual) {
        "these are the expected events, in another order".to_owned()
    } else {
        outcome.help()
    };
    let lines = diff::events(&expected, &actual, diff::EXPECTED);
    Err(Mismatch::new("the events differ").lines(lines).help(help))
}

fn expected_lines(expected: &[Encoded]) -> Vec<Line> {
    let note = diff::EXPECTED.minus;
    if expected.is_empty() {
        return vec![Line::minus("nothing", note)];
    }
    let events = expected.iter().zip(1..);
    let lines =
        events.map(|(event, number)| Line::minus(event.print(WIDTH), note).numbered(number));
    lines.collect()
}

pub(super) fn spell_refusal<X: Error>(refusal: &X) -> String {
    format!("refused: {refusal:?} (\"{refusal}\")")
}
