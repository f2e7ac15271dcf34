//! Decision models: commands that are decided on events by type and tag.

mod commands;
mod courses;
mod interleavings;
mod races;
mod usernames;
