//! Partitions of projections, shared by the nodes that run one application on one store.

mod assignment;
