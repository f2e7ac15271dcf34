//! Rows of one point in time, and batches of them.
//!
//! Invariants: sessions come in the order of time, their rows in the order of symbols, each symbol
//! once; a batch ends where a session ends, so the same file gives the same batches.

use lucent_core::{AggregateId as _, Timestamp};

use crate::prices::{PriceFileError, row::Row};

/// Puts rows that come in the order of time together into sessions.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    open: Vec<Row>,
}

/// Two rows of one symbol and one time that do not say the same.
pub(crate) struct Contradiction {
    pub(crate) line: u64,
    pub(crate) reason: String,
}

/// Rows of one point in time, and how many of the file's rows said the same again.
#[derive(Debug, Default)]
pub(crate) struct Session {
    pub(crate) rows: Vec<Row>,
    pub(crate) repeats: u64,
}

impl Grouping {
    /// Takes a row, and gives the session before it if the row begins a new one.
    pub(crate) fn push(&mut self, row: Row) -> Result<Option<Session>, Contradiction> {
        let done = match self.open.first() {
            Some(first) if first.at() != row.at() => Some(self.finish()?),
            _ => None,
        };
        self.open.push(row);
        Ok(done)
    }

    /// Gives the session that is open.
    pub(crate) fn finish(&mut self) -> Result<Session, Contradiction> {
        let mut rows = std::mem::take(&mut self.open);
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let before = rows.len();
        let mut contradiction = None;
        rows.dedup_by(|later, earlier| {
            if later.symbol != earlier.symbol {
                return false;
            }
            if later.bar != earlier.bar && contradiction.is_none() {
                contradiction = Some(contradict(earlier, later));
            }
            true
        });
        match contradiction {
            Some(contradiction) => Err(contradiction),
            None => Ok(Session { repeats: (before - rows.len()) as u64, rows }),
        }
    }
}

fn contradict(earlier: &Row, later: &Row) -> Contradiction {
    Contradiction {
        line: later.line,
        reason: format!(
            "symbol: `{}` has other prices at {} on line {}: keep one of the two rows",
            later.symbol.value(),
            later.at(),
            earlier.line
        ),
    }
}

/// The sessions of a file, in the order of time.
pub struct Sessions {
    rows: Box<dyn Iterator<Item = Result<Row, PriceFileError>> + Send>,
    grouping: Grouping,
    contradicted: Box<dyn Fn(Contradiction) -> PriceFileError + Send>,
}

impl Sessions {
    pub(crate) fn new(
        rows: Box<dyn Iterator<Item = Result<Row, PriceFileError>> + Send>,
        contradicted: Box<dyn Fn(Contradiction) -> PriceFileError + Send>,
    ) -> Self {
        Self { rows, grouping: Grouping::default(), contradicted }
    }

    /// The next session with its count of repeats; nothing at the end.
    pub(crate) fn next_session(&mut self) -> Result<Option<Session>, PriceFileError> {
        for row in &mut self.rows {
            if let Some(session) = self.grouping.push(row?).map_err(&self.contradicted)? {
                return Ok(Some(session));
            }
        }
        let last = self.grouping.finish().map_err(&self.contradicted)?;
        Ok((!last.rows.is_empty()).then_some(last))
    }

    /// Puts sessions together until a batch holds this many rows; those up to a time are left out.
    #[must_use]
    pub fn batches(self, rows: usize, after: Option<Timestamp>) -> Batches {
        Batches { sessions: self, rows: rows.max(1), after, skipped: 0 }
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// Batches of whole sessions.
#[derive(Debug)]
pub struct Batches {
    sessions: Sessions,
    rows: usize,
    after: Option<Timestamp>,
    skipped: u64,
}

impl Batches {
    /// How many rows were left out so far: those up to the time, and exact repeats.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Iterator for Batches {
    type Item = Result<Vec<Row>, PriceFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        while batch.len() < self.rows {
            match self.sessions.next_session() {
                Err(error) => return Some(Err(error)),
                Ok(None) => break,
                Ok(Some(session)) => {
                    self.skipped += session.repeats;
                    if session.rows.first().map(Row::at) > self.after {
                        batch.extend(session.rows);
                    } else {
                        self.skipped += session.rows.len() as u64;
                    }
                }
            }
        }
        (!batch.is_empty()).then_some(Ok(batch))
    }
}
