//! Partitions of projections, shared by the nodes that run one application on one store.

mod assignment;
mod lines;
mod node;
mod number;
mod part_store;
mod parts;
mod versions;

pub(crate) use lines::AllLines;
pub(crate) use node::PartitionNode;
pub(crate) use number::fix_number;
pub(crate) use parts::Parts;
pub(crate) use versions::{drop_version, least_checkpoint};
