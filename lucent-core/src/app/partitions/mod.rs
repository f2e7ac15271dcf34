//! Partitions of projections and event handlers, shared by the nodes that run one application on one store.

mod assignment;
mod divided;
mod lines;
mod node;
mod number;
mod part_store;
mod parts;
mod projection;
mod versions;

pub(crate) use divided::Divided;
pub(crate) use lines::AllLines;
pub(crate) use node::PartitionNode;
pub(crate) use number::fix_number;
pub(crate) use part_store::part_of;
pub(crate) use parts::Parts;
pub(crate) use projection::DividedProjection;
pub(crate) use versions::{drop_version, least_checkpoint};
