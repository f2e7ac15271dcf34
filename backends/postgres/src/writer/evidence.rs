//! Finds out whether a transaction was committed whose connection was lost.
//!
//! Invariant: the answer is given only when the server process of that connection is gone, so it
//! cannot change any more.

use std::time::Duration;

use uuid::Uuid;

use crate::{connect::Session, fault::Fault, writer::columns::Columns};

/// A server process, as no other one is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ServerProcess {
    pid: i32,
    started: String,
}

impl ServerProcess {
    /// The process that serves this session.
    pub(crate) async fn of(session: &Session) -> Result<Self, Fault> {
        let row = session.query_one(MYSELF, &[]).await?;
        Ok(Self { pid: row.try_get(0)?, started: row.try_get(1)? })
    }

    /// Ends the process, and waits until it is gone; or until a pooler has given it to this session,
    /// for then what its client had sent before is over. Who connects as the same user may do so.
    pub(crate) async fn end(&self, session: &Session) -> Result<(), Fault> {
        loop {
            let alive = session.query(END, &[&self.pid, &self.started]).await?;
            if alive.is_empty() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What a batch would have left behind.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    process: ServerProcess,
    event: Option<(i64, Uuid)>,
    command: Option<Uuid>,
    first_positions: Vec<i64>,
}

impl Evidence {
    /// The evidence of a batch that is about to be written; nothing if it writes nothing.
    pub(crate) fn of(
        columns: &Columns<'_>,
        questions: usize,
        process: &ServerProcess,
    ) -> Option<Self> {
        (!columns.is_empty()).then(|| Self {
            process: process.clone(),
            event: columns.first_event(),
            command: columns.first_command(),
            first_positions: columns.first_positions(questions),
        })
    }

    /// The process that was writing.
    pub(crate) fn process(&self) -> ServerProcess {
        self.process.clone()
    }

    /// Looks for it on another connection. If the batch was committed, gives the server's answers
    /// to its questions.
    pub(crate) async fn look(&self, session: &Session) -> Result<Option<Vec<i64>>, Fault> {
        session.refuse_replica().await?;
        self.process.end(session).await?;
        let found = match (self.event, self.command) {
            (Some((position, id)), _) => session.query(EVENT, &[&position, &id]).await?,
            (None, Some(command)) => session.query(COMMAND, &[&command]).await?,
            (None, None) => Vec::new(),
        };
        if found.is_empty() {
            return Ok(None);
        }
        let mut answers = Vec::with_capacity(self.first_positions.len());
        for position in &self.first_positions {
            let rows = session.query(VERSION, &[position]).await?;
            let version = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
            answers.push(version.unwrap_or(1) - 1);
        }
        Ok(Some(answers))
    }
}

const PAUSE: Duration = Duration::from_millis(20);

const MYSELF: &str = "SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity \
     WHERE pid = pg_backend_pid()";

const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE pid = $1 AND extract(epoch FROM backend_start)::text = $2 AND pid <> pg_backend_pid()";

const EVENT: &str = "SELECT 1 FROM {schema}.events WHERE position = $1 AND event_id = $2";

const COMMAND: &str = "SELECT 1 FROM {schema}.commands WHERE command_id = $1";

const VERSION: &str = "SELECT version FROM {schema}.events WHERE position = $1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        PostgresBuilder, connect::Server, sql::Projectors, test_server::url, writer::Doubts,
    };

    #[tokio::test]
    async fn a_process_that_has_been_given_the_number_of_a_doubtful_one_is_not_ended() {
        let options = PostgresBuilder::new(url()).options;
        let server = Server::new(&url(), "lucent", options, Projectors::default()).unwrap();
        let (asking, other) = (server.connect().await.unwrap(), server.connect().await.unwrap());
        let doubtful = ServerProcess::of(&other).await.unwrap();
        let earlier = ServerProcess { started: "1.5".to_owned(), ..doubtful.clone() };
        let patience = Duration::from_secs(60);
        let doubts = Doubts::default();
        doubts.add(earlier);
        doubts.settle(&asking, patience).await.unwrap();
        assert_eq!(ServerProcess::of(&other).await.unwrap(), doubtful, "it lives");
        doubts.add(doubtful);
        doubts.settle(&asking, patience).await.unwrap();
        let gone = ServerProcess::of(&other).await.unwrap_err();
        assert!(gone.lost_connection(), "{gone:?}");
    }
}
