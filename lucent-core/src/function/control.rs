//! The control of functions as events, and the orders that make them.
//!
//! Invariant: what runs is a pure function of these events and of the editions that a program has;
//! there is no other place where a function is switched.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Event,
    function::{EditionId, GuardFault, Rollout, Share},
};

/// What was decided about a function. The stream `function-<name>` holds the events of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum FunctionEvent {
    /// A program with editions that were not known yet has started.
    #[event(name = "lucent.FunctionRegistered")]
    FunctionRegistered {
        /// The editions that are new.
        editions: Vec<EditionId>,
    },
    /// It may run again.
    #[event(name = "lucent.FunctionEnabled")]
    FunctionEnabled {
        /// Where or for whom.
        scope: Scope,
        /// Who said so, and why.
        said: Said,
    },
    /// It may not run.
    #[event(name = "lucent.FunctionDisabled")]
    FunctionDisabled {
        /// Where or for whom.
        scope: Scope,
        /// Who said so, and why.
        said: Said,
    },
    /// An edition became the current one.
    #[event(name = "lucent.EditionPromoted")]
    EditionPromoted {
        /// The edition.
        edition: EditionId,
        /// Who said so, and why.
        said: Said,
    },
    /// A share of keys gets other editions.
    #[event(name = "lucent.RolloutSet")]
    RolloutSet {
        /// Which, and who.
        rollout: Rollout,
        /// Who said so, and why.
        said: Said,
    },
    /// Everybody gets the current edition again.
    #[event(name = "lucent.RolloutStopped")]
    RolloutStopped {
        /// Who said so, and why.
        said: Said,
    },
    /// The guard of a rollout took it back.
    #[event(name = "lucent.RolloutTakenBack")]
    RolloutTakenBack {
        /// What the guard found.
        fault: GuardFault,
    },
    /// Calls run in a second edition too, whose results are compared and not used.
    #[event(name = "lucent.ShadowStarted")]
    ShadowStarted {
        /// The edition.
        edition: EditionId,
        /// For which share of keys.
        share: Share,
        /// Who said so, and why.
        said: Said,
    },
    /// Calls run once again.
    #[event(name = "lucent.ShadowStopped")]
    ShadowStopped {
        /// Who said so, and why.
        said: Said,
    },
    /// An edition does not run until it is released.
    #[event(name = "lucent.EditionQuarantined")]
    EditionQuarantined {
        /// The edition.
        edition: EditionId,
        /// What it did.
        because: String,
    },
    /// An edition runs again.
    #[event(name = "lucent.EditionReleased")]
    EditionReleased {
        /// The edition.
        edition: EditionId,
        /// Who said so, and why.
        said: Said,
    },
}

/// A result of a shadow that is not that of the edition beside it. The stream
/// `function_shadow-<name>` holds those of one function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(name = "lucent.ShadowDiffered")]
pub struct ShadowDiffered {
    /// The edition whose result was used.
    pub edition: EditionId,
    /// The edition that ran beside it.
    pub shadow: EditionId,
    /// What was used, as JSON, or why there was nothing.
    pub used: Result<serde_json::Value, String>,
    /// What the shadow gave.
    pub found: Result<serde_json::Value, String>,
}

/// Who decided something, and why.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: String,
    /// Why.
    pub because: String,
}

/// Where or for whom a function is switched.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scope {
    /// Everywhere and for everybody.
    Everywhere,
    /// In a jurisdiction and the parts of it: `US` covers `US-NY`.
    Jurisdiction(String),
    /// For a tenant.
    Tenant(String),
}

impl Scope {
    /// In a jurisdiction and the parts of it.
    #[must_use]
    pub fn jurisdiction(code: impl Into<String>) -> Self {
        Self::Jurisdiction(code.into())
    }

    /// For a tenant.
    #[must_use]
    pub fn tenant(name: impl Into<String>) -> Self {
        Self::Tenant(name.into())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everywhere => f.write_str("everywhere"),
            Self::Jurisdiction(code) => write!(f, "in {code}"),
            Self::Tenant(name) => write!(f, "for tenant `{name}`"),
        }
    }
}
