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
    function::{
        EditionId, ManagerError, Priority, Terms,
        dispatch::refused,
        follow::Follower,
        shared::{Entry, Shared},
        tallies,
    },
    mesh::{Contact, Counts, MeshNode, Request, Serve},
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

    fn counts(&self) -> Counts {
        self.shared.upgrade().map(|shared| tallies::here(&shared)).unwrap_or_default()
    }

    fn counted_elsewhere(&self, counts: &Counts) {
        if let Some(shared) = self.shared.upgrade() {
            tallies::add_up(&shared, counts);
        }
    }

    fn contact(&self, contact: Contact) {
        if let Some(shared) = self.shared.upgrade() {
            shared.contact(contact);
        }
    }
}

/// Makes a node that serves these functions.
pub(crate) type Join = Box<dyn FnOnce(Arc<dyn Serve>) -> MeshNode + Send>;

/// Joins the other nodes. Who orders something after the first beat asks this node; what was ordered
/// before it is read after it, and calls begin only then.
pub(crate) async fn take_part(
    shared: &Arc<Shared>,
    follower: &mut Follower,
    join: Join,
) -> Result<MeshNode, ManagerError> {
    shared.raise_fence();
    let node = shared.node.get_or_init(|| join(Arc::new(Host::new(shared)))).clone();
    for entry in shared.entries.iter().filter(|entry| stays_against_its_will(entry)) {
        let function = entry.name;
        tracing::warn!(
            function,
            "a function stays on its node: derive `Serialize` and `Deserialize` on its input and output to have it share calls"
        );
    }
    match node.beat().await {
        Ok(()) => follower.take_part_again().await?,
        Err(error) => {
            tracing::warn!(node = %node.id(), %error, "a node runs no function until it reaches the others");
        }
    }
    Ok(node)
}

/// Whether it is said of a function by what to place its calls, and they do not travel.
fn stays_against_its_will(entry: &Entry) -> bool {
    let declaration = &entry.declaration;
    let needs = |terms: &Terms| terms.cpu.is_some() || terms.memory.is_some();
    let is_placed = declaration.sharded
        || declaration.priority != Priority::default()
        || entry.editions.iter().any(|(_, terms)| needs(terms));
    is_placed && entry.receive.is_none()
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
