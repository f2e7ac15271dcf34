//! A node's part in sharing what is divided: it takes partitions, works on them, and hands them over.
//!
//! Invariant: a partition is worked on only under a lease, and each of its steps carries the lease's
//! fence; a node that is late, asleep or cut off can waste work and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    app::{
        partitions::{
            assignment::{Node, moves},
            divided::Divided,
        },
        task::{StopSignal, Tasks},
    },
    projection::Partition,
    store::{CommitError, Fence, HeldLease, LeaseOutcome, LeaseStore, StoreError},
};

/// This program's part in sharing something.
pub(crate) struct PartitionNode {
    leases: Arc<dyn LeaseStore>,
    divided: Arc<dyn Divided>,
    name: String,
    me: Node,
    prefix: String,
    duration: Duration,
    /// The lease by which the others know that this node is alive.
    membership: Option<Fence>,
    work: BTreeMap<u32, Work>,
    /// Somebody has a reason not to wait for the next turn.
    poke: Arc<Notify>,
}

/// A partition that this node works on.
struct Work {
    fence: Fence,
    tasks: Tasks,
}

/// Who holds what.
#[derive(Default)]
struct Standing {
    nodes: BTreeSet<Node>,
    slots: BTreeSet<u32>,
    holders: Vec<Option<Node>>,
}

/// When a node looks after its leases next.
enum Pace {
    Usual,
    /// A partition stands still for a moment.
    Prompt,
}

impl PartitionNode {
    pub(crate) fn new(
        leases: Arc<dyn LeaseStore>,
        divided: Arc<dyn Divided>,
        duration: Duration,
    ) -> Self {
        let name = divided.name();
        let prefix = format!("{name}/");
        let me = Uuid::new_v4().to_string().into();
        let (work, poke) = (BTreeMap::new(), divided.poke());
        Self { leases, divided, name, me, prefix, duration, membership: None, work, poke }
    }

    /// Takes part until it is told to stop; then gives back what it holds.
    pub(crate) async fn run(mut self, mut stop: StopSignal) {
        loop {
            let mut pause = self.duration / TURNS;
            match stop.or_stop(self.turn()).await {
                None => break,
                Some(Ok(Pace::Usual)) => {}
                Some(Ok(Pace::Prompt)) => pause = std::cmp::min(pause, PROMPT),
                Some(Err(error)) => {
                    tracing::warn!(of = self.name, %error, "leases could not be looked after; it is tried again");
                }
            }
            let poked = async {
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.poke.notified() => {}
                }
            };
            if stop.or_stop(poked).await.is_none() {
                break;
            }
        }
        // A store that does not answer cannot hold up the end: what is held is over by then.
        match tokio::time::timeout(self.duration, self.leave()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::debug!(of = self.name, %error, "leases were left to expire");
            }
            Err(_) => {
                tracing::debug!(of = self.name, "leases were left to expire");
            }
        }
        self.divided.left().await;
    }

    /// Renews what is held, and takes or gives up what the others' standing asks for.
    async fn turn(&mut self) -> Result<Pace, CommitError> {
        self.renew().await?;
        let mut standing = self.look().await?;
        self.join(&mut standing).await?;
        let moves = moves(&self.me, &standing.nodes, &standing.holders);
        for index in &moves.release {
            self.give_up(*index).await?;
        }
        // What is held without being worked on was taken by a turn that did not come to its end.
        let mine = (0..).zip(&standing.holders);
        let mine = mine.filter(|(_, holder)| holder.as_ref() == Some(&self.me));
        let idle = mine
            .map(|(index, _)| index)
            .filter(|index| !self.work.contains_key(index) && !moves.release.contains(index));
        for index in idle.chain(moves.acquire.iter().copied()).collect::<Vec<u32>>() {
            self.take(index).await?;
        }
        self.divided.look().await?;
        Ok(match standing.holders.iter().flatten().any(|holder| is_switch(holder)) {
            true => Pace::Prompt,
            false => Pace::Usual,
        })
    }

    async fn renew(&mut self) -> Result<(), StoreError> {
        let held = self.work.values().map(|work| &work.fence);
        let fences: Vec<Fence> = held.chain(&self.membership).cloned().collect();
        let lost = self.leases.renew_leases(&fences, self.duration).await?;
        if self.membership.as_ref().is_some_and(|membership| lost.contains(membership)) {
            self.membership = None;
        }
        let lost = self.work.iter().filter(|(_, work)| lost.contains(&work.fence));
        let lost: Vec<u32> = lost.map(|(index, _)| *index).collect();
        for index in lost {
            tracing::warn!(
                of = self.name,
                partition = index,
                "the lease of a partition was lost to another node"
            );
            self.stop(index).await;
            self.work.remove(&index);
        }
        Ok(())
    }

    async fn look(&self) -> Result<Standing, StoreError> {
        let held = self.leases.held_leases(&self.prefix).await?;
        let mut standing =
            Standing { holders: vec![None; self.divided.count() as usize], ..Standing::default() };
        for HeldLease { fence, holder, .. } in held {
            let name = fence.lease.strip_prefix(&self.prefix).unwrap_or_default();
            let number = |kind| name.strip_prefix(kind).and_then(|number| number.parse().ok());
            if let Some(slot) = number(NODE) {
                standing.slots.insert(slot);
                standing.nodes.insert(holder);
            } else if let Some(index) = number(PARTITION)
                && let Some(place) = standing.holders.get_mut(index as usize)
            {
                *place = Some(holder);
            }
        }
        Ok(standing)
    }

    /// Has the others know of this node, by the first place that is free.
    async fn join(&mut self, standing: &mut Standing) -> Result<(), StoreError> {
        standing.nodes.insert(Arc::clone(&self.me));
        if self.membership.is_some() {
            return Ok(());
        }
        for slot in (0..u32::MAX).filter(|slot| !standing.slots.contains(slot)) {
            let name = format!("{}{NODE}{slot}", self.prefix);
            let outcome = self.leases.acquire_lease(&name, &self.me, self.duration).await?;
            if let LeaseOutcome::Granted(fence) = outcome {
                self.membership = Some(fence);
                break;
            }
        }
        Ok(())
    }

    /// Starts to work on a partition, unless another node was first.
    async fn take(&mut self, index: u32) -> Result<(), StoreError> {
        let (LeaseOutcome::Granted(fence), Some(partition)) =
            (self.ask_for(index).await?, Partition::new(index, self.divided.count()))
        else {
            return Ok(());
        };
        let tasks = Tasks::new();
        let work = self.divided.begin(partition, fence.clone(), tasks.signal()).await?;
        let poke = Arc::clone(&self.poke);
        let work = async move {
            work.await;
            // The lease may be lost: who has it now?
            poke.notify_one();
        };
        tasks.spawn(format!("{partition} of {}", self.name), work);
        self.work.insert(index, Work { fence, tasks });
        tracing::info!(of = self.name, partition = index, "this node works on a partition");
        Ok(())
    }

    async fn ask_for(&self, index: u32) -> Result<LeaseOutcome, StoreError> {
        let name = partition_lease(&self.name, index);
        self.leases.acquire_lease(&name, &self.me, self.duration).await
    }

    /// Ends the work on a partition, so that the next node goes on where it ended.
    async fn give_up(&mut self, index: u32) -> Result<(), StoreError> {
        self.stop(index).await;
        let fence = match self.work.remove(&index) {
            Some(work) => work.fence,
            // It is held without being worked on; asking again gives the fence.
            None => match self.ask_for(index).await? {
                LeaseOutcome::Granted(fence) => fence,
                LeaseOutcome::Held(_) => return Ok(()),
            },
        };
        self.leases.release_lease(&fence).await?;
        tracing::info!(of = self.name, partition = index, "this node gave a partition up");
        Ok(())
    }

    async fn stop(&self, index: u32) {
        if let Some(work) = self.work.get(&index) {
            work.tasks.stop().await;
        }
        self.divided.ended(index);
    }

    /// Gives everything back.
    async fn leave(&mut self) -> Result<(), StoreError> {
        let indices: Vec<u32> = self.work.keys().copied().collect();
        for index in indices {
            self.give_up(index).await?;
        }
        // A turn that did not come to its end may hold more than it knows.
        for held in self.leases.held_leases(&self.prefix).await? {
            if held.holder == self.me {
                self.leases.release_lease(&held.fence).await?;
            }
        }
        Ok(())
    }
}

/// The name of the lease of a partition of something.
pub(super) fn partition_lease(of: &str, index: u32) -> String {
    format!("{of}/{PARTITION}{index}")
}

/// The name under which somebody holds partitions for a moment without working on them.
pub(super) fn switch() -> String {
    format!("{SWITCH}{}", Uuid::new_v4())
}

fn is_switch(holder: &str) -> bool {
    holder.starts_with(SWITCH)
}

const SWITCH: &str = "switch/";
const NODE: &str = "node/";
const PARTITION: &str = "partition/";

/// How often a lease is renewed before it would be over.
const TURNS: u32 = 4;

/// How soon a node looks again for a partition that stands still.
const PROMPT: Duration = Duration::from_millis(50);
