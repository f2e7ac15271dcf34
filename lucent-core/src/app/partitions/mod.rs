//! Partitions of projections, shared by the nodes that run one application on one store.

mod assignment;
mod node;
mod number;
mod part_store;
mod parts;

pub(crate) use node::PartitionNode;
pub(crate) use number::fix_number;
pub(crate) use parts::{LOOK, Parts};
