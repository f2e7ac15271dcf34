//! Work that several nodes share.

mod desk;
mod functions;
mod nodes;
mod ownership;
mod routing;
