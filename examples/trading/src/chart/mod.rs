//! The chart of a portfolio's value, as SVG written by hand: no fonts, no graphics libraries.

mod axis;
mod draw;

pub use draw::{Caption, draw_value};
