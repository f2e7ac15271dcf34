//! What a user writes: the tables, and what becomes of them with each event.

use std::{error::Error, fmt};

use async_trait::async_trait;
use lucent_core::{Consistency, Event, RecordedEvent, StoreProjection};

use crate::sql::SqlTx;

/// Why a projector failed: any error, such as a [`SqlError`](crate::SqlError).
pub type SqlFailure = Box<dyn Error + Send + Sync>;

/// A projector that writes tables of its own.
///
/// [`PostgresBuilder::projector`](crate::PostgresBuilder::projector) gives it to a store, and an
/// application that runs on the store runs it like its other projectors: with a durable checkpoint,
/// retries, parked events and `app.projection(NAME)`.
///
/// # Its tables
/// They stand in a schema of their own, `<ledger's schema>_<NAME>`, which is the first one in the
/// search path of [`TABLES`](Self::TABLES) and of every statement, so their names need no schema there.
/// Another [`VERSION`](Self::VERSION) is built in another schema, and the two change names when it
/// has caught up: whoever reads `lucent_totals.balances` reads the newest finished version.
///
/// # Guarantees
/// The statements of an event and the checkpoint are committed in one transaction, those of many events
/// in one while it catches up. An event that fails is rolled back, tried again, and then parked by its
/// stream. What the function does outside of `tx` is not undone, and may be done again.
///
/// ```
/// use lucent_core::prelude::*;
/// use lucent_postgres::{SqlFailure, SqlProjector, SqlTx};
///
/// #[derive(Clone, Serialize, Deserialize, Event)]
/// enum AccountEvent {
///     MoneyDeposited { amount: i64 },
/// }
///
/// struct Totals;
///
/// impl SqlProjector for Totals {
///     type Event = AccountEvent;
///     const NAME: &'static str = "totals";
///     const VERSION: u32 = 1;
///     const TABLES: &'static str = "CREATE TABLE deposits (day date PRIMARY KEY, total bigint)";
///
///     async fn project(
///         &self,
///         tx: &SqlTx,
///         event: &AccountEvent,
///         at: &RecordedEvent,
///     ) -> Result<(), SqlFailure> {
///         let AccountEvent::MoneyDeposited { amount } = event;
///         let add = "INSERT INTO deposits VALUES (to_timestamp($1::bigint / 1000000)::date, $2) \
///                    ON CONFLICT (day) DO UPDATE SET total = deposits.total + excluded.total";
///         Ok(tx.execute(add, &[&at.recorded_at.as_micros(), amount]).await?)
///     }
/// }
/// ```
pub trait SqlProjector: Send + Sync + 'static {
    /// The events that it sees.
    type Event: Event;

    /// Its durable name, and the last part of its schema's: lower-case letters, digits and underscores.
    const NAME: &'static str;

    /// Its version: raising it builds the tables anew beside the old ones.
    const VERSION: u32;

    /// When it sees an event: soon after, or, [inline](Consistency::Inline), in the append's
    /// transaction, which it then refuses if it fails.
    const CONSISTENCY: Consistency = Consistency::Async;

    /// The statements that make its tables, run once for each version.
    const TABLES: &'static str;

    /// Applies an event. Events come one after another, in the order of the log.
    ///
    /// # Errors
    /// Whatever keeps the event from being applied; nothing of it is written then.
    ///
    /// # Cancel safety
    /// The future may be dropped at any await; what it has sent is rolled back then.
    fn project(
        &self,
        tx: &SqlTx,
        event: &Self::Event,
        at: &RecordedEvent,
    ) -> impl Future<Output = Result<(), SqlFailure>> + Send;
}

/// A projector without its types.
#[async_trait]
pub(crate) trait AnyProjector: Send + Sync {
    fn name(&self) -> &'static str;

    fn version(&self) -> u32;

    fn tables(&self) -> &'static str;

    /// What an application has to run.
    fn projection(&self) -> StoreProjection;

    async fn apply(&self, tx: &SqlTx, at: &RecordedEvent) -> Result<(), SqlFailure>;
}

#[async_trait]
impl<P: SqlProjector> AnyProjector for P {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn version(&self) -> u32 {
        P::VERSION
    }

    fn tables(&self) -> &'static str {
        P::TABLES
    }

    fn projection(&self) -> StoreProjection {
        StoreProjection::new::<P::Event>(P::NAME, P::VERSION, P::CONSISTENCY)
    }

    async fn apply(&self, tx: &SqlTx, at: &RecordedEvent) -> Result<(), SqlFailure> {
        if !P::Event::knows(&at.event_type) {
            return Ok(());
        }
        match P::Event::decode(at).map_err(|error| error.fault.to_string())? {
            Some(event) => self.project(tx, &event, at).await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for dyn AnyProjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name(), self.version())
    }
}
