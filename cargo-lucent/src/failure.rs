//! Why a command ends early.

use std::{fmt, process::ExitCode};

/// A failure that is no finding.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked makes no sense here.
    Usage(String),
    /// What was asked could not be done.
    Failed(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }

    /// Completes "cannot write …: ".
    pub(crate) fn writing(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Failed(format!("cannot write {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}
