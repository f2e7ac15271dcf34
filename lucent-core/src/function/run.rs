//! Runs one function for one call: choose, call, judge.
//!
//! Invariant: whatever a function does, a panic included, its caller gets a value; and each call is
//! counted once, in the edition that ran.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::{
    event::{DecodeError, Event, RecordedEvent},
    function::{
        CallContext, CallError, EditionId, Explanation, Ran, Routed, ShadowDiffered,
        roster::{Family, Member},
        route::{Choice, Refusal},
        shared::{GuardTripped, Shared},
        table::Table,
    },
    projection::panicked,
};

/// A result, and which edition gave it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Called<T> {
    /// The result.
    pub value: T,
    /// What ran, and why.
    pub ran: Ran,
}

type Outcome<F> = Result<<F as Routed>::Output, CallError<<F as Routed>::Error>>;

/// Calls the function with this index by the rules of a table.
pub(crate) fn call<F: Routed>(
    shared: &Shared,
    table: &Table,
    index: usize,
    context: &CallContext<'_>,
    input: F::Input<'_>,
) -> Result<Called<F::Output>, CallError<F::Error>> {
    let (ran, outcome) = counted::<F>(shared, table, index, context, input)?;
    outcome.map(|value| Called { value, ran })
}

/// Calls a function; gives what ran also if it failed.
fn counted<F: Routed>(
    shared: &Shared,
    table: &Table,
    index: usize,
    context: &CallContext<'_>,
    input: F::Input<'_>,
) -> Result<(Ran, Outcome<F>), Refusal> {
    let entry = &shared.entries[index];
    let route = &*table.routes[index];
    let choice = route.choose(
        context,
        || F::shard_key(&input),
        |edition| entry.breakers[edition].admits(|| shared.clock.elapsed()),
    )?;
    let family = entry.family.downcast_ref::<Family<F>>();
    let family = family.expect("an entry holds the family of its own type");
    let member = &family.members[choice.edition];
    let shadow = choice.shadow.map(|shadow| (&family.members[shadow], input.clone()));
    let outcome = attempt::<F>(shared, index, &choice, member, input);
    if let Some((shadow, input)) = shadow {
        compare::<F>(shared, index, member, shadow, input, &outcome);
    }
    let ran = Ran {
        function: F::NAME,
        edition: member.id.clone(),
        reason: choice.reason,
        bucket: choice.bucket,
        epoch: route.epoch,
    };
    Ok((ran, outcome))
}

/// Runs an edition and counts what came of it.
fn attempt<F: Routed>(
    shared: &Shared,
    index: usize,
    choice: &Choice<'_>,
    member: &Member<F>,
    input: F::Input<'_>,
) -> Outcome<F> {
    let deadline = member.terms.deadline;
    let timed = deadline.is_some() || choice.trial.is_some_and(|trial| trial.times());
    let start = timed.then(|| shared.clock.elapsed());
    let outcome = caught::<F>(member, input);
    let took = start.map(|start| shared.clock.elapsed().saturating_sub(start));
    let outcome = match (took, deadline) {
        (Some(took), Some(deadline)) if took > deadline => {
            outcome.and(Err(CallError::Late { function: F::NAME, took, deadline }))
        }
        _ => outcome,
    };
    let breaker = &shared.entries[index].breakers[choice.edition];
    match &outcome {
        Ok(_) => breaker.succeeded(),
        Err(_) => {
            breaker.failed(shared.clock.elapsed());
        }
    }
    if let Some(trial) = choice.trial
        && let Some(fault) = trial.count(outcome.is_err(), took)
    {
        shared.guard_tripped(GuardTripped { index, set_at: trial.set_at(), fault });
    }
    outcome
}

fn caught<F: Routed>(member: &Member<F>, input: F::Input<'_>) -> Outcome<F> {
    match catch_unwind(AssertUnwindSafe(|| F::apply(member.call, input))) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(CallError::Failed(error)),
        Err(panic) => Err(CallError::Panicked { function: F::NAME, message: panicked(&*panic) }),
    }
}

/// Runs the shadow and reports a result that is another one. It is not counted anywhere else.
fn compare<F: Routed>(
    shared: &Shared,
    index: usize,
    member: &Member<F>,
    shadow: &Member<F>,
    input: F::Input<'_>,
    used: &Outcome<F>,
) {
    let found = caught::<F>(shadow, input);
    let (used, found) = (described::<F>(used), described::<F>(&found));
    let differed = (used != found).then(|| ShadowDiffered {
        edition: member.id.clone(),
        shadow: shadow.id.clone(),
        used,
        found,
    });
    shared.compared(index, differed);
}

fn described<F: Routed>(outcome: &Outcome<F>) -> Result<Value, String> {
    match outcome {
        Ok(value) => serde_json::to_value(value).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// What a function made of a recorded event.
pub(crate) struct Recorded {
    pub(crate) ran: Ran,
    pub(crate) key: Option<String>,
    /// As JSON.
    pub(crate) output: Value,
}

/// Why a function made nothing of a recorded event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepFault {
    /// It may not run on this event; that is settled by control and not by trying again.
    #[error(transparent)]
    Refused(Refusal),
    #[error("{edition}: {message}")]
    Failed { edition: EditionId, message: String },
    #[error(transparent)]
    Unreadable(#[from] DecodeError),
}

/// Runs a function on a recorded event, if it runs on that one.
pub(crate) fn step<F: Routed>(
    shared: &Shared,
    index: usize,
    context: &CallContext<'_>,
    event: &RecordedEvent,
) -> Result<Option<Recorded>, StepFault> {
    if !F::Event::knows(&event.event_type) {
        return Ok(None);
    }
    let Some(decoded) = F::Event::decode(event)? else {
        return Ok(None);
    };
    let Some(input) = F::select(&decoded) else {
        return Ok(None);
    };
    let key = F::shard_key(&input);
    let table = shared.table.load();
    let (ran, outcome) =
        counted::<F>(shared, &table, index, context, input).map_err(StepFault::Refused)?;
    let failed = |message: String| StepFault::Failed { edition: ran.edition.clone(), message };
    let value = outcome.map_err(|error| failed(error.to_string()))?;
    let output = serde_json::to_value(&value).map_err(|error| failed(error.to_string()))?;
    Ok(Some(Recorded { ran, key, output }))
}

/// What a call would run, without running it or counting it.
pub(crate) fn explain<F: Routed>(
    shared: &Shared,
    index: usize,
    context: &CallContext<'_>,
    input: &F::Input<'_>,
) -> Explanation {
    let table = shared.table.load();
    let (route, now) = (&*table.routes[index], shared.clock.elapsed());
    let runs = |edition: usize| shared.entries[index].breakers[edition].would_admit(now);
    let choice = route.choose(context, || F::shard_key(input), runs);
    let shadow = choice.as_ref().ok().and_then(|choice| choice.shadow);
    Explanation {
        share: route.rollout.as_ref().map(|route| route.rollout.share),
        shadow: shadow.map(|index| route.editions[index].id.clone()),
        outcome: choice.map(|choice| Ran {
            function: F::NAME,
            edition: route.editions[choice.edition].id.clone(),
            reason: choice.reason,
            bucket: choice.bucket,
            epoch: route.epoch,
        }),
    }
}
