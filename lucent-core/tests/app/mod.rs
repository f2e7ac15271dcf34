//! The application as a whole, on the in-memory store.

mod commands;
mod domain;
mod event_handlers;
mod hot_aggregate;
mod projections;
mod start;
pub mod store_with_faults;
mod unreadable;
