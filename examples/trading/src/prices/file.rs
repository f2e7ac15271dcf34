//! A price file that was checked from end to end.
//!
//! Invariant: a [`PriceFile`] exists only if every row of the file can be replayed; the file is
//! read as a stream, and rows that are out of order are sorted on disk.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use lucent_core::Timestamp;

use crate::{
    instrument::InstrumentId,
    prices::{
        PriceFileError, Sessions,
        error::Fault,
        header::Header,
        lines::{Field, Lines, split},
        parse::parse_row,
        row::Row,
        sessions::{Contradiction, Grouping},
        sort::{SortError, SortedRows},
    },
};

/// A price file that was checked.
#[derive(Clone, Debug)]
pub struct PriceFile {
    source: Source,
    sorted: Option<SortedRows>,
    survey: Survey,
}

/// What is in a price file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Survey {
    /// How many rows it has.
    pub rows: u64,
    /// Its symbols.
    pub symbols: BTreeSet<InstrumentId>,
    /// The times of its first and last rows.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whether its rows had to be sorted.
    pub sorted: bool,
}

/// Where the bytes are, and what the user calls it.
#[derive(Clone, Debug)]
struct Source {
    name: PathBuf,
    place: Place,
}

/// Where bytes are.
#[derive(Clone, Debug)]
enum Place {
    /// In a copy, for the file can be read only once.
    Copy(Arc<tempfile::TempPath>),
    /// In the file of that name.
    File,
    /// In the program.
    Memory(&'static str),
}

impl PriceFile {
    /// Checks a file from end to end. `progress` hears how many bytes were read.
    ///
    /// # Errors
    /// [`PriceFileError`] for the first fault, by line.
    pub fn check(path: &Path, mut progress: impl FnMut(u64)) -> Result<Self, PriceFileError> {
        Self::check_source(Source::open(path)?, &mut progress)
    }

    /// The monthly prices of five companies that come with the program.
    ///
    /// # Errors
    /// None, as long as the bundled file is a price file.
    pub fn bundled() -> Result<Self, PriceFileError> {
        let source = Source { name: "stocks.csv".into(), place: Place::Memory(BUNDLED) };
        Self::check_source(source, &mut |_| {})
    }

    fn check_source(source: Source, progress: &mut dyn FnMut(u64)) -> Result<Self, PriceFileError> {
        let mut survey = Survey::default();
        let mut grouping = Some(Grouping::default());
        let mut last = None;
        let mut reader = source.reader()?;
        while let Some(row) = reader.next_row()? {
            survey.add(&row);
            if survey.rows.is_multiple_of(PROGRESS_EVERY) {
                progress(reader.lines.consumed());
            }
            if last > Some(row.at()) {
                grouping = None;
            }
            last = Some(row.at());
            if let Some(grouping) = &mut grouping {
                grouping.push(row).map_err(|fault| source.contradicted(fault))?;
            }
        }
        progress(reader.lines.consumed());
        let Some(mut grouping) = grouping else {
            return Self::sort(source, survey);
        };
        grouping.finish().map_err(|fault| source.contradicted(fault))?;
        Ok(Self { source, sorted: None, survey })
    }

    fn sort(source: Source, survey: Survey) -> Result<Self, PriceFileError> {
        let sorted =
            SortedRows::sort(source.reader()?, SORTED_AT_ONCE).map_err(|error| match error {
                SortError::Rows(error) => error,
                SortError::Disk(error) => source.unsortable(error),
            })?;
        let survey = Survey { sorted: true, ..survey };
        let file = Self { source, sorted: Some(sorted), survey };
        // Repeats and contradictions are neighbors only now.
        let mut sessions = file.sessions()?;
        while sessions.next_session()?.is_some() {}
        Ok(file)
    }

    /// What is in the file.
    #[must_use]
    pub fn survey(&self) -> &Survey {
        &self.survey
    }

    /// What the user calls the file.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.source.name
    }

    /// Reads the file's sessions in the order of time.
    ///
    /// # Errors
    /// When the file cannot be read any more.
    pub fn sessions(&self) -> Result<Sessions, PriceFileError> {
        let source = self.source.clone();
        let contradicted = Box::new(move |fault| source.contradicted(fault));
        let Some(sorted) = &self.sorted else {
            return Ok(Sessions::new(Box::new(self.source.reader()?), contradicted));
        };
        let source = self.source.clone();
        let rows = sorted.rows().map_err(|error| source.unsortable(error))?;
        let rows = rows.map(move |row| row.map_err(|error| source.unsortable(error)));
        Ok(Sessions::new(Box::new(rows), contradicted))
    }
}

impl Survey {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        if !self.symbols.contains(&row.symbol) {
            self.symbols.insert(row.symbol.clone());
        }
        let at = row.at();
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((std::cmp::min(first, at), std::cmp::max(last, at)));
    }
}

impl Source {
    /// Pipes and the like are copied first, for the file is read twice.
    fn open(path: &Path) -> Result<Self, PriceFileError> {
        let unreadable = |source| PriceFileError::Unreadable { file: path.to_owned(), source };
        let name = path.to_owned();
        let kind = std::fs::metadata(path).map_err(unreadable)?;
        if kind.is_dir() {
            return Err(unreadable(io::Error::other("it is a directory")));
        }
        if kind.is_file() {
            return Ok(Self { name, place: Place::File });
        }
        let copy = || -> io::Result<_> {
            let mut copy = tempfile::NamedTempFile::new()?;
            io::copy(&mut File::open(path)?, &mut copy)?;
            Ok(copy.into_temp_path())
        };
        let copy = Arc::new(copy().map_err(unreadable)?);
        Ok(Self { name, place: Place::Copy(copy) })
    }

    fn reader(&self) -> Result<RowReader, PriceFileError> {
        let path: &Path = match &self.place {
            Place::Copy(copy) => copy,
            Place::File => &self.name,
            Place::Memory(text) => return RowReader::open(self.clone(), Box::new(text.as_bytes())),
        };
        let file = File::open(path).map_err(|error| self.unreadable(error))?;
        let reader = BufReader::with_capacity(READ_BUFFER, file);
        RowReader::open(self.clone(), Box::new(reader))
    }

    fn malformed(&self, line: u64, text: &str, fault: Fault) -> PriceFileError {
        let before = text.get(..fault.offset).unwrap_or_default();
        PriceFileError::Malformed {
            file: self.name.clone(),
            line,
            column: before.chars().count() + 1,
            reason: fault.reason,
        }
    }

    fn contradicted(&self, Contradiction { line, reason }: Contradiction) -> PriceFileError {
        let column = 1;
        PriceFileError::Malformed { file: self.name.clone(), line, column, reason }
    }

    fn unreadable(&self, source: io::Error) -> PriceFileError {
        PriceFileError::Unreadable { file: self.name.clone(), source }
    }

    fn unsortable(&self, source: io::Error) -> PriceFileError {
        PriceFileError::Unsortable { file: self.name.clone(), source }
    }
}

type Bytes = Box<dyn BufRead + Send>;

/// The rows of a file, as they stand in it.
struct RowReader {
    source: Source,
    lines: Lines<Bytes>,
    fields: Vec<Field>,
    header: Header,
}

impl RowReader {
    fn open(source: Source, reader: Bytes) -> Result<Self, PriceFileError> {
        let mut lines = Lines::new(reader);
        let mut fields = Vec::new();
        let header = match lines.next_line() {
            Err(error) => return Err(source.unreadable(error)),
            Ok(None) => {
                let fault = Fault::new(0, "the file is empty: expected a header");
                return Err(source.malformed(1, "", fault));
            }
            Ok(Some(Err(fault))) => Err((String::new(), fault)),
            Ok(Some(Ok(line))) => split(line, &mut fields)
                .and_then(|count| Header::parse(&fields[..count]))
                .map_err(|fault| (line.to_owned(), fault)),
        };
        match header {
            Ok(header) => Ok(Self { source, lines, fields, header }),
            Err((line, fault)) => Err(source.malformed(lines.number(), &line, fault)),
        }
    }

    fn next_row(&mut self) -> Result<Option<Row>, PriceFileError> {
        let number = self.lines.number();
        let line = match self.lines.next_line() {
            Err(error) => return Err(self.source.unreadable(error)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(fault))) => return Err(self.source.malformed(number + 1, "", fault)),
            Ok(Some(Ok(line))) => line.to_owned(),
        };
        let number = self.lines.number();
        split(&line, &mut self.fields)
            .and_then(|count| parse_row(&self.header, &self.fields[..count], number))
            .map(Some)
            .map_err(|fault| self.source.malformed(number, &line, fault))
    }
}

impl Iterator for RowReader {
    type Item = Result<Row, PriceFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

/// The prices that come with the program.
const BUNDLED: &str = include_str!("../../data/stocks.csv");

/// How many rows pass between two reports of progress.
const PROGRESS_EVERY: u64 = 10_000;

/// How many rows are sorted in memory at once.
const SORTED_AT_ONCE: usize = 100_000;

/// How much is read at once.
const READ_BUFFER: usize = 256 << 10;
