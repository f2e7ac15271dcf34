//! The promises of stores, one function each, by theme.
//!
//! Each function gets a fresh store and panics if the store breaks the promise that its first line
//! of documentation states. Invariant: none of them relies on the time that something takes.

pub mod append;
pub mod applications;
pub mod commands;
pub mod concurrency;
pub mod conditions;
pub mod decision_models;
pub mod filters;
pub mod folding;
pub mod inline;
pub mod joined_commands;
pub mod leases;
pub mod long_streams;
pub mod multi_stream;
pub mod order;
pub mod parked;
pub mod payloads;
pub mod projections;
pub mod reading_log;
pub mod reading_streams;
pub mod rebuilding;
pub mod restart;
pub mod second_instance;
pub mod snapshots;
pub mod subscription_seam;
pub mod time;
pub mod versions;
