//! States that decisions are made on: aggregates and decision models.
//!
//! Invariant: a state is a function of its events alone.

use crate::event::Event;

/// Something that events build up.
///
/// `#[derive(Aggregate)]` and `#[derive(DecisionModel)]` write this.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an aggregate nor a decision model",
    note = "write `#[derive(Default, Aggregate)] #[aggregate(id = SomeId, event = SomeEvent)]` or `#[derive(DecisionModel)] #[decision_model(event = SomeEvent)]` on the type"
)]
pub trait State: Send + Sync + 'static {
    /// The type of its events.
    type Event: Event;
}

/// How an event changes a state.
#[diagnostic::on_unimplemented(
    message = "nothing says how an event changes `{Self}`",
    note = "write `impl Evolve for {Self} {{ fn evolve(&mut self, event: &Event) {{ match event {{ … }} }} }}`"
)]
pub trait Evolve: State {
    /// Applies an event. It cannot refuse: what happened, happened.
    fn evolve(&mut self, event: &Self::Event);
}
