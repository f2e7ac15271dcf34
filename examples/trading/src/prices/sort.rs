//! Sorting rows that do not fit into memory.
//!
//! Invariant: the rows of one run, or one row of each run, are in memory at a time.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _},
    sync::Arc,
};

use crate::prices::{PriceFileError, row::Row};

/// How much is read of a run at once.
const RUN_BUFFER: usize = 16 << 10;

/// Rows on disk: one temporary file, sorted run after sorted run. It goes away with the last clone.
#[derive(Clone, Debug)]
pub(crate) struct SortedRows {
    file: Arc<tempfile::NamedTempFile>,
    runs: Arc<[Run]>,
}

/// Where a run stands in the file.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: u64,
    rows: usize,
}

/// Why rows were not sorted.
pub(crate) enum SortError {
    Rows(PriceFileError),
    Disk(io::Error),
}

impl From<io::Error> for SortError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl SortedRows {
    /// Sorts rows by time, symbol and line, in runs of so many rows.
    pub(crate) fn sort(
        rows: impl Iterator<Item = Result<Row, PriceFileError>>,
        run_rows: usize,
    ) -> Result<Self, SortError> {
        let file = tempfile::NamedTempFile::new()?;
        let runs = write_runs(rows, run_rows, file.as_file())?.into();
        Ok(Self { file: Arc::new(file), runs })
    }

    /// Every row, in order.
    pub(crate) fn rows(&self) -> io::Result<MergedRows> {
        let mut merged = MergedRows {
            runs: Vec::with_capacity(self.runs.len()),
            heads: BinaryHeap::new(),
            _rows: self.clone(),
        };
        for (index, run) in self.runs.iter().enumerate() {
            let mut file = self.file.reopen()?;
            file.seek(SeekFrom::Start(run.start))?;
            merged.runs.push((BufReader::with_capacity(RUN_BUFFER, file), run.rows));
            merged.refill(index)?;
        }
        Ok(merged)
    }
}

fn write_runs(
    rows: impl Iterator<Item = Result<Row, PriceFileError>>,
    run_rows: usize,
    file: &File,
) -> Result<Vec<Run>, SortError> {
    let mut writer = RunWriter { out: BufWriter::new(file), runs: Vec::new() };
    let mut run = Vec::new();
    for row in rows {
        run.push(row.map_err(SortError::Rows)?);
        if run.len() == run_rows {
            writer.write(&mut run)?;
        }
    }
    writer.write(&mut run)?;
    writer.out.flush()?;
    Ok(writer.runs)
}

struct RunWriter<'a> {
    out: BufWriter<&'a File>,
    runs: Vec<Run>,
}

impl RunWriter<'_> {
    fn write(&mut self, rows: &mut Vec<Row>) -> io::Result<()> {
        rows.sort_by(|a, b| a.key().cmp(&b.key()));
        let start = self.out.stream_position()?;
        self.runs.push(Run { start, rows: rows.len() });
        for row in rows.drain(..) {
            serde_json::to_writer(&mut self.out, &row)?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Merges the runs.
pub(crate) struct MergedRows {
    runs: Vec<(BufReader<File>, usize)>,
    heads: BinaryHeap<Reverse<Head>>,
    /// Keeps the file.
    _rows: SortedRows,
}

/// The first row of a run that was not given out yet.
struct Head {
    row: Row,
    run: usize,
}

impl MergedRows {
    fn refill(&mut self, index: usize) -> io::Result<()> {
        let (reader, left) = &mut self.runs[index];
        if *left > 0 {
            *left -= 1;
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let row = serde_json::from_str(&line)?;
            self.heads.push(Reverse(Head { row, run: index }));
        }
        Ok(())
    }
}

impl Iterator for MergedRows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse(head) = self.heads.pop()?;
        match self.refill(head.run) {
            Ok(()) => Some(Ok(head.row)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.row.key().cmp(&other.row.key())
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.row.key() == other.row.key()
    }
}

impl Eq for Head {}

#[cfg(test)]
mod tests {
    use lucent_core::{AggregateId as _, Timestamp};

    use super::*;
    use crate::instrument::{Bar, InstrumentId};

    fn row(line: u64) -> Row {
        let at = Timestamp::from_micros(i64::try_from(line * 37 % 11).unwrap());
        let symbol = InstrumentId::from_value(format!("S{}", line % 3));
        let bar = Bar { at, open: None, high: None, low: None, close: 1.into(), volume: None };
        Row { line, symbol, bar }
    }

    #[test]
    fn runs_are_merged_into_the_order_of_everything() {
        for count in [0, 1, 7, 100] {
            let rows: Vec<_> = (1..=count).map(row).collect();
            let given = rows.clone().into_iter().map(Ok);
            let sorted = SortedRows::sort(given, 7).unwrap_or_else(|_| panic!("disk failed"));
            let mut expected = rows;
            expected.sort_by(|a, b| a.key().cmp(&b.key()));
            for _ in 0..2 {
                let merged: Vec<_> = sorted.rows().unwrap().map(Result::unwrap).collect();
                assert_eq!(merged, expected);
            }
        }
    }
}
