//! How a scenario plays a command, by what keeps the command's decision consistent.
//!
//! Invariant: a command is decided on the events that the application would decide it on.

use lucent_core::{
    Aggregate, AggregateCommand, AggregateId as _, ByAggregate, CommandContext, DecidedOn, EventOf,
    Evolve, Handled, Metadata, StreamId, Version, store::VersionConflict,
};

use super::{
    Mismatch, Outcome, checks,
    scene::{Scene, fold},
    when::unpanicked,
};

/// What a scenario can decide commands on: an aggregate, a decision model, or a tuple of decision
/// models. Every handled command's state is one.
pub trait Played<C: Handled, B>: DecidedOn<C, B> + Sized {
    /// Puts the given events into streams, and tells them.
    #[doc(hidden)]
    fn set_up(scene: &mut Scene<EventOf<C>>, command: &C) -> Result<(), Mismatch>;

    /// Decides a command.
    #[doc(hidden)]
    fn decide(scene: &mut Scene<EventOf<C>>, command: &C) -> Result<Decided<C>, Mismatch>;

    /// Keeps what happened.
    #[doc(hidden)]
    fn keep(scene: &mut Scene<EventOf<C>>, command: &C, events: Vec<EventOf<C>>);

    /// The state after all that happened.
    #[doc(hidden)]
    fn state(scene: &Scene<EventOf<C>>, command: &C) -> Result<Self, Mismatch>;

    /// What to say if the command was decided on nothing while there are events.
    #[doc(hidden)]
    fn help(scene: &Scene<EventOf<C>>, command: &C) -> Option<String>;
}

#[doc(hidden)]
pub type Decided<C> = (Outcome<EventOf<C>, <C as Handled>::Refusal>, Option<<C as Handled>::Reply>);

impl<C, A> Played<C, ByAggregate> for A
where
    C: AggregateCommand<Aggregate = A> + Handled<State = A>,
    A: Aggregate + Evolve,
{
    fn set_up(scene: &mut Scene<A::Event>, command: &C) -> Result<(), Mismatch> {
        let stream = stream_of(command)?;
        scene.place(&stream);
        scene.tell_given(Some(&stream));
        Ok(())
    }

    fn decide(scene: &mut Scene<A::Event>, command: &C) -> Result<Decided<C>, Mismatch> {
        let stream = stream_of(command)?;
        let id = scene.next_command();
        let metadata = Metadata::of_command(id, scene.context.clone());
        let history = scene.events_of(&stream);
        let found = Version::ZERO.plus(history.len());
        if scene.checks {
            checks::given(scene.events())?;
        }
        if C::CREATES && found > Version::ZERO {
            let exists = VersionConflict::StreamExists { stream, found };
            return Ok((Outcome::AlreadyExists(exists), None));
        }
        let context = CommandContext::new(id, scene.now(), found, metadata);
        let state = unpanicked("the state panicked on an event", || fold(history.iter().copied()))?;
        let decision = unpanicked("the handler panicked", || command.decide(&state, &context))?;
        if scene.checks {
            checks::decision(command, &context, &history, &state, &decision)?;
        }
        Ok(match decision {
            Err(refusal) => (Outcome::Refused(refusal), None),
            Ok(decision) => (Outcome::Decided(decision.events), Some(decision.reply)),
        })
    }

    fn keep(scene: &mut Scene<A::Event>, command: &C, events: Vec<A::Event>) {
        if let Ok(stream) = stream_of(command) {
            scene.happened(&stream, events);
        }
    }

    fn state(scene: &Scene<A::Event>, command: &C) -> Result<Self, Mismatch> {
        let stream = stream_of(command)?;
        Ok(fold(scene.events_of(&stream)))
    }

    fn help(scene: &Scene<A::Event>, command: &C) -> Option<String> {
        let stream = stream_of(command).ok()?;
        scene.help_with_streams(&stream).filter(|_| !C::CREATES)
    }
}

fn stream_of<C: AggregateCommand>(command: &C) -> Result<StreamId, Mismatch> {
    command.aggregate_id().stream_id().map_err(|error| Mismatch::new(error.to_string()))
}
