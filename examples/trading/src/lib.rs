//! A trading desk in small: prices, a strategy, orders and a portfolio.
//!
//! The functional core is in [`instrument`], [`strategy`] and [`portfolio`]: plain types and pure
//! functions. The shell around it reads price files ([`prices`]), replays them through commands
//! ([`replay`]), and reports what came of it ([`report`], [`chart`]). The [`demonstration`] switches
//! the strategy while it runs.

lucent_core::registry!();

pub mod chart;
pub mod demonstration;
pub mod instrument;
pub mod money;
pub mod portfolio;
pub mod prices;
pub mod replay;
pub mod report;
pub mod strategy;
