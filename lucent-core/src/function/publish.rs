//! What came of an event that was published to functions.
//!
//! Invariant: there is one outcome for each function that runs on the event, whatever became of the
//! others.

use std::{any::Any, error::Error, fmt};

use crate::function::{CallError, Called, Routed};

/// The outcome of each function that runs on an event, sorted by name.
#[derive(Debug)]
pub struct Published(pub(crate) Vec<Delivered>);

/// The output of a function whose type is not known.
pub type AnyOutput = Box<dyn Any + Send>;

/// The error of a function whose type is not known.
pub type AnyError = Box<dyn Error + Send + Sync>;

/// The outcome of one function.
pub struct Delivered {
    /// The function.
    pub function: &'static str,
    /// What it gave; see [`Published::output`] for the value with its type.
    pub outcome: Result<Called<AnyOutput>, CallError<AnyError>>,
}

impl Published {
    /// The outcomes.
    pub fn iter(&self) -> std::slice::Iter<'_, Delivered> {
        self.0.iter()
    }

    /// What a function gave, if it ran on the event and gave something.
    #[must_use]
    pub fn output<F: Routed>(&self) -> Option<&F::Output> {
        self.iter()
            .filter(|delivered| delivered.function == F::name())
            .find_map(|delivered| delivered.outcome.as_ref().ok()?.value.downcast_ref())
    }
}

impl<'a> IntoIterator for &'a Published {
    type Item = &'a Delivered;
    type IntoIter = std::slice::Iter<'a, Delivered>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(called) => write!(f, "{}", called.ran),
            Err(error) => write!(f, "{}: {error}", self.function),
        }
    }
}
