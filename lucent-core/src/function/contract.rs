//! What makes a function one that the manager routes, and what its editions are.
//!
//! Invariant: all editions of a function have one signature, checked by the compiler at each of
//! them; so whichever of them runs, the caller's types hold.

use std::{convert::Infallible, error::Error, time::Duration};

use serde::Serialize;

use crate::{
    event::{DecodeFault, Event, EventType},
    function::{Shape, Travels},
    payload::{EncodeError, Payload},
};

/// A function of which the manager decides which edition runs.
///
/// `#[function]` writes [`Declared`] for the type of the function's name, and this follows from it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that is routed",
    label = "not a function with `#[function]`, or an edition of another one",
    note = "write `#[function]`, without `of`, on the function of this name; an edition is called through the function that it is an edition of"
)]
pub trait Routed: Edition<Of = Self> + Sized {
    /// The mark of the registry that lists the function.
    type Home;

    /// The event that it runs on, or [`NoEvent`].
    type Event: Event;

    /// Its parameters: the type of the only one, or a tuple.
    type Input<'input>: Clone;

    /// What it calculates.
    type Output: Serialize + Send + 'static;

    /// Why it cannot.
    type Error: Error + Send + Sync + 'static;

    /// The type of a pointer to one of its editions.
    type Signature: Copy + Send + Sync + 'static;

    /// What is said once, for all of its editions.
    const DECLARATION: Declaration;

    /// The name under which it is controlled and recorded.
    fn name() -> &'static str;

    /// Calls an edition.
    ///
    /// # Errors
    /// What the edition returned.
    fn apply(
        signature: Self::Signature,
        input: Self::Input<'_>,
    ) -> Result<Self::Output, Self::Error>;

    /// What it takes of the event that it runs on; `None` if it does not run on this one.
    fn select(event: &Self::Event) -> Option<Self::Input<'_>>;

    /// How its calls travel to other nodes; `None` if it runs where it is called.
    fn wire() -> Travels<Self>;

    /// The key that keeps calls in order, and that a rollout sticks by unless told otherwise.
    fn shard_key(input: &Self::Input<'_>) -> Option<String>;
}

/// What is said of a function at the function. `#[function]` writes this; the rest follows from it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that is routed",
    label = "not a function with `#[function]`, or an edition of another one",
    note = "write `#[function]`, without `of`, on the function of this name; an edition is called through the function that it is an edition of"
)]
pub trait Declared: Sized + 'static {
    /// Where it is listed, and what it runs on, takes and returns.
    type Shape: Shape;

    /// What is said once, for all of its editions.
    const DECLARATION: Declaration = Declaration::PLAIN;

    /// Which version it is itself.
    const VERSION: u32 = 1;

    /// Which variant of that version it is itself, if it is one.
    const VARIANT: Option<&'static str> = None;

    /// On which terms it runs itself.
    const TERMS: Terms = Terms::NONE;

    /// The name under which it is controlled and recorded, the line that it stands on, and the function
    /// itself. All that is said in a body is said in this one, for a body of its own is dear to compile.
    fn function() -> (&'static str, u32, <Self::Shape as Shape>::Signature);

    /// What it takes of the event that it runs on; `None` if it does not run on this one.
    fn select(event: &<Self::Shape as Shape>::Event) -> Option<<Self::Shape as Shape>::Input<'_>> {
        Self::Shape::whole(event)
    }

    /// How its calls travel to other nodes, if it says what decides where they run, and if what it takes
    /// and gives can be written and read.
    #[must_use]
    fn wire() -> Travels<Self> {
        None
    }

    /// The key that keeps calls in order, and that a rollout sticks by unless told otherwise.
    fn shard_key(input: &<Self::Shape as Shape>::Input<'_>) -> Option<String> {
        let _ = input;
        None
    }
}

impl<F: Declared> Routed for F {
    type Home = <F::Shape as Shape>::Home;
    type Event = <F::Shape as Shape>::Event;
    type Input<'input> = <F::Shape as Shape>::Input<'input>;
    type Output = <F::Shape as Shape>::Output;
    type Error = <F::Shape as Shape>::Error;
    type Signature = <F::Shape as Shape>::Signature;

    const DECLARATION: Declaration = F::DECLARATION;

    fn name() -> &'static str {
        F::function().0
    }

    fn apply(
        signature: Self::Signature,
        input: Self::Input<'_>,
    ) -> Result<Self::Output, Self::Error> {
        F::Shape::apply(signature, input)
    }

    fn select(event: &Self::Event) -> Option<Self::Input<'_>> {
        <F as Declared>::select(event)
    }

    fn wire() -> Travels<Self> {
        <F as Declared>::wire()
    }

    fn shard_key(input: &Self::Input<'_>) -> Option<String> {
        <F as Declared>::shard_key(input)
    }
}

/// One version or variant of a function.
///
/// A function is an edition of itself. For the others, `#[function(of = …)]` writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an edition of a function",
    note = "write `#[function]` on the function of this name"
)]
pub trait Edition: 'static {
    /// The function that it is an edition of; its own type if it is the function itself.
    type Of: Routed;

    /// Which version of the function it is.
    const VERSION: u32 = 1;

    /// Which variant of that version, if it is one.
    const VARIANT: Option<&'static str> = None;

    /// On which terms it runs.
    const TERMS: Terms = Terms::NONE;

    /// The line that it stands on, and the function itself.
    fn function() -> (u32, <Self::Of as Routed>::Signature);
}

impl<F: Declared> Edition for F {
    type Of = F;

    const VERSION: u32 = F::VERSION;
    const VARIANT: Option<&'static str> = F::VARIANT;
    const TERMS: Terms = F::TERMS;

    fn function() -> (u32, <F::Shape as Shape>::Signature) {
        let (_, line, function) = <F as Declared>::function();
        (line, function)
    }
}

/// On which terms an edition runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Terms {
    /// After this time a result counts as a failure, and is not given out.
    pub deadline: Option<Duration>,
    /// How much computing time a call takes, for placing it.
    pub cpu: Option<Duration>,
    /// How many bytes a call takes, for placing it.
    pub memory: Option<u64>,
    /// The version that runs while this one cannot.
    pub fallback: Option<u32>,
}

impl Terms {
    /// Nothing is said.
    pub const NONE: Self = Self { deadline: None, cpu: None, memory: None, fallback: None };
}

/// What is said once of a function, for all of its editions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Declaration {
    /// Who goes first when there is more to do than can be done.
    pub priority: Priority,
    /// Where it never runs.
    pub denied_jurisdictions: &'static [&'static str],
    /// Words to find it by.
    pub tags: &'static [&'static str],
    /// Whether calls have a key that keeps them in order.
    pub sharded: bool,
}

impl Declaration {
    /// Nothing is said.
    pub const PLAIN: Self =
        Self { priority: Priority::Normal, denied_jurisdictions: &[], tags: &[], sharded: false };
}

/// Who goes first when there is more to do than can be done.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// Shed first.
    Low,
    /// Unless said otherwise.
    #[default]
    Normal,
    /// Shed after the normal ones.
    High,
    /// Never shed while anything else runs.
    Critical,
}

/// The event of a function that runs on none.
#[derive(Clone, Copy, Debug)]
pub enum NoEvent {}

impl Event for NoEvent {
    const NAME: &'static str = "NoEvent";
    const TYPES: &'static [EventType] = &[];

    fn event_type(&self) -> EventType {
        match *self {}
    }

    fn encode(&self) -> Result<Payload, EncodeError> {
        match *self {}
    }

    fn decode_payload(_: &str, _: u32, _: &Payload) -> Result<Self, DecodeFault> {
        Err(DecodeFault::UnknownType)
    }
}

/// What a function may return: something that serializes, or a `Result` of it and an error.
///
/// `Kind` only keeps the two apart; the attribute says which it is.
#[diagnostic::on_unimplemented(
    message = "a function cannot return `{Self}`",
    label = "not something that serializes",
    note = "what a function returns is recorded and compared: derive `Serialize` on it; in a `Result`, the error implements `std::error::Error`"
)]
pub trait FunctionOutput<Kind> {
    /// What was calculated.
    type Value;

    /// Why it was not.
    type Error;

    /// Takes the outcome out.
    ///
    /// # Errors
    /// What the function returned.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

/// Returns what it calculates.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// Returns a `Result`.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Fallible;

#[diagnostic::do_not_recommend]
impl<T: Serialize + Send + 'static> FunctionOutput<Plain> for T {
    type Value = T;
    type Error = Infallible;

    fn into_result(self) -> Result<T, Infallible> {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T, X> FunctionOutput<Fallible> for Result<T, X>
where
    T: Serialize + Send + 'static,
    X: Error + Send + Sync + 'static,
{
    type Value = T;
    type Error = X;

    fn into_result(self) -> Self {
        self
    }
}
