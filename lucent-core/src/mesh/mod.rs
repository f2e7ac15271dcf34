//! Work that several nodes share: who is there, who owns which shard, where a call goes.
//!
//! What decides is values and pure functions of them, with the time passed in, so that slow, dying and
//! cut-off nodes are simulated and not waited for. [`MeshNode`] puts them to work over a [`Transport`].

mod admission;
mod balance;
mod confirming;
mod gate;
mod gauge;
mod holds;
mod in_process;
mod load;
mod members;
mod mesh_node;
mod node;
mod ownership;
mod placing;
mod route;
mod shard;
mod transport;

pub use admission::{Slots, WaitingRoom, Waits};
pub use balance::{BalancePolicy, Balancer, Move, ShardLoad};
pub use gate::{Gate, NotOwner};
pub use gauge::{Gauge, LinuxGauge, Pressure};
pub use in_process::InProcessMesh;
pub use load::{Load, PeakLatency};
pub use members::{BeatPolicy, Members, Standing};
pub use mesh_node::{Contact, MeshError, MeshNode, Serve};
pub use node::{Beat, Capacity, Counts, Needs, NodeId, Urgency};
pub use ownership::Ownership;
pub(crate) use placing::Errand;
pub use route::{Call, Knowledge, Nowhere, Route, RouteReason, route};
pub use shard::Shard;
pub use transport::{Request, Transport, TransportError};
