//! Work that several nodes share.

mod nodes;
mod ownership;
mod routing;
