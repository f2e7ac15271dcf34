//! Applies events by a projector, in a transaction that somebody else begins and ends.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;
use lucent_core::RecordedEvent;

use crate::{
    connect::Session,
    fault::Fault,
    sql::{AnyProjector, SqlTx},
};

/// What came of applying events.
pub(crate) enum Applied {
    /// Every statement has succeeded.
    All,
    /// The event of this number has failed, for this reason; the transaction is to be rolled back.
    Failed(usize, String),
}

/// Applies events in their order. What the server may take another time is its fault; everything else
/// is an event's.
pub(crate) async fn apply(
    projector: &dyn AnyProjector,
    session: &Arc<Session>,
    events: &[RecordedEvent],
) -> Result<Applied, Fault> {
    let tx = SqlTx::new(session);
    for (number, event) in events.iter().enumerate() {
        tx.begin_event(number);
        let outcome = AssertUnwindSafe(projector.apply(&tx, event)).catch_unwind().await;
        let reason = match outcome {
            Ok(Ok(())) if tx.outstanding() < MOST_OUTSTANDING => continue,
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(panicked(&*panic)),
        };
        // A statement that was sent before may be the cause of what the function has seen.
        if let Some((number, fault)) = tx.settle().await {
            return failed(number, fault);
        }
        if let Some(reason) = reason {
            return Ok(Applied::Failed(number, reason));
        }
    }
    match tx.settle().await {
        Some((number, fault)) => failed(number, fault),
        None => Ok(Applied::All),
    }
}

fn failed(number: usize, fault: Fault) -> Result<Applied, Fault> {
    match fault.is_transient() || fault.is_read_only() {
        true => Err(fault),
        false => Ok(Applied::Failed(number, fault.said())),
    }
}

/// The message of a caught panic.
fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.map_or_else(|| "it panicked".to_owned(), |text| format!("it panicked: {text}"))
}

/// How many answers may be outstanding, so that they take little memory.
const MOST_OUTSTANDING: usize = 1_024;
