//! What a command handler returns.
//!
//! Invariant: zero events is a normal outcome.

use std::convert::Infallible;

use crate::event::Event;

/// Events to append, and a reply for the caller.
///
/// ```
/// use lucent_core::Decision;
/// let nothing: Decision<&str> = Decision::nothing();
/// let two = Decision::emit("Opened").and("Deposited").reply(7);
/// assert_eq!((nothing.events.len(), two.events.len(), two.reply), (0, 2, 7));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct Decision<E, R = ()> {
    /// What happened, in order.
    pub events: Vec<E>,
    /// What the caller is told.
    pub reply: R,
}

impl<E> Decision<E> {
    /// Nothing happens.
    pub const fn nothing() -> Self {
        Self { events: Vec::new(), reply: () }
    }

    /// One event happens.
    pub fn emit(event: E) -> Self {
        Self { events: vec![event], reply: () }
    }

    /// Several events happen, in order.
    pub fn all(events: impl IntoIterator<Item = E>) -> Self {
        Self { events: events.into_iter().collect(), reply: () }
    }
}

impl<E, R> Decision<E, R> {
    /// One more event happens.
    pub fn and(mut self, event: E) -> Self {
        self.events.push(event);
        self
    }

    /// Says what the caller is told.
    pub fn reply<R2>(self, reply: R2) -> Decision<E, R2> {
        Decision { events: self.events, reply }
    }
}

/// What a command handler may return: an event, several, none, a [`Decision`], or a `Result` of
/// one of these.
#[diagnostic::on_unimplemented(
    message = "a command handler cannot return `{Self}`",
    label = "not a decision about `{E}`",
    note = "return `{E}`, `Option<{E}>`, `Vec<{E}>`, `[{E}; N]`, `()`, `Decision<{E}, Reply>`, or a `Result` of one of these"
)]
pub trait IntoDecision<E> {
    /// What the caller is told.
    type Reply;

    /// Why the domain says no.
    type Refusal;

    /// Takes the decision out.
    ///
    /// # Errors
    /// The domain's refusal.
    fn into_decision(self) -> Result<Decision<E, Self::Reply>, Self::Refusal>;
}

macro_rules! infallible {
    ($([$($generics:tt)*] $kind:ty, $reply:ty, $self:ident => $decision:expr;)*) => {
        $(impl<E: Event, $($generics)*> IntoDecision<E> for $kind {
            type Reply = $reply;
            type Refusal = Infallible;

            fn into_decision($self) -> Result<Decision<E, $reply>, Infallible> {
                Ok($decision)
            }
        })*
    };
}

infallible! {
    [] E, (), self => Decision::emit(self);
    [] Option<E>, (), self => Decision::all(self);
    [] Vec<E>, (), self => Decision { events: self, reply: () };
    [const N: usize] [E; N], (), self => Decision::all(self);
    [] (), (), self => Decision::nothing();
    [R] Decision<E, R>, R, self => self;
}

impl<E: Event, T, X> IntoDecision<E> for Result<T, X>
where
    T: IntoDecision<E, Refusal = Infallible>,
{
    type Reply = T::Reply;
    type Refusal = X;

    fn into_decision(self) -> Result<Decision<E, T::Reply>, X> {
        match self?.into_decision() {
            Ok(decision) => Ok(decision),
            Err(never) => match never {},
        }
    }
}
