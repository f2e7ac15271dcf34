//! The functions of this process, as the other nodes see them.
//!
//! Invariant: a call of another node runs by this node's table, so an order that this node obeys holds
//! for it, wherever the call comes from.

use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    app::StopSignal,
    function::{EditionId, dispatch::refused, shared::Shared},
    mesh::{Contact, MeshNode, Request, Serve},
    position::Position,
};

/// Runs the calls of other nodes. It does not keep the manager alive.
pub(crate) struct Host {
    shared: Weak<Shared>,
    functions: BTreeSet<Arc<str>>,
}

impl Host {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let editions =
            shared.entries.iter().filter(|entry| entry.receive.is_some()).flat_map(|entry| {
                entry.editions.iter().map(|(edition, _)| address(entry.name, edition))
            });
        Self { functions: editions.collect(), shared: Arc::downgrade(shared) }
    }
}

/// Under which name an edition is asked for.
pub(crate) fn address(function: &str, edition: &EditionId) -> Arc<str> {
    format!("{function} {edition}").into()
}

#[async_trait]
impl Serve for Host {
    fn functions(&self) -> BTreeSet<Arc<str>> {
        self.functions.clone()
    }

    async fn serve(&self, request: &Request) -> Result<Bytes, String> {
        let gone = || "the node is shutting down".to_owned();
        let shared = self.shared.upgrade().ok_or_else(gone)?;
        let name = request.function.split(' ').next().unwrap_or_default();
        let index = shared.index_of_name(name);
        let found = index.and_then(|index| Some((index, shared.entries[index].receive?)));
        let Some((index, receive)) = found else {
            return Ok(refused(
                &shared,
                &format!("this node has no function `{name}` whose calls travel"),
            ));
        };
        receive(&shared, index, &request.payload)
    }

    async fn obey(&self, position: Position) {
        // Without a manager, nothing runs.
        let Some(live) = self.shared.upgrade().map(|shared| shared.live.clone()) else { return };
        live.all_know(position).await;
    }

    fn contact(&self, contact: Contact) {
        if let Some(shared) = self.shared.upgrade() {
            shared.contact(contact);
        }
    }
}

/// Tells the others how this node is, until it is told to stop.
pub(crate) async fn beat(node: MeshNode, mut stop: StopSignal) {
    let every = node.policy().every;
    loop {
        if stop.or_stop(tokio::time::sleep(every)).await.is_none() {
            return;
        }
        match stop.or_stop(node.beat()).await {
            None => return,
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(node = %node.id(), %error, "a node did not reach the others and will try again");
            }
        }
    }
}
