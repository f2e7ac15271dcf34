//! What the macros write, seen from the outside.

mod bank;
mod events;
mod functions;
mod ids;
mod ui;
