//! Work that several nodes share.

mod functions;
mod nodes;
mod ownership;
mod routing;
