//! What makes a type a read model, and a function its projector.
//!
//! Invariant: a read model has exactly one projector, known to the compiler.

use std::{convert::Infallible, error::Error};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    event::{Event, RecordedEvent},
    store::DocumentKey,
};

/// One document of a read model: built from events, read by queries.
///
/// `#[derive(ReadModel)]` writes this. The default value is the document before its first event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a read model",
    note = "write `#[derive(Default, Serialize, Deserialize, ReadModel)]` on the type"
)]
pub trait ReadModel: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name of the read model.
    const NAME: &'static str;
}

/// A read model that a `#[projector]` function builds.
#[diagnostic::on_unimplemented(
    message = "nothing builds the read model `{Self}`",
    label = "this read model has no projector",
    note = "write `#[projector(name = \"…\", version = 1)] fn name(view: &mut {Self}, event: &Event) {{ … }}` in the crate that defines `{Self}`"
)]
pub trait Projected: ReadModel {
    /// The mark of the registry that lists the projector.
    type Home;

    /// Its projector.
    type Projector: Projector<View = Self>;
}

/// When a projection sees an event.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Consistency {
    /// In the append's transaction: a reader who sees the event sees the read model with it. An
    /// error of the projector refuses the append.
    Inline,
    /// Soon after, from the log, with a durable checkpoint.
    #[default]
    Async,
    /// Soon after, from the log, kept in memory only and built anew at each start.
    Live,
}

/// A projector function, as the engine sees it. `#[projector]` writes this.
pub trait Projector: Send + Sync + 'static {
    /// The read model that it builds.
    type View: ReadModel;

    /// The events that it sees.
    type Event: Event;

    /// The durable name of the projection.
    const NAME: &'static str;

    /// Its version: raising it builds the read model anew beside the old one.
    const VERSION: u32;

    /// When it sees an event.
    const CONSISTENCY: Consistency;

    /// Into how many partitions its documents are divided, for several nodes to share.
    const PARTITIONS: u32 = 1;

    /// The documents that the event is about; none if it is about no document.
    fn keys(event: &Self::Event, at: &RecordedEvent) -> Vec<DocumentKey>;

    /// The documents that an event is about which cannot be read, if its record alone tells: those of
    /// a projector without a key function. With `None`, the event is parked under its stream.
    fn unread_keys(_at: &RecordedEvent) -> Option<Vec<DocumentKey>> {
        None
    }

    /// Applies the event to one document.
    ///
    /// # Errors
    /// Whatever the function returns as its error.
    fn project(
        view: &mut Self::View,
        event: &Self::Event,
        at: &RecordedEvent,
    ) -> Result<Keep, Box<dyn Error + Send + Sync>>;
}

/// What becomes of a document after an event.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Keep {
    /// It is written.
    #[default]
    Put,
    /// It is removed; a later event starts from the default value.
    Delete,
}

/// What a projector may return: `()`, [`Keep`], or a `Result` of one of these.
#[diagnostic::on_unimplemented(
    message = "a projector cannot return `{Self}`",
    note = "return nothing, `Keep`, or `Result<(), Error>` or `Result<Keep, Error>`"
)]
pub trait ProjectionOutcome {
    /// The error; [`Infallible`] where there is none.
    type Error;

    /// Takes the outcome out.
    ///
    /// # Errors
    /// Whatever the function returned.
    fn into_keep(self) -> Result<Keep, Self::Error>;
}

impl ProjectionOutcome for () {
    type Error = Infallible;

    fn into_keep(self) -> Result<Keep, Infallible> {
        Ok(Keep::Put)
    }
}

impl ProjectionOutcome for Keep {
    type Error = Infallible;

    fn into_keep(self) -> Result<Keep, Infallible> {
        Ok(self)
    }
}

impl<T: ProjectionOutcome<Error = Infallible>, X> ProjectionOutcome for Result<T, X> {
    type Error = X;

    fn into_keep(self) -> Result<Keep, X> {
        match self?.into_keep() {
            Ok(keep) => Ok(keep),
            Err(never) => match never {},
        }
    }
}
