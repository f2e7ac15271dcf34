//! The application as a whole, on the in-memory store.

mod catching_up;
mod commands;
mod divided;
mod divided_rebuilding;
mod domain;
mod event_handlers;
mod hot_aggregate;
mod notes;
mod parking;
mod partitions;
mod projections;
mod rebuilding;
mod shared_handlers;
mod start;
pub mod store_with_faults;
mod unreadable;
