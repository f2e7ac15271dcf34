//! Answers the requests of a batch, off the writer's thread.
//!
//! Waking the callers of a large batch, and freeing what they asked for, takes about as long as
//! writing it; meanwhile the writer takes the next batch. Invariant: every batch that is handed
//! over is answered, also when the store closes.

use std::{
    sync::mpsc::{self, Sender},
    thread::JoinHandle,
};

use lucent_core::store::StoreError;

use crate::{
    spawn::spawn,
    writer::request::{Outcome, Request},
};

/// A batch that is durable, and what came of each request.
struct Served {
    batch: Vec<Request>,
    outcomes: Vec<Outcome>,
}

/// The way to the answering thread.
pub(crate) struct Answers {
    served: Sender<Served>,
    thread: JoinHandle<()>,
}

impl Answers {
    /// Starts the thread.
    pub(crate) fn start() -> Result<Self, StoreError> {
        let (served, inbox) = mpsc::channel::<Served>();
        let thread = spawn("lucent-sqlite-answers", move || {
            for Served { batch, outcomes } in inbox {
                answer(batch, outcomes);
            }
        })?;
        Ok(Self { served, thread })
    }

    /// Answers a batch: a small one at once, since handing it over would only delay it.
    pub(crate) fn give(&self, batch: Vec<Request>, outcomes: Vec<Outcome>) {
        if batch.len() <= AT_ONCE {
            answer(batch, outcomes);
        } else if let Err(mpsc::SendError(Served { batch, outcomes })) =
            self.served.send(Served { batch, outcomes })
        {
            // The thread is gone, which only a panic in it explains.
            answer(batch, outcomes);
        }
    }

    /// Answers what was handed over, and ends the thread.
    pub(crate) fn close(self) {
        drop(self.served);
        if self.thread.join().is_err() {
            tracing::error!("the answering thread of the store panicked");
        }
    }
}

fn answer(batch: Vec<Request>, outcomes: Vec<Outcome>) {
    for (request, outcome) in batch.into_iter().zip(outcomes) {
        request.answer(outcome);
    }
}

/// Up to this many requests are answered by the writer itself.
const AT_ONCE: usize = 8;
