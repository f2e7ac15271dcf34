//! Why a command did not succeed.
//!
//! Invariant: every failure says what to do next, and a mistaken command line (exit code 2) is
//! told apart from work that failed (exit code 1).

use std::{fmt, process::ExitCode};

/// Why a command did not succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// Something that the command needs is missing or unreadable.
    Setup(String),
    /// A step ran and failed.
    Step {
        /// The step's name.
        name: String,
        /// How it ended.
        outcome: String,
        /// The command that repeats it, ready for a shell.
        command: String,
    },
    /// The command line makes no sense.
    Usage(String),
}

impl Failure {
    /// The exit code of the process that ends with this failure.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Setup(_) | Self::Step { .. } => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(what) => f.write_str(what),
            Self::Step { name, outcome, command } => {
                write!(f, "step `{name}` failed ({outcome}); repeat it with:\n    {command}")
            }
            Self::Usage(what) => write!(f, "{what}; see `cargo xtask help`"),
        }
    }
}

impl std::error::Error for Failure {}
