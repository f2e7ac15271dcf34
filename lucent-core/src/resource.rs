//! What handlers may ask the shell for, by type.
//!
//! Invariant: everything that a handler asks for is checked when the application starts.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::Arc,
};

use crate::{
    position::Position,
    query::ReadError,
    store::{ParkedKeys, ProjectionId, ReadModelStore},
};

/// A parameter that the shell can supply to a handler: [`View`](crate::View) or [`Resource`].
#[diagnostic::on_unimplemented(
    message = "a handler cannot ask for `&{Self}`",
    note = "the parameters after the first are `&View<ReadModel>` or `&Resource<T>` of something given to `App::new(…).resource(…)`"
)]
pub trait Inject: Sized + Send + Sync {
    /// Makes the parameter.
    ///
    /// # Errors
    /// When it is not there.
    fn inject(shell: &Shell) -> Result<Self, ReadError>;

    /// Checks at the start that it can be made later.
    ///
    /// # Errors
    /// When it is not there.
    fn check(shell: &Shell) -> Result<(), MissingResource>;

    /// The projection that it reads from, if it reads from one.
    #[must_use]
    fn reads() -> Option<&'static str> {
        None
    }
}

/// Something that was given to the application with `resource`: a client, a mailer, a setting.
pub struct Resource<T>(Arc<T>);

impl<T> Deref for Resource<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resource<{}>", type_name::<T>())
    }
}

impl<T: Send + Sync + 'static> Inject for Resource<T> {
    fn inject(shell: &Shell) -> Result<Self, ReadError> {
        let found = shell.resources.get(&TypeId::of::<T>());
        match found.map(|any| Arc::clone(any).downcast::<T>()) {
            Some(Ok(resource)) => Ok(Self(resource)),
            _ => Err(MissingResource { resource: type_name::<T>() }.into()),
        }
    }

    fn check(shell: &Shell) -> Result<(), MissingResource> {
        match shell.resources.contains_key(&TypeId::of::<T>()) {
            true => Ok(()),
            false => Err(MissingResource { resource: type_name::<T>() }),
        }
    }
}

/// Something that a handler asks for and nobody supplied.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a handler asks for `{resource}`, which nobody supplied: call `.resource(…)` with one before `start()`"
)]
pub struct MissingResource {
    /// The type that was asked for.
    pub resource: &'static str,
}

/// Gives out the stores of read models.
pub(crate) trait ReadModels: Send + Sync {
    /// Where the documents of a projection are.
    fn read_model(&self, name: &'static str) -> Result<ReadModel, ReadError>;
}

/// Where the documents of a projection are, and which of them wait.
pub(crate) struct ReadModel {
    pub(crate) store: Arc<dyn ReadModelStore>,
    /// The version that queries are answered from.
    pub(crate) projection: ProjectionId,
    /// The version of this program.
    pub(crate) current: u32,
    pub(crate) parked: Arc<ParkedKeys>,
    /// Where what is parked stands: one place, or one for each partition.
    pub(crate) lines: Arc<[ProjectionId]>,
}

/// What the shell holds for handlers.
#[derive(Clone)]
pub struct Shell {
    pub(crate) resources: Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    pub(crate) read_models: Arc<dyn ReadModels>,
    /// The position that an answer must have seen.
    pub(crate) after: Position,
}

impl Shell {
    /// Where the documents of a projection are.
    pub(crate) fn read_model(&self, name: &'static str) -> Result<ReadModel, ReadError> {
        self.read_models.read_model(name)
    }

    /// The same, for an answer that must have seen a position.
    pub(crate) fn after(&self, position: Position) -> Self {
        Self { after: position, ..self.clone() }
    }
}

impl fmt::Debug for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shell({} resources)", self.resources.len())
    }
}
