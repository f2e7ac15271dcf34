//! The derives.

mod aggregate;
mod aggregate_id;
mod command;
mod decision_model;
mod event;
mod named;
mod tag;

pub(crate) use aggregate::aggregate;
pub(crate) use aggregate_id::aggregate_id;
pub(crate) use command::command;
pub(crate) use decision_model::decision_model;
pub(crate) use event::event;
pub(crate) use named::{query, read_model};
