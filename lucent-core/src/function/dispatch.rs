//! Calls that may run on another node.
//!
//! Invariant: where a call runs, it runs by the table of that node and is counted there, in its turn
//! and its place; a call that stays on its node is not encoded.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    event::BusinessContext,
    function::{
        CallContext, CallError, Called, EditionId, Priority, Ran, Reason, Refusal, Routed, Wire,
        host::address, run, shared::Shared,
    },
    mesh::{Errand, MeshError, MeshNode, Needs, NodeId, Nowhere, Request, Route, Urgency},
    position::Position,
};

/// A result, which edition gave it, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dispatched<T> {
    /// The result.
    pub value: T,
    /// What ran, and why.
    pub ran: Ran,
    /// The node that it ran on; none if the manager has no node.
    pub node: Option<NodeId>,
}

/// A dispatched call without a result; `E` is the function's own error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError<E> {
    /// It ran on this node, or may run nowhere.
    #[error(transparent)]
    Call(#[from] CallError<E>),
    /// It ran on another node, which says why there is no result.
    #[error("on node {node}: {reason}")]
    Elsewhere {
        /// The node.
        node: NodeId,
        /// What went wrong there.
        reason: String,
    },
    /// No node has run it, as far as is known.
    #[error(transparent)]
    Mesh(#[from] MeshError),
    /// Its calls have a key and do not travel, so the key's owner cannot get them.
    #[error(
        "`{function}` has a shard key, and its input or output cannot be read again: derive `Serialize` and `Deserialize` on both, or `call` it, which runs it here and keeps no order among nodes"
    )]
    CannotTravel {
        /// The function.
        function: &'static str,
    },
}

/// Runs a call that came from another node.
pub(crate) type Receive = fn(&Shared, usize, &[u8]) -> Result<Bytes, String>;

/// What is said of a call beside its input.
#[derive(Serialize, Deserialize)]
struct Letterhead {
    context: BusinessContext,
    /// The edition that is replayed.
    recorded: Option<EditionId>,
    /// The edition that the caller insists on.
    pinned: Option<EditionId>,
}

/// What came of a call.
#[derive(Serialize, Deserialize)]
struct Answer {
    node: Option<String>,
    /// What ran, and its output behind this; or why there is none.
    outcome: Result<Note, String>,
}

/// [`Ran`] on its way.
#[derive(Serialize, Deserialize)]
struct Note {
    edition: EditionId,
    reason: Reason,
    bucket: Option<u16>,
    epoch: Position,
}

/// Calls a function on the node that its key or the load says.
pub(crate) async fn dispatch<F: Routed>(
    shared: &Shared,
    index: usize,
    context: &CallContext<'_>,
    input: F::Input<'_>,
) -> Result<Dispatched<F::Output>, DispatchError<F::Error>>
where
    for<'i> F::Input<'i>: Send,
{
    let wire = shared.entries[index].family::<F>().wire.as_deref();
    let (node, wire) = match (shared.node.get(), wire) {
        (Some(node), Some(wire)) => (node, wire),
        (Some(_), None) if F::DECLARATION.sharded => {
            return Err(DispatchError::CannotTravel { function: F::name() });
        }
        (node, _) => {
            let called = run::call::<F>(shared, &shared.table.load(), index, context, input)?;
            return Ok(Dispatched::here(called, node));
        }
    };
    let request = request::<F>(shared, index, context, &input)?;
    let mut errand = Trip::<F> { shared, index, context, input, wire, outcome: None };
    let reply = node.place(request, &mut errand).await?;
    match (reply, errand.outcome) {
        (Some(reply), _) => read_answer::<F>(wire, &reply)
            .map_err(|(node, reason)| DispatchError::Elsewhere { node, reason }),
        (None, outcome) => {
            let called = outcome.expect("a call that ran here has an outcome")?;
            Ok(Dispatched::here(called, Some(node)))
        }
    }
}

/// Where a call would run, and why there.
pub(crate) fn destination<F: Routed>(
    shared: &Shared,
    index: usize,
    context: &CallContext<'_>,
    input: &F::Input<'_>,
) -> Result<Option<Result<Route, Nowhere>>, Refusal> {
    let Some(node) = shared.node.get() else { return Ok(None) };
    if shared.entries[index].receive.is_none() {
        return Ok(None);
    }
    let request = request::<F>(shared, index, context, input)?;
    Ok(Some(node.explain(&request)))
}

/// The request for a call, without its input.
fn request<F: Routed>(
    shared: &Shared,
    index: usize,
    context: &CallContext<'_>,
    input: &F::Input<'_>,
) -> Result<Request, Refusal> {
    let ran = run::explain::<F>(shared, index, context, input).outcome?;
    let editions = &shared.entries[index].editions;
    let terms = editions.iter().find(|(id, _)| *id == ran.edition).map(|(_, terms)| terms);
    let terms = terms.copied().unwrap_or_default();
    Ok(Request {
        function: address(F::name(), &ran.edition),
        key: F::shard_key(input).map(Arc::from),
        urgency: Urgency::from(F::DECLARATION.priority),
        needs: Needs {
            cpu: terms.cpu.unwrap_or_default(),
            memory: terms.memory.unwrap_or_default(),
        },
        patience: terms.deadline.unwrap_or(PATIENCE),
        payload: Bytes::new(),
    })
}

/// What a call here gave.
type CallOutcome<F> = Result<Called<<F as Routed>::Output>, CallError<<F as Routed>::Error>>;

/// A call on its way.
struct Trip<'c, 'i, F: Routed> {
    shared: &'c Shared,
    index: usize,
    context: &'c CallContext<'c>,
    input: F::Input<'i>,
    wire: &'c dyn Wire<F>,
    outcome: Option<CallOutcome<F>>,
}

impl<'i, F: Routed> Errand for Trip<'_, 'i, F>
where
    F::Input<'i>: Send,
{
    fn run(&mut self) {
        let table = self.shared.table.load();
        let input = self.input.clone();
        let outcome = run::call::<F>(self.shared, &table, self.index, self.context, input);
        self.outcome = Some(outcome);
    }

    fn payload(&mut self) -> Result<Bytes, String> {
        let letterhead = Letterhead {
            context: self.context.business().clone(),
            recorded: self.context.recorded(F::name()),
            pinned: self.context.pin().cloned(),
        };
        Ok(sealed(&letterhead, &self.wire.write(&self.input)?))
    }
}

/// Runs a call that came from another node.
pub(crate) fn receive<F: Routed>(
    shared: &Shared,
    index: usize,
    payload: &[u8],
) -> Result<Bytes, String> {
    let wire = shared.entries[index].family::<F>().wire.as_deref();
    let wire = wire.ok_or("its calls do not travel")?;
    let (letterhead, input) = opened::<Letterhead>(payload)?;
    let context = CallContext::from(&letterhead.context);
    let context = match (letterhead.recorded, letterhead.pinned) {
        (Some(edition), _) => context.repeating(edition),
        (None, Some(edition)) => context.pinned(edition),
        (None, None) => context,
    };
    let mut answer = None;
    wire.read(input, &mut |input| {
        let called = run::call::<F>(shared, &shared.table.load(), index, &context, input);
        answer = Some(match called {
            Ok(Called { value, ran }) => serde_json::to_vec(&value)
                .map(|output| (Note::from(ran), output))
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        });
    })?;
    Ok(match answer.expect("an input that was read was handed on") {
        Ok((note, output)) => sealed(&Answer { node: name(shared), outcome: Ok(note) }, &output),
        Err(reason) => refused(shared, &reason),
    })
}

/// The answer that there is no result.
pub(crate) fn refused(shared: &Shared, reason: &str) -> Bytes {
    sealed(&Answer { node: name(shared), outcome: Err(reason.to_owned()) }, &[])
}

fn name(shared: &Shared) -> Option<String> {
    shared.node.get().map(|node| node.id().as_str().to_owned())
}

/// Reads what another node answered; or gives that node and why there is no result.
fn read_answer<F: Routed>(
    wire: &dyn Wire<F>,
    reply: &[u8],
) -> Result<Dispatched<F::Output>, (NodeId, String)> {
    let (answer, output) =
        opened::<Answer>(reply).map_err(|reason| (NodeId::from("unknown"), reason))?;
    let node = NodeId::new(answer.node.unwrap_or_default());
    let elsewhere = |reason| (node.clone(), reason);
    let Note { edition, reason, bucket, epoch } = answer.outcome.map_err(elsewhere)?;
    let value = wire.read_output(output).map_err(elsewhere)?;
    let ran = Ran { function: F::name(), edition, reason, bucket, epoch };
    Ok(Dispatched { value, ran, node: Some(node) })
}

/// A head as JSON, its length before it and a body behind it.
fn sealed(head: &impl Serialize, body: &[u8]) -> Bytes {
    let head = serde_json::to_vec(head).expect("names, numbers and texts are JSON");
    let length = u32::try_from(head.len()).expect("a context is less than 4 GiB");
    [&length.to_le_bytes()[..], &head, body].concat().into()
}

fn opened<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, &[u8]), String> {
    let cut = || "it is cut off".to_owned();
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(cut)?;
    let head = serde_json::from_slice(head).map_err(|error| error.to_string())?;
    Ok((head, body))
}

impl<T> Dispatched<T> {
    fn here(Called { value, ran }: Called<T>, node: Option<&MeshNode>) -> Self {
        Self { value, ran, node: node.map(|node| node.id().clone()) }
    }
}

impl From<Ran> for Note {
    fn from(Ran { edition, reason, bucket, epoch, .. }: Ran) -> Self {
        Self { edition, reason, bucket, epoch }
    }
}

impl<E> From<Refusal> for DispatchError<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Call(CallError::Refused(refusal))
    }
}

impl From<Priority> for Urgency {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
            Priority::Critical => Self::Critical,
        }
    }
}

/// How long a call may wait for its turn and its place, unless its edition has a deadline.
const PATIENCE: Duration = Duration::from_secs(5);
