//! The report: what came of a replay, for people and for programs.

mod contract;
mod number;
mod table;

pub use contract::{Report, ReportFacts, SymbolReport};
pub(crate) use number::amount as number_label;
pub use table::print_table;
