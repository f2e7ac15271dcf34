//! Tests of the PostgreSQL store, in one binary.

mod address;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod events;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod load;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod network;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod partitions;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod private;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod refusals;
mod server;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod sql_refused;
#[cfg(test)]
mod statistics;
#[cfg(test)]
#[cfg(feature = "tls")]
mod tls;
