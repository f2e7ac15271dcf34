//! What keeps a decision consistent: the stream of an aggregate, or the events of decision models.
//!
//! Invariant: every command has one boundary, known to the compiler.

use std::{future::Future, pin::Pin};

use crate::{
    aggregate::Aggregate,
    app::{CommandError, Done, Execute},
    command::{AggregateCommand, Handled},
    decision_model::Models,
    state::{Evolve, State},
};

/// The boundary of commands with an `#[id]`: the stream of one aggregate.
#[derive(Clone, Copy, Debug)]
pub struct ByAggregate;

/// The boundary of commands with `#[tag]`s: the events that their handler's decision models are
/// built from.
#[derive(Clone, Copy, Debug)]
pub struct ByTags;

/// What commands `C` of the boundary `B` can be decided on: their aggregate, a decision model, or a
/// tuple of decision models.
#[diagnostic::on_unimplemented(
    message = "the command `{C}` cannot be decided on `{Self}`",
    label = "not a state of this command",
    note = "a command with `#[id]` is decided on its aggregate, one with `#[tag]` on a decision model or a tuple of up to eight"
)]
pub trait DecidedOn<C: Handled, B>: State {
    /// The names of the aggregate, or of the decision models.
    const NAMES: &'static [&'static str];

    /// Executes a command.
    #[doc(hidden)]
    fn execute(execute: Execute<C>) -> Execution<C>;
}

/// A command on its way.
#[doc(hidden)]
pub type Execution<C> = Pin<
    Box<
        dyn Future<
                Output = Result<Done<<C as Handled>::Reply>, CommandError<<C as Handled>::Refusal>>,
            > + Send,
    >,
>;

/// A handled command that is for an aggregate.
#[doc(hidden)]
pub trait OnAggregate:
    AggregateCommand + Handled<State = <Self as AggregateCommand>::Aggregate>
{
}

impl<C> OnAggregate for C where
    C: AggregateCommand + Handled<State = <Self as AggregateCommand>::Aggregate>
{
}

#[diagnostic::do_not_recommend]
impl<C, A> DecidedOn<C, ByAggregate> for A
where
    C: AggregateCommand<Aggregate = A> + Handled<State = A>,
    A: Aggregate + Evolve,
{
    const NAMES: &'static [&'static str] = &[A::NAME];

    fn execute(execute: Execute<C>) -> Execution<C> {
        Box::pin(execute.run())
    }
}

impl<C, M> DecidedOn<C, ByTags> for M
where
    C: Handled<State = M>,
    M: Models<C>,
{
    const NAMES: &'static [&'static str] = M::NAMES;

    fn execute(execute: Execute<C>) -> Execution<C> {
        Box::pin(execute.on_models())
    }
}
