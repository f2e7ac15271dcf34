//! A place in a file.

use proc_macro2::Span;

/// Where something stands; lines and columns count from 1.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    /// The file, relative to the workspace where it lies in it.
    pub(crate) file: String,
    pub(crate) line: usize,
    /// In characters.
    pub(crate) column: usize,
    /// How many characters it has on that line; 0 for the whole line.
    pub(crate) length: usize,
}

impl Place {
    pub(crate) fn of(file: &str, span: Span) -> Self {
        let (start, end) = (span.start(), span.end());
        let length = if start.line == end.line { end.column - start.column } else { 0 };
        Self { file: file.to_owned(), line: start.line, column: start.column + 1, length }
    }

    /// A whole line.
    pub(crate) fn line(file: &str, line: usize) -> Self {
        Self { file: file.to_owned(), line, column: 1, length: 0 }
    }

    /// `src/account.rs:12`.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}
