//! Functions, and the manager that decides which edition of one runs and for whom.

mod breaker;
mod bucket;
mod call_methods;
mod context;
mod contract;
mod control;
mod dispatch;
mod edition_id;
mod error;
mod explanation;
mod fanout;
mod fence;
mod follow;
mod host;
mod manager;
mod orders;
mod policy;
mod publish;
mod record;
mod reports;
mod rollout;
mod roster;
mod route;
mod run;
mod shape;
mod shared;
mod table;
mod tallies;
#[cfg(test)]
mod tests;
mod trial;
mod wire;
mod worker;

pub use bucket::{BUCKETS, Purpose, bucket_of};
pub use call_methods::{CallResult, CallsOf, InputOf};
pub use context::{CallContext, JURISDICTION, TENANT};
pub use contract::{
    Declaration, Declared, Edition, Fallible, FunctionOutput, NoEvent, Plain, Priority, Routed,
    Terms,
};
pub use control::{FunctionEvent, Said, Scope, ShadowDiffered};
pub use dispatch::{DispatchError, Dispatched};
pub use edition_id::{EditionId, InvalidEdition};
pub use error::{CallError, ManagerError, OrderError};
pub use explanation::Explanation;
pub use manager::{FunctionManager, FunctionManagerBuilder};
pub use orders::Control;
pub use policy::OrderRefused;
pub use publish::{AnyError, AnyOutput, Delivered, Published};
pub use record::{Ran, Reason};
pub use rollout::{Arm, Guard, GuardFault, InvalidShare, Rollout, Share, Tally};
pub use roster::{Roster, RosterError};
pub use route::Refusal;
pub use run::Called;
pub use shape::{On, OnPart, Output, Param, Ref, Shape, Takes, Val};
pub use shared::ShadowReport;
#[doc(hidden)]
pub use wire::{Probe, StaysHere};
pub use wire::{Travels, Wire};
pub use worker::FunctionRan;
