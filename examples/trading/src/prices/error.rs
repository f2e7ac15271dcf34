//! Why a price file was refused.
//!
//! Invariant: every fault of a row names file, line, column and reason, and how to mend it where
//! that is not plain.

use std::{io, path::PathBuf};

/// A price file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PriceFileError {
    /// A row or the header is wrong. Line and column count from 1; the column counts characters.
    #[error("{}:{line}:{column}: {reason}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The line.
        line: u64,
        /// The first character of the field.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Rows are not in order, and the disk would not take them to be sorted.
    #[error("cannot sort the rows of {} in a temporary file: {source}", file.display())]
    Unsortable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A fault in a line, before its file and line are known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// Where the field begins, in bytes.
    pub(crate) offset: usize,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(offset: usize, reason: impl Into<String>) -> Self {
        Self { offset, reason: reason.into() }
    }
}
