//! PostgreSQL as the store of a Lucent application.
//!
//! One writer task per ledger and process commits whatever waits in one transaction and gives each
//! append its own outcome. Every writer of a ledger takes the same advisory lock, so positions are
//! consecutive and become visible in their order, whichever process writes. Events, snapshots and
//! read models are plain tables that SQL can query; JSON stays JSON.
//!
//! Invariant: an acknowledged append is committed, and a failed one has left nothing.
//!
//! Connections hold prepared statements and session settings, so a pooler in transaction mode, such
//! as PgBouncer with `pool_mode = transaction`, cannot stand in between; one in session mode can.
//! TLS is not supported yet: keep the connection inside a trusted network.

mod builder;
mod connect;
mod fault;
mod heads;
mod leases;
mod reader;
mod row;
mod schema;
mod store;
mod writer;

pub use builder::PostgresBuilder;
pub use store::PostgresStore;
