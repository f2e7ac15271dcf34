//! A demonstration: the strategy is switched, ramped, shadowed, taken back and disabled while prices
//! are replayed through it.

mod account;
mod error;
mod script;
mod stage;

pub use error::DemonstrationError;
pub use script::demonstrate;
