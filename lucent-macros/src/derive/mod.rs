//! The derives.

mod aggregate;
mod aggregate_id;
mod command;
mod event;
mod named;

pub(crate) use aggregate::aggregate;
pub(crate) use aggregate_id::aggregate_id;
pub(crate) use command::command;
pub(crate) use event::event;
pub(crate) use named::{query, read_model};
