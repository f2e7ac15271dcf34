//! Writes what calls report: guards that tripped, and results of shadows that differ.
//!
//! Invariant: a rollout that its guard took back in this process is taken back in the log too, for
//! all processes, however often the store fails meanwhile.

use std::sync::Arc;

use crate::{
    app::{Backoff, StopSignal},
    function::{
        OrderError, Said, ShadowDiffered,
        follow::{encoded, write},
        policy::Order,
        shared::{GuardTripped, Reports, Shared},
    },
    store::{Append, AppendError, ExpectedVersion},
    stream::StreamId,
};

/// Writes reports until it is told to stop.
pub(crate) async fn record(shared: Arc<Shared>, mut reports: Reports, mut stop: StopSignal) {
    loop {
        let next = async {
            tokio::select! {
                Some(tripped) = reports.tripped.recv() => Report::Tripped(tripped),
                Some((index, differed)) = reports.differed.recv() => Report::Differed(index, differed),
                else => std::future::pending().await,
            }
        };
        let Some(report) = stop.or_stop(next).await else { return };
        match report {
            Report::Tripped(tripped) => {
                if stop.or_stop(take_back(&shared, tripped)).await.is_none() {
                    return;
                }
            }
            Report::Differed(index, differed) => {
                if let Err(error) = keep(&shared, index, &differed).await {
                    let function = shared.entries[index].name;
                    tracing::warn!(function, %error, "a difference of a shadow was not recorded");
                }
            }
        }
    }
}

enum Report {
    Tripped(GuardTripped),
    Differed(usize, ShadowDiffered),
}

async fn take_back(shared: &Shared, GuardTripped { index, set_at, fault }: GuardTripped) {
    let function = shared.entries[index].name;
    tracing::warn!(function, %fault, "the guard of a rollout takes it back");
    let order = Order::TakeBack(set_at, fault);
    let mut backoff = Backoff::new();
    loop {
        match write(shared, index, &order, &Said::default()).await {
            Ok(_) => return,
            Err(error @ OrderError::Refused(_)) => {
                tracing::error!(function, %error, "a rollout was not taken back in the log");
                return;
            }
            Err(error) => {
                let wait = backoff.next();
                tracing::warn!(function, %error, ?wait, "a rollout is not yet taken back in the log");
                tokio::time::sleep(wait).await;
            }
        }
    }
}

async fn keep(shared: &Shared, index: usize, differed: &ShadowDiffered) -> Result<(), AppendError> {
    let stream = StreamId::of("function_shadow", shared.entries[index].name)?;
    let event = encoded(shared, differed, "")?;
    shared.events.append(Append::one(stream, ExpectedVersion::Any, vec![event])).await?;
    Ok(())
}
