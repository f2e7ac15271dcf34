//! The integration tests of lucent-core, in one binary.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]
#![expect(unreachable_pub, reason = "domains are written as their owners would write them")]

#[cfg(test)]
mod app;
#[cfg(test)]
mod function;
mod macros;
#[cfg(test)]
mod mesh;
#[cfg(test)]
mod models;
