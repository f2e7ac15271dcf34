//! Functions and their manager.

mod calls;
mod control;
mod declared;
mod domain;
mod events;
mod log;
mod quiet;
