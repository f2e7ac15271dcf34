//! Runs one function for one call: choose, call, judge.
//!
//! Invariant: whatever a function does, a panic included, its caller gets a value; and each call is
//! counted once, in the edition that ran. What does not depend on the function's types is compiled
//! once, in [`route`]: a program has thousands of functions.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use serde_json::Value;

use crate::{
    event::{DecodeError, Event, RecordedEvent},
    function::{
        CallContext, CallError, EditionId, Explanation, Ran, Routed, ShadowDiffered,
        roster::Family,
        route::Refusal,
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

/// A result as JSON, or why there is none.
type Described = Result<Value, String>;

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
    let family = shared.entries[index].family::<F>();
    let mut typed = TypedCall { family, input, outcome: None };
    let (ran, late) = route(shared, table, index, context, &mut typed)?;
    let outcome = typed.outcome.expect("a call that was routed has run");
    let outcome = match late {
        Some(Late { took, deadline }) => {
            outcome.and(Err(CallError::Late { function: F::name(), took, deadline }))
        }
        None => outcome,
    };
    Ok((ran, outcome))
}

/// A call with its types.
struct TypedCall<'c, 'i, F: Routed> {
    family: &'c Family<F>,
    input: F::Input<'i>,
    outcome: Option<Outcome<F>>,
}

/// A call as the routing sees it.
trait AnyCall {
    /// The function's own key.
    fn key(&self) -> Option<String>;

    /// Runs an edition and keeps what came of it; says whether it had a result.
    fn run(&mut self, edition: usize) -> bool;

    /// Runs another edition; gives what was kept and what that one gave.
    fn compare(&self, edition: usize) -> (Described, Described);
}

impl<F: Routed> AnyCall for TypedCall<'_, '_, F> {
    fn key(&self) -> Option<String> {
        F::shard_key(&self.input)
    }

    fn run(&mut self, edition: usize) -> bool {
        let outcome = caught::<F>(self.family.calls[edition], self.input.clone());
        self.outcome.insert(outcome).is_ok()
    }

    fn compare(&self, edition: usize) -> (Described, Described) {
        let used = self.outcome.as_ref().expect("an edition is compared with one that ran");
        let found = caught::<F>(self.family.calls[edition], self.input.clone());
        (described::<F>(used), described::<F>(&found))
    }
}

fn caught<F: Routed>(call: F::Signature, input: F::Input<'_>) -> Outcome<F> {
    match catch_unwind(AssertUnwindSafe(|| F::apply(call, input))) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(CallError::Failed(error)),
        Err(panic) => Err(CallError::Panicked { function: F::name(), message: panicked(&*panic) }),
    }
}

fn described<F: Routed>(outcome: &Outcome<F>) -> Described {
    match outcome {
        Ok(value) => serde_json::to_value(value).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// A result that came after the deadline.
struct Late {
    took: Duration,
    deadline: Duration,
}

/// Chooses an edition, runs it, and counts what came of it.
fn route(
    shared: &Shared,
    table: &Table,
    index: usize,
    context: &CallContext<'_>,
    call: &mut dyn AnyCall,
) -> Result<(Ran, Option<Late>), Refusal> {
    let (entry, route) = (&shared.entries[index], &*table.routes[index]);
    let runs = |edition: usize| entry.breakers[edition].admits(|| shared.clock.elapsed());
    let choice = route.choose(context, || call.key(), runs)?;
    let (edition, terms) = &entry.editions[choice.edition];
    let timed = terms.deadline.is_some() || choice.trial.is_some_and(|trial| trial.times());
    let start = timed.then(|| shared.clock.elapsed());
    let ran = call.run(choice.edition);
    let took = start.map(|start| shared.clock.elapsed().saturating_sub(start));
    let late = match (took, terms.deadline) {
        (Some(took), Some(deadline)) if ran && took > deadline => Some(Late { took, deadline }),
        _ => None,
    };
    let failed = !ran || late.is_some();
    match failed {
        false => entry.breakers[choice.edition].succeeded(),
        true => {
            entry.breakers[choice.edition].failed(shared.clock.elapsed());
        }
    }
    if let Some(trial) = choice.trial
        && let Some(fault) = trial.count(failed, took)
    {
        shared.guard_tripped(GuardTripped { index, set_at: trial.set_at(), fault });
    }
    if let Some(shadow) = choice.shadow {
        let (used, found) = call.compare(shadow);
        let shadow = entry.editions[shadow].0.clone();
        let edition = edition.clone();
        let differed = (used != found).then_some(ShadowDiffered { edition, shadow, used, found });
        shared.compared(index, differed);
    }
    let ran = Ran {
        function: entry.name,
        edition: edition.clone(),
        reason: choice.reason,
        bucket: choice.bucket,
        epoch: route.epoch,
    };
    Ok((ran, late))
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
            function: F::name(),
            edition: route.editions[choice.edition].id.clone(),
            reason: choice.reason,
            bucket: choice.bucket,
            epoch: route.epoch,
        }),
    }
}
