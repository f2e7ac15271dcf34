//! Tests of the embedded store, in one binary.

#[cfg(test)]
mod appending;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod parking;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod projections;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod support;
