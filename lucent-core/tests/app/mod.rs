//! The application as a whole, on the in-memory store.

mod commands;
mod domain;
mod event_handlers;
mod partitions;
mod projections;
mod start;
mod store_with_faults;
mod unreadable;
