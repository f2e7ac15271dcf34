//! The functions of an application, as the build found them and the compiler confirmed them.
//!
//! Invariant: nothing is in a registry that the compiler has not seen, and nothing annotated is
//! missing from it; see the book's chapter on the registry.

use std::{fmt, sync::Arc};

use crate::{
    event_handler::SharedEventHandler,
    function::{Edition, EditionId, Roster},
    projection::Projection,
    resource::{MissingResource, Shell},
};

pub use crate::{
    function_id::{UnknownFunction, place_of},
    shared_name::names_are_unique,
};

/// A set of functions that an application runs. `lucent_core::registry!()` makes one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registry of functions",
    label = "not a registry",
    note = "pass `registry()`: the function that `lucent_core::registry!();` makes in the root of a crate"
)]
pub trait Registry: Send + Sync + 'static {
    /// The functions, crate by crate.
    fn groups(&self) -> Vec<&'static [Function]>;

    /// Every function.
    fn functions(&self) -> impl Iterator<Item = &'static Function>
    where
        Self: Sized,
    {
        self.groups().into_iter().flatten()
    }
}

/// A registry that includes the functions under this mark.
#[diagnostic::on_unimplemented(
    message = "this application's registry does not include the crate that handles this",
    label = "its handler is not in the registry of this application",
    note = "add `[package.metadata.lucent]` with `registry = true` to the crate that defines the handler and make it a direct dependency of the application's crate, or list the function in `registry! {{ functions: […] }}`"
)]
pub trait Includes<Home> {}

/// A registry that composes the crate of this mark.
///
/// A crate that composes others asks for it, so that an application which composes that crate cannot
/// leave the others out.
#[diagnostic::on_unimplemented(
    message = "this registry leaves out a crate that one of its dependencies composes: the one of `{Home}`",
    label = "`{Home}` is not composed here",
    note = "add that crate to `[dependencies]` of this package: a registry composes direct dependencies with `[package.metadata.lucent] registry = true`; by hand, add its registry to `registry! {{ registries: […] }}`"
)]
pub trait Composes<Home> {}

/// The mark under which there is no function; every registry includes it.
///
/// With one mark only, the compiler would take that one for granted, and report a function under
/// another mark as a mismatch of types instead of as not included.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

/// A function that the build found and the compiler has seen.
#[diagnostic::on_unimplemented(
    message = "`{Self}` was found by build.rs, but the compiler has not seen its attribute",
    label = "not compiled as an annotated function",
    note = "another macro may own the attribute of that name, or the function is behind a `cfg` that build.rs could not see; the line above names its file"
)]
pub trait Listed {
    /// The function.
    const FUNCTION: Function;
}

/// The function behind a listing.
#[must_use]
pub const fn listed<T: Listed>() -> Function {
    T::FUNCTION
}

/// A `#[function]` that build.rs found and the compiler has seen. Every [`Edition`] is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` was found by build.rs, but the compiler has not seen its attribute",
    label = "not compiled as an annotated function",
    note = "another macro may own the attribute of that name, or the function is behind a `cfg` that build.rs could not see; the line above names its file"
)]
pub trait Enlists {
    /// Adds the function to a manager's functions.
    fn enlist(roster: &mut Roster);
}

#[diagnostic::do_not_recommend]
impl<E: Edition> Enlists for E {
    fn enlist(roster: &mut Roster) {
        roster.add::<E>();
    }
}

/// One annotated function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name in the registry.
    pub name: &'static str,
    /// The module that it stands in.
    pub module: &'static str,
    /// Its file, as the compiler knows it.
    pub file: &'static str,
    /// Its line; 0 for a `#[function]` that build.rs found, for it leaves lines out.
    pub line: u32,
    /// What it is.
    pub kind: FunctionKind,
}

impl Function {
    /// The name of the function that it is an edition of, which may be its own, and which edition it is; `None` if it
    /// is no `#[function]`.
    #[must_use]
    pub fn edition(&self) -> Option<(&'static str, EditionId)> {
        let FunctionKind::Function { enlist } = self.kind else { return None };
        Roster::added_by(enlist).map(|added| (added.function, added.edition))
    }
}

/// What a function is, and how the engine gets at it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum FunctionKind {
    /// Decides a command.
    CommandHandler {
        /// The name of the command.
        command: &'static str,
        /// The names of what it is decided on: its aggregate, or decision models.
        states: &'static [&'static str],
        /// The events that it decides.
        events: EventSet,
    },
    /// Answers a query.
    QueryHandler {
        /// The name of the query.
        query: &'static str,
        /// Checks that its parameters can be supplied.
        check: fn(&Shell) -> Result<(), MissingResource>,
        /// The projections that it reads from.
        reads: fn() -> Vec<&'static str>,
    },
    /// Builds a read model.
    Projector {
        /// The name of the read model.
        view: &'static str,
        /// The events that it sees.
        events: EventSet,
        /// Makes the projection.
        make: fn() -> Arc<dyn Projection>,
    },
    /// Calculates; the function manager decides which edition runs.
    Function {
        /// Adds it to a manager's functions, with all that is known of it.
        enlist: fn(&mut Roster),
    },
    /// Reacts to events.
    EventHandler {
        /// The events that it sees.
        events: EventSet,
        /// Makes the handler.
        make: fn() -> SharedEventHandler,
    },
}

impl fmt::Debug for FunctionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandHandler { command, .. } => write!(f, "CommandHandler({command})"),
            Self::QueryHandler { query, .. } => write!(f, "QueryHandler({query})"),
            Self::Projector { view, .. } => write!(f, "Projector({view})"),
            Self::EventHandler { events, .. } => write!(f, "EventHandler({})", events.name),
            Self::Function { enlist } => match Roster::added_by(*enlist) {
                Some(added) => write!(f, "Function({} {})", added.function, added.edition),
                None => f.write_str("Function"),
            },
        }
    }
}

impl FunctionKind {
    /// The events that the function writes or sees.
    #[must_use]
    pub fn events(&self) -> Option<EventSet> {
        match self {
            Self::CommandHandler { events, .. }
            | Self::Projector { events, .. }
            | Self::EventHandler { events, .. } => Some(*events),
            Self::Function { enlist } => Roster::added_by(*enlist).map(|added| added.events),
            Self::QueryHandler { .. } => None,
        }
    }
}

/// The names of a set of events.
#[derive(Clone, Copy, Debug)]
pub struct EventSet {
    /// The Rust type's name.
    pub name: &'static str,
    /// Tells types of one name apart.
    pub id: fn() -> std::any::TypeId,
    /// Its stored types.
    pub types: &'static [crate::event::EventType],
}

impl EventSet {
    /// The set of this type.
    #[must_use]
    pub const fn of<E: crate::event::Event>() -> Self {
        Self { name: E::NAME, id: std::any::TypeId::of::<E>, types: E::TYPES }
    }
}
