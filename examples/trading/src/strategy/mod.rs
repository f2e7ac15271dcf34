//! The strategy: averages, and what its editions make of them.

mod averages;
mod decided;
mod signal;

pub use averages::{Averages, InvalidStrategy, MovingAverages, Strategy, Trend};
pub use decided::Decided;
pub use signal::{
    Market, Signal, SignalFault, decide_signal, decide_signal_by_price, decide_signal_by_volume,
    decide_signal_calmly,
};
