//! What the book shows from outside of a crate with a build script.

mod by_hand;
mod conformance;
mod pages;
mod story;
