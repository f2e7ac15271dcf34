//! The integration tests of lucent-core, in one binary.

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
