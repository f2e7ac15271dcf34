//! What functions take and return, as types: the part of a function that others share with it.
//!
//! Invariant: whatever is generic here is compiled once for each shape and not once for each
//! function; the attribute says the shape and leaves the rest to this file.

use std::{error::Error, marker::PhantomData};

use serde::Serialize;

use crate::{
    event::Event,
    function::{FunctionOutput, NoEvent, Plain},
};

/// Where a function is listed, and what it runs on, takes and returns.
pub trait Shape: 'static {
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

    /// The type of a pointer to it.
    type Signature: Copy + Send + Sync + 'static;

    /// Calls it.
    ///
    /// # Errors
    /// What the function returned.
    fn apply(
        signature: Self::Signature,
        input: Self::Input<'_>,
    ) -> Result<Self::Output, Self::Error>;

    /// The input, if it is the whole event.
    fn whole(event: &Self::Event) -> Option<Self::Input<'_>>;
}

/// A parameter that is a reference.
#[derive(Debug)]
pub struct Ref<T: ?Sized>(PhantomData<T>);

/// A parameter that is a value.
#[derive(Debug)]
pub struct Val<T>(PhantomData<T>);

/// A parameter.
pub trait Param: 'static {
    /// Its type in a call.
    type Of<'input>: Clone;
}

impl<T: ?Sized + 'static> Param for Ref<T> {
    type Of<'input> = &'input T;
}

impl<T: Clone + 'static> Param for Val<T> {
    type Of<'input> = T;
}

/// A function that runs on an event and takes the whole of it. `Home` is the mark of the registry that lists
/// it; `Kind` is [`Plain`], or `Fallible` if it
/// returns a `Result`.
#[derive(Debug)]
pub struct On<Home, E, O, Kind = Plain>(PhantomData<(Home, E, O, Kind)>);

/// A function that runs on an event and takes something of it.
#[derive(Debug)]
pub struct OnPart<Home, E, P, O, Kind = Plain>(PhantomData<(Home, E, P, O, Kind)>);

/// A function that runs when it is called; `P` is a tuple of [`Ref`] and [`Val`].
#[derive(Debug)]
pub struct Takes<Home, P, O, Kind = Plain>(PhantomData<(Home, P, O, Kind)>);

/// What a function may return, with what every caller asks of it.
#[diagnostic::on_unimplemented(
    message = "a function cannot return `{Self}`",
    label = "not something that serializes",
    note = "what a function returns is recorded and compared: derive `Serialize` on it; in a `Result`, the error implements `std::error::Error`"
)]
pub trait Output<Kind>:
    FunctionOutput<Kind, Value: Serialize + Send + 'static, Error: Error + Send + Sync + 'static>
    + 'static
{
}

#[diagnostic::do_not_recommend]
impl<Kind, O> Output<Kind> for O where
    O: FunctionOutput<
            Kind,
            Value: Serialize + Send + 'static,
            Error: Error + Send + Sync + 'static,
        > + 'static
{
}

type ValueOf<O, Kind> = <O as FunctionOutput<Kind>>::Value;

impl<Home, E, O, Kind> Shape for On<Home, E, O, Kind>
where
    Home: 'static,
    E: Event,
    Kind: 'static,
    O: Output<Kind>,
{
    type Home = Home;
    type Event = E;
    type Input<'input> = &'input E;
    type Output = ValueOf<O, Kind>;
    type Error = O::Error;
    type Signature = for<'input> fn(&'input E) -> O;

    fn apply(signature: Self::Signature, input: &E) -> Result<Self::Output, Self::Error> {
        signature(input).into_result()
    }

    fn whole(event: &E) -> Option<&E> {
        Some(event)
    }
}

impl<Home, E, P, O, Kind> Shape for OnPart<Home, E, P, O, Kind>
where
    Home: 'static,
    E: Event,
    P: 'static,
    Kind: 'static,
    O: Output<Kind>,
{
    type Home = Home;
    type Event = E;
    type Input<'input> = &'input P;
    type Output = ValueOf<O, Kind>;
    type Error = O::Error;
    type Signature = for<'input> fn(&'input P) -> O;

    fn apply(signature: Self::Signature, input: &P) -> Result<Self::Output, Self::Error> {
        signature(input).into_result()
    }

    fn whole(_: &E) -> Option<&P> {
        None
    }
}

impl<Home, A, O, Kind> Shape for Takes<Home, (A,), O, Kind>
where
    Home: 'static,
    A: Param,
    O: Output<Kind>,
    Kind: 'static,
{
    type Home = Home;
    type Event = NoEvent;
    type Input<'input> = A::Of<'input>;
    type Output = ValueOf<O, Kind>;
    type Error = O::Error;
    type Signature = for<'input> fn(A::Of<'input>) -> O;

    fn apply(signature: Self::Signature, input: A::Of<'_>) -> Result<Self::Output, Self::Error> {
        signature(input).into_result()
    }

    fn whole(event: &NoEvent) -> Option<A::Of<'_>> {
        match *event {}
    }
}

/// Implements [`Shape`] for functions of several parameters.
macro_rules! takes {
    ($($P:ident $p:ident)+) => {
        impl<Home: 'static, $($P: Param,)+ O: Output<Kind>, Kind: 'static> Shape
            for Takes<Home, ($($P,)+), O, Kind>
        {
            type Home = Home;
            type Event = NoEvent;
            type Input<'input> = ($($P::Of<'input>,)+);
            type Output = ValueOf<O, Kind>;
            type Error = O::Error;
            type Signature = for<'input> fn($($P::Of<'input>),+) -> O;

            fn apply(
                signature: Self::Signature,
                ($($p,)+): Self::Input<'_>,
            ) -> Result<Self::Output, Self::Error> {
                signature($($p),+).into_result()
            }

            fn whole(event: &NoEvent) -> Option<Self::Input<'_>> {
                match *event {}
            }
        }
    };
}

takes!(A a B b);
takes!(A a B b C c);
takes!(A a B b C c D d);
takes!(A a B b C c D d E e);
takes!(A a B b C c D d E e F f);
takes!(A a B b C c D d E e F f G g);
takes!(A a B b C c D d E e F f G g H h);
