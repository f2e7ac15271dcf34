//! Switching functions.
//!
//! Invariant: an order that has returned is in the log, this process and the nodes that it shares calls
//! with obey it, and no call runs there that was routed before it.

use std::{sync::Arc, time::Duration};

use crate::{
    function::{
        EditionId, OrderError, Rollout, Said, Scope, Share,
        follow::{obeyed, write},
        policy::Order,
        shared::Shared,
    },
    position::Position,
};

/// The switches of one function, in the hands of somebody.
///
/// An order that has returned is written to the log, obeyed by this process, and no call runs here
/// that was routed before it. The same holds for every node that this one shares calls with
/// ([`FunctionManagerBuilder::mesh`](crate::function::FunctionManagerBuilder::mesh)): those that are
/// there have said so, and one that was silent for so long that it counts as gone has stopped by
/// itself. Other processes obey as soon as they have read it. Each order is decided on everything that
/// was written before; one that changes nothing writes nothing.
///
/// Dropping the future of an order leaves it either written or not; what is written is obeyed.
///
/// # Errors
/// Every order gives an [`OrderError`]: a refusal, trouble of the store,
/// [`OrderError::NotApplied`] if it is written and a call that began before it still runs here, or
/// [`OrderError::NotConfirmed`] if other nodes have not said that they obey.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
    function: &'static str,
    by: String,
    patience: Duration,
}

/// How long an order waits for calls that began before it, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

impl Control {
    pub(crate) fn new(shared: Arc<Shared>, function: &'static str, by: String) -> Self {
        Self { shared, function, by, patience: PATIENCE }
    }

    /// How long to wait for calls that began before the order; 5 seconds unless told otherwise.
    #[must_use]
    pub fn within(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Switches the function off. When this has returned, not one call of it runs in the scope, and
    /// none can begin.
    pub async fn disable(
        &self,
        scope: Scope,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::Disable(scope), because.into()).await
    }

    /// Takes a [`Control::disable`] of the same scope back.
    pub async fn enable(
        &self,
        scope: Scope,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::Enable(scope), because.into()).await
    }

    /// Gives everybody this edition, and ends the rollout if there is one.
    pub async fn promote(
        &self,
        edition: impl Into<EditionId>,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::Promote(edition.into()), because.into()).await
    }

    /// Gives a share of keys other editions than the current one. With the same editions and a larger
    /// share, whoever was in stays in.
    pub async fn roll_out(
        &self,
        rollout: Rollout,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::SetRollout(rollout), because.into()).await
    }

    /// Gives everybody the current edition again.
    pub async fn stop_rollout(&self, because: impl Into<String>) -> Result<Position, OrderError> {
        self.order(Order::StopRollout, because.into()).await
    }

    /// Runs a share of calls in this edition too, compares the results and records those that differ
    /// as events of type `lucent.ShadowDiffered`. Callers get what they would get without it, after
    /// both have run.
    pub async fn shadow(
        &self,
        edition: impl Into<EditionId>,
        share: Share,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::StartShadow(edition.into(), share), because.into()).await
    }

    /// Ends a [`Control::shadow`].
    pub async fn stop_shadow(&self, because: impl Into<String>) -> Result<Position, OrderError> {
        self.order(Order::StopShadow, because.into()).await
    }

    /// Keeps an edition from running until it is released; calls get its fallback, or the current
    /// edition.
    pub async fn quarantine(
        &self,
        edition: impl Into<EditionId>,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::Quarantine(edition.into(), because.into()), String::new()).await
    }

    /// Lets an edition run again that was quarantined.
    pub async fn release(
        &self,
        edition: impl Into<EditionId>,
        because: impl Into<String>,
    ) -> Result<Position, OrderError> {
        self.order(Order::Release(edition.into()), because.into()).await
    }

    async fn order(&self, order: Order, because: String) -> Result<Position, OrderError> {
        let unknown = || OrderError::UnknownFunction { name: self.function.to_owned() };
        let index = self.shared.index_of_name(self.function).ok_or_else(unknown)?;
        let said = Said { by: self.by.clone(), because };
        let position = write(&self.shared, index, &order, &said).await?;
        obeyed(&self.shared, position, self.patience).await?;
        if let Some(node) = self.shared.node.get()
            && let Err(nodes) = node.confirm(position, self.patience).await
        {
            return Err(OrderError::NotConfirmed { position, waited: self.patience, nodes });
        }
        Ok(position)
    }
}
