//! Commands on one aggregate, in line: decided ahead of the store, appended in groups.

mod ride;
#[cfg(test)]
mod simulation;
mod waiting;

pub(crate) use ride::{Arrival, Ride, Slot};
pub(crate) use waiting::Entry;
