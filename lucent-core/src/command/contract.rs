//! What makes a type a command, and how its handler is found.
//!
//! Invariant: a command has exactly one handler, known to the compiler.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    aggregate::{Aggregate, Evolve},
    command::{CommandContext, Decision},
};

/// A request to change one aggregate.
///
/// `#[derive(Command)]` with `#[command(aggregate = …)]` and an `#[id]` field writes this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command",
    note = "write `#[derive(Command)] #[command(aggregate = SomeAggregate)]` on the type and `#[id]` on the field that holds the aggregate's id"
)]
pub trait Command: Send + Sync + 'static {
    /// The aggregate that it is for.
    type Aggregate: Evolve;

    /// The name of the command.
    const NAME: &'static str;

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

    /// What the caller is told beside the outcome.
    type Reply: Reply;

    /// Why the domain says no.
    type Refusal: std::error::Error + Send + Sync + 'static;

    /// Whether the handler takes no state, so that the aggregate must be new.
    const CREATES: bool;

    /// Runs the handler.
    ///
    /// # Errors
    /// The domain's refusal.
    fn decide(
        &self,
        state: &Self::Aggregate,
        context: &CommandContext,
    ) -> Result<Decision<EventOf<Self>, Self::Reply>, Self::Refusal>;
}

/// The events of a command's aggregate.
pub type EventOf<C> = <<C as Command>::Aggregate as Aggregate>::Event;

/// What a handler may reply: anything that can be stored with the command's id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a command's reply",
    note = "a reply is kept with the command's id: derive `Serialize` and `Deserialize` on it"
)]
pub trait Reply: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Reply for T {}
