//! The kinds of functions that Lucent discovers, and the attributes that mark them.

use std::fmt;

/// A kind of annotated function.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FunctionKind {
    /// `#[command_handler]`: decides what happens on a command.
    CommandHandler,
    /// `#[query_handler]`: answers a query from read models.
    QueryHandler,
    /// `#[projector]`: folds events into a read model.
    Projector,
    /// `#[event_handler]`: reacts to an event with effects.
    EventHandler,
    /// `#[function]`: calculates; the function manager decides which edition runs.
    Function,
}

impl FunctionKind {
    /// Every kind, in the order in which the registry lists them.
    pub const ALL: [Self; 5] = [
        Self::CommandHandler,
        Self::QueryHandler,
        Self::Projector,
        Self::EventHandler,
        Self::Function,
    ];

    /// The name of the attribute that marks this kind.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::CommandHandler => "command_handler",
            Self::QueryHandler => "query_handler",
            Self::Projector => "projector",
            Self::EventHandler => "event_handler",
            Self::Function => "function",
        }
    }

    /// The kind that an attribute of this name marks.
    #[must_use]
    pub fn from_attribute(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.attribute() == name)
    }
}

impl fmt::Display for FunctionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute())
    }
}
