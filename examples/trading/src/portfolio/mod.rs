//! The portfolio: cash, holdings, orders and their books.

mod aggregate;
mod event;
mod follow;
mod holding;
mod open;
mod order;
mod views;

pub use aggregate::{Portfolio, PortfolioId, Terms, keep_books};
pub use event::{DayValue, PortfolioEvent, Side};
pub use follow::{FollowQuotes, FollowRefused, Quote, follow_quotes};
pub use holding::Holding;
pub use open::{OpenPortfolio, OpenRefused, open_portfolio};
pub use order::{Order, OrderRefused, PlaceOrder, place_order};
pub use views::{BooksOf, EquityCurve, ValueOverTime, books_of, equity_curve, value_over_time};
