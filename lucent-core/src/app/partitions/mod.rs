//! Partitions of projections and event handlers, shared by the nodes that run one application on one store.

mod assignment;
mod divided;
mod lines;
mod node;
mod number;
mod part_store;
mod parts;
mod projection;
mod rebuild;
mod switch;
mod versions;

pub(crate) use divided::Divided;
pub(crate) use lines::AllLines;
pub(crate) use node::PartitionNode;
pub(crate) use number::fix_number;
pub(crate) use part_store::part_of;
pub(crate) use parts::Parts;
pub(crate) use projection::DividedProjection;
pub(crate) use rebuild::{
    begin as begin_rebuild, cancel as cancel_rebuild, force as force_rebuild,
};
pub(crate) use switch::Switch;
pub(crate) use versions::{all_parked, drop_version, least_checkpoint};
