//! Calls on their way: to the node that the route says, and in at this one.
//!
//! Invariant: the calls of a shard run one after another, in the order of their arrival.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    Uuid,
    mesh::{
        Call, MeshError, MeshNode, NodeId, NotOwner, Nowhere, Request, Route, Shard,
        TransportError, Waits,
        holds::{Admitted, Inside, Place, Seat, Sent},
        route::{Knowledge, route},
    },
};

/// A call that runs without being encoded if it stays on its node.
pub(crate) trait Errand: Send {
    /// Runs it here.
    fn run(&mut self);

    /// Encodes its input for another node.
    fn payload(&mut self) -> Result<Bytes, String>;
}

impl MeshNode {
    /// Calls a function, here or elsewhere. A call without a key is tried on other nodes if one
    /// does not run it: functions are pure, so running one twice does no harm. A call with a key
    /// waits for its shard's next owner if the shard is changing hands.
    ///
    /// # Errors
    /// [`MeshError`].
    ///
    /// # Cancel safety
    /// A call that is given up may have run.
    pub async fn call(&self, request: Request) -> Result<Bytes, MeshError> {
        let reply = self.try_in_time(request, None).await?;
        Ok(reply.unwrap_or_default())
    }

    /// Has a call run, here or elsewhere; gives the reply of the other node, or `None` if it ran here.
    pub(crate) async fn place(
        &self,
        request: Request,
        errand: &mut dyn Errand,
    ) -> Result<Option<Bytes>, MeshError> {
        self.try_in_time(request, Some(errand)).await
    }

    /// Says where a call would go, and why.
    ///
    /// # Errors
    /// [`Nowhere`], if no node can take it.
    pub fn explain(&self, request: &Request) -> Result<Route, Nowhere> {
        self.route(request, &BTreeSet::new())
    }

    async fn try_in_time(
        &self,
        request: Request,
        errand: Option<&mut dyn Errand>,
    ) -> Result<Option<Bytes>, MeshError> {
        let patience = request.patience;
        let late = || TransportError::Late { node: self.inner.id.clone(), patience };
        match tokio::time::timeout(patience, self.try_nodes(request, errand)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(late().into()),
        }
    }

    async fn try_nodes(
        &self,
        request: Request,
        mut errand: Option<&mut dyn Errand>,
    ) -> Result<Option<Bytes>, MeshError> {
        let mut tried = BTreeSet::new();
        let mut last = None;
        loop {
            let node = match (self.route(&request, &tried), last.take()) {
                (Ok(route), _) => route.node,
                // No other node can take it: what the last one said is why.
                (Err(_), Some(failed)) => return Err(failed),
                (Err(nowhere), None) => return Err(nowhere.into()),
            };
            let failed = match self.hand_to(&node, &request, &mut errand).await {
                Ok(reply) => return Ok(reply),
                Err(failed) => failed,
            };
            match failed {
                TransportError::NotOwner(NotOwner { epoch, .. }) => self.wait_for(epoch).await,
                failed if request.key.is_some() || !failed.is_about_the_node() => {
                    return Err(failed.into());
                }
                failed => {
                    tried.insert(node);
                    if tried.len() > MOST_NODES {
                        return Err(failed.into());
                    }
                    last = Some(MeshError::from(failed));
                }
            }
        }
    }

    fn route(&self, request: &Request, tried: &BTreeSet<NodeId>) -> Result<Route, Nowhere> {
        let state = self.lock();
        let others;
        let members = if tried.is_empty() {
            &state.members
        } else {
            let mut left = state.members.clone();
            for node in tried {
                left.left(node);
            }
            others = left;
            &others
        };
        let call =
            Call { function: &request.function, key: request.key.as_deref(), needs: request.needs };
        let knowledge = Knowledge {
            me: &self.inner.id,
            members,
            ownership: &state.ownership,
            sent: &state.sent,
            now: self.now(),
        };
        let dice = match request.key {
            // The owner of a shard is not diced for.
            Some(_) => [0, 0],
            None => Uuid::new_v4().as_u64_pair().into(),
        };
        route(&call, &knowledge, dice)
    }

    async fn hand_to(
        &self,
        node: &NodeId,
        request: &Request,
        errand: &mut Option<&mut dyn Errand>,
    ) -> Result<Option<Bytes>, TransportError> {
        let Some(errand) = errand else {
            return self.send_to(node, request.clone()).await.map(Some);
        };
        if *node != self.inner.id {
            let mut request = request.clone();
            request.payload = errand.payload().map_err(|reason| self.failed(&request, reason))?;
            return self.send_to(node, request).await.map(Some);
        }
        let _admitted = self.admit(request).await?;
        let started = self.now();
        errand.run();
        self.took_since(started);
        Ok(None)
    }

    async fn send_to(&self, node: &NodeId, request: Request) -> Result<Bytes, TransportError> {
        if *node == self.inner.id {
            return self.receive(request).await;
        }
        let _counted = Sent::count(self, node);
        self.inner.transport.send(node, request).await
    }

    /// Waits until the table of owners has changed, or is of that epoch.
    async fn wait_for(&self, epoch: u64) {
        let mut epochs = self.inner.epoch.subscribe();
        let known = *epochs.borrow_and_update();
        if known < epoch {
            // The sender lives as long as this node.
            drop(epochs.wait_for(|now| *now >= epoch).await);
        } else {
            drop(epochs.changed().await);
        }
    }

    /// Runs a call that was routed to this node.
    ///
    /// # Errors
    /// [`TransportError`].
    ///
    /// # Cancel safety
    /// A call that is given up is not run on; its place and its turn are free again.
    pub async fn receive(&self, request: Request) -> Result<Bytes, TransportError> {
        let _admitted = self.admit(&request).await?;
        let started = self.now();
        let outcome = self.inner.handler.serve(&request).await;
        self.took_since(started);
        outcome.map_err(|reason| self.failed(&request, reason))
    }

    /// Waits for a call's turn in its shard and for a place.
    async fn admit(&self, request: &Request) -> Result<Admitted<'_>, TransportError> {
        let shard = request.key.as_deref().map(Shard::of);
        let inside = shard.map(|shard| Inside::enter(self, shard)).transpose()?;
        let turn = match &inside {
            Some(inside) => Some(inside.line().lock_owned().await),
            None => None,
        };
        Ok(Admitted { _place: self.wait_for_place(request).await?, _turn: turn, _inside: inside })
    }

    async fn wait_for_place(&self, request: &Request) -> Result<Place, TransportError> {
        let (node, memory) = (|| self.inner.id.clone(), request.needs.memory);
        let has = self.inner.capacity.memory;
        if memory > has {
            return Err(TransportError::TooLarge { node: node(), needed: memory, has });
        }
        let called = {
            let mut state = self.lock();
            if state.slots.take(request.urgency, memory) {
                return Ok(Place::new(self, memory));
            }
            let (call_in, called) = oneshot::channel();
            let deadline = self.now() + request.patience;
            match state.room.enter(request.urgency, deadline, Seat { call_in, memory }) {
                Waits::TurnedAway(_) => return Err(TransportError::Busy { node: node() }),
                // Who is turned away learns it from the dropped way in.
                Waits::Seated | Waits::InsteadOf(_) => called,
            }
        };
        called.await.map_err(|_| TransportError::Busy { node: node() })
    }

    fn took_since(&self, started: std::time::Duration) {
        let now = self.now();
        self.lock().latency.saw(now.saturating_sub(started), now);
    }

    fn failed(&self, request: &Request, reason: String) -> TransportError {
        let (node, function) = (self.inner.id.clone(), Arc::clone(&request.function));
        TransportError::Failed { node, function, reason }
    }
}

/// How many nodes are tried after the first.
const MOST_NODES: usize = 2;
