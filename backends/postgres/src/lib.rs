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
//! as PgBouncer with `pool_mode = transaction`, cannot stand in between, and is refused when the store
//! connects; one in session mode can.
//!
//! # Encryption
//! With the feature `tls`, connections are encrypted as `sslmode` of the connection string asks for:
//! `disable`, `prefer` (the default), `require`, `verify-ca` and `verify-full` mean what they mean to
//! PostgreSQL's own programs. `sslrootcert` names a file with the certificates of the authorities that
//! may sign the server's; without it, or if it is `system`, those of the system may. Only
//! `verify-full` protects against somebody who stands in between. Without the feature, nothing is
//! encrypted, and a connection string that requires it is refused.

mod address;
mod builder;
mod connect;
mod fault;
mod heads;
mod leases;
mod pooler;
mod reader;
mod row;
mod schema;
mod sql;
mod store;
#[cfg(test)]
#[path = "../tests/address.rs"]
mod test_server;
#[cfg(feature = "tls")]
mod tls;
mod writer;

pub use builder::PostgresBuilder;
pub use sql::{SqlError, SqlFailure, SqlProjector, SqlTx};
pub use store::PostgresStore;
/// What the statements of projectors take and give.
pub use tokio_postgres::{Row, types::ToSql};
