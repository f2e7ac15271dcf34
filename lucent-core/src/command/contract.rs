//! What makes a type a command, and how its handler is found.
//!
//! Invariant: a command has exactly one handler, known to the compiler.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    aggregate::Aggregate,
    command::{CommandContext, DecidedOn, Decision},
    state::{Evolve, State},
};

/// A request for a decision.
///
/// `#[derive(Command)]` writes this. With an `#[id]` field the command is for an aggregate, with
/// `#[tag]` fields for decision models.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "write `#[derive(Command)]` on the type, and `#[id]` on the field that holds an aggregate's id, or `#[tag]` on the fields that decision models are found by"
)]
pub trait Command: Send + Sync + 'static {
    /// What keeps its decision consistent: [`ByAggregate`](super::ByAggregate) or
    /// [`ByTags`](super::ByTags).
    type Boundary;

    /// The name of the command.
    const NAME: &'static str;
}

/// A request to change one aggregate.
///
/// `#[derive(Command)]` with an `#[id]` field writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command for an aggregate",
    note = "with `#[id]` on the field that holds an aggregate's id it is one; without, its handler takes the decision models that it is decided on: `fn name(model: &Model, command: &{Self})`"
)]
pub trait AggregateCommand: Command {
    /// The aggregate that it is for.
    type Aggregate: Aggregate + Evolve;

    /// Which aggregate it is for.
    fn aggregate_id(&self) -> &<Self::Aggregate as Aggregate>::Id;
}

/// A command that a `#[command_handler]` function decides.
///
/// The attribute writes this beside the function.
#[diagnostic::on_unimplemented(
    message = "nothing handles the command `{Self}`",
    label = "this command has no handler",
    note = "write `#[command_handler] fn name(state: &Aggregate, command: &{Self}) -> Result<Event, Error> {{ … }}` in the crate that defines `{Self}`"
)]
pub trait Handled: Command + Sized {
    /// The mark of the registry that lists the handler.
    type Home;

    /// What it is decided on: its aggregate, a decision model, or a tuple of decision models.
    type State: DecidedOn<Self, Self::Boundary>;

    /// What the caller is told beside the outcome.
    type Reply: Reply;

    /// Why the domain says no.
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// Whether the handler takes no state, so that its aggregate must be new.
    const CREATES: bool;

    /// Runs the handler.
    ///
    /// # Errors
    /// The domain's refusal.
    fn decide(
        &self,
        state: &Self::State,
        context: &CommandContext,
    ) -> Result<Decision<EventOf<Self>, Self::Reply>, Self::Refusal>;
}

/// The events that a command's handler decides: those of its aggregate, or of its first decision
/// model.
pub type EventOf<C> = <<C as Handled>::State as State>::Event;

/// What a handler may reply: anything that can be stored with the command's id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a command's reply",
    note = "a reply is kept with the command's id: derive `Serialize` and `Deserialize` on it"
)]
pub trait Reply: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Reply for T {}
