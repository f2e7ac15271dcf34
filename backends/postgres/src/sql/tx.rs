//! The transaction that a projector is handed.
//!
//! Invariant: statements reach the server in the order in which they were sent, none can end the
//! transaction, and the first one that failed is known.

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::{BufMut as _, BytesMut};
use futures::{future::BoxFuture, poll};
use tokio_postgres::{
    Row, Statement,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use crate::{connect::Session, fault::Fault};

/// The transaction in which a [`SqlProjector`](crate::SqlProjector) applies an event.
///
/// A statement is a text that is known when the program is built; what changes are its values, `$1`,
/// `$2` and so on. It is prepared once for each connection. A statement that fails undoes the
/// transaction, so there is nothing to do about it but to return the error.
pub struct SqlTx {
    session: Arc<Session>,
    sent: Mutex<Sent>,
}

#[derive(Default)]
struct Sent {
    /// The number of the event that is being applied.
    event: usize,
    answers: VecDeque<(usize, BoxFuture<'static, Result<(), Fault>>)>,
}

/// A statement that failed.
#[derive(Debug)]
pub struct SqlError {
    sql: &'static str,
    reason: String,
}

impl SqlTx {
    pub(crate) fn new(session: &Arc<Session>) -> Self {
        Self { session: Arc::clone(session), sent: Mutex::default() }
    }

    /// Sends a statement, without waiting until the server has run it: that it fails is found out
    /// before the transaction is committed, and counts as a failure of the event.
    ///
    /// # Errors
    /// If the server cannot make sense of it, if a value is not of the type that it wants, or if it would
    /// end the transaction.
    pub async fn execute(
        &self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<(), SqlError> {
        let (statement, values) = self.prepare(sql, values).await?;
        let session = Arc::clone(&self.session);
        let mut answer: BoxFuture<'static, _> = Box::pin(async move {
            let done = session.client().execute_raw(&statement, values);
            session.answer(done).await.map(drop)
        });
        // The first poll sends it.
        let answer = match poll!(&mut answer) {
            std::task::Poll::Pending => answer,
            std::task::Poll::Ready(answer) => Box::pin(std::future::ready(answer)),
        };
        let mut sent = self.lock();
        let event = sent.event;
        sent.answers.push_back((event, answer));
        Ok(())
    }

    /// Runs a statement and gives its rows. It sees what was sent before it.
    ///
    /// # Errors
    /// As [`Self::execute`], and if the statement fails.
    pub async fn query(
        &self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, SqlError> {
        let (statement, values) = self.prepare(sql, values).await?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let answer = self.session.client().query(&statement, &values);
        let answer = self.session.answer(answer).await;
        answer.map_err(|fault| self.failed(sql, fault))
    }

    /// Says which event comes next.
    pub(crate) fn begin_event(&self, number: usize) {
        self.lock().event = number;
    }

    /// How many answers are outstanding.
    pub(crate) fn outstanding(&self) -> usize {
        self.lock().answers.len()
    }

    /// Waits for all answers; gives the first failure, with the number of its event.
    pub(crate) async fn settle(&self) -> Option<(usize, Fault)> {
        let answers = std::mem::take(&mut self.lock().answers);
        for (event, answer) in answers {
            if let Err(fault) = answer.await {
                return Some((event, fault));
            }
        }
        None
    }

    async fn prepare(
        &self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<(Statement, Vec<Value>), SqlError> {
        let refused = |reason| Err(SqlError { sql, reason });
        if ends_transactions(sql) {
            return refused(
                "it would begin or end a transaction, which is not the projector's".to_owned(),
            );
        }
        let statement = match self.session.statement_as_it_is(sql).await {
            Ok(statement) => statement,
            Err(fault) => return Err(self.failed(sql, fault)),
        };
        let types = statement.params();
        if types.len() != values.len() {
            return refused(format!("it takes {} values, and got {}", types.len(), values.len()));
        }
        let mut encoded = Vec::with_capacity(values.len());
        for ((number, value), of) in (1..).zip(values).zip(types) {
            match Value::of(*value, of) {
                Ok(value) => encoded.push(value),
                Err(error) => return refused(format!("${number}, a {of}: {error}")),
            }
        }
        Ok((statement, encoded))
    }

    /// Notes a failure in the order of the answers, for one that was sent before may be its cause.
    fn failed(&self, sql: &'static str, fault: Fault) -> SqlError {
        let reason = fault.said();
        let mut sent = self.lock();
        let event = sent.event;
        sent.answers.push_back((event, Box::pin(std::future::ready(Err(fault)))));
        SqlError { sql, reason }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SqlTx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlTx").field("outstanding", &self.outstanding()).finish_non_exhaustive()
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot run `{}`: {}", self.sql, self.reason)
    }
}

impl Error for SqlError {}

/// A value as it is sent, so that the caller's need not live until the answer.
#[derive(Debug)]
struct Value {
    data: BytesMut,
    null: bool,
}

impl Value {
    fn of(value: &(dyn ToSql + Sync), of: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let mut data = BytesMut::new();
        let null = matches!(value.to_sql_checked(of, &mut data)?, IsNull::Yes);
        Ok(Self { data, null })
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        if self.null {
            return Ok(IsNull::Yes);
        }
        out.put_slice(&self.data);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Whether a statement begins, ends or divides a transaction.
fn ends_transactions(sql: &str) -> bool {
    let mut rest = sql.trim_start();
    loop {
        rest = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n').map_or("", |(_, rest)| rest),
            (_, Some(comment)) => after_comment(comment),
            (None, None) => break,
        }
        .trim_start();
    }
    let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    TRANSACTIONAL.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// What comes after a comment that has begun; they nest.
fn after_comment(mut rest: &str) -> &str {
    let mut depth = 1;
    while depth > 0 {
        let (open, close) = (rest.find("/*"), rest.find("*/"));
        let Some(close) = close else { return "" };
        match open {
            Some(open) if open < close => {
                depth += 1;
                rest = &rest[open + 2..];
            }
            _ => {
                depth -= 1;
                rest = &rest[close + 2..];
            }
        }
    }
    rest
}

const TRANSACTIONAL: [&str; 9] =
    ["abort", "begin", "commit", "end", "prepare", "release", "rollback", "savepoint", "start"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_the_transaction_is_told_by_its_first_word() {
        for sql in
            ["COMMIT", " \n rollback to x", "-- a\n/* b /* c */ -- */ End;", "START TRANSACTION"]
        {
            assert!(ends_transactions(sql), "{sql}");
        }
        for sql in [
            "SELECT 'COMMIT'",
            "-- COMMIT\nUPDATE x SET y = 1",
            "/* COMMIT */ DELETE FROM ends",
            "",
        ] {
            assert!(!ends_transactions(sql), "{sql}");
        }
    }
}
