//! The portfolio: opening it, orders, and following the market.

use lucent_core::{AggregateId as _, Timestamp};
use lucent_testkit::{given, refused};
use rust_decimal::Decimal;
use trading::{
    instrument::InstrumentId,
    portfolio::{
        DayValue, FollowQuotes, FollowRefused, OpenPortfolio, OpenRefused, Order, OrderRefused,
        PlaceOrder, Portfolio, PortfolioEvent, PortfolioId, Quote, Side, Terms,
    },
    strategy::{Signal, Strategy},
};

fn terms(cash: i64) -> Terms {
    Terms { initial_cash: cash.into(), fee_bps: 100, strategy: Strategy::new(3, 10).unwrap() }
}

fn main_portfolio() -> PortfolioId {
    PortfolioId::from_value("main".to_owned())
}

fn symbol() -> InstrumentId {
    InstrumentId::from_value("AAPL".to_owned())
}

fn day(day: u8) -> Timestamp {
    format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
}

fn opened(cash: i64) -> PortfolioEvent {
    PortfolioEvent::PortfolioOpened { terms: terms(cash) }
}

fn order(side: Side, quantity: i64, price: i64) -> PlaceOrder {
    let order = Order {
        symbol: symbol(),
        side,
        quantity: quantity.into(),
        price: price.into(),
        at: day(1),
        by: None,
    };
    PlaceOrder { portfolio: main_portfolio(), order }
}

fn traded(side: Side, quantity: i64, price: i64, fee: &str) -> PortfolioEvent {
    PortfolioEvent::TradeExecuted {
        symbol: symbol(),
        side,
        quantity: quantity.into(),
        price: price.into(),
        fee: fee.parse().unwrap(),
        at: day(1),
        by: None,
    }
}

fn quote(at: u8, price: i64, signal: Signal) -> Quote {
    let by = Err("by hand".to_owned());
    Quote { symbol: symbol(), at: day(at), price: price.into(), signal, by }
}

fn follow(quotes: impl IntoIterator<Item = Quote>) -> FollowQuotes {
    FollowQuotes { portfolio: main_portfolio(), quotes: quotes.into_iter().collect() }
}

#[test]
fn a_portfolio_is_opened_once_and_on_its_terms_only() {
    let open = |cash| OpenPortfolio { portfolio: main_portfolio(), terms: terms(cash) };
    given([])
        .when(open(500))
        .then([opened(500)])
        .and_when(open(500))
        .then_nothing()
        .and_when(open(501))
        .then(refused(OpenRefused::OtherTerms));
    given([]).when(open(0)).then(refused(OpenRefused::Cash { cash: Decimal::ZERO }));
}

#[test]
fn an_order_is_filled_with_its_fee() {
    given([opened(1_000)])
        .when(order(Side::Buy, 5, 100))
        .then([traded(Side::Buy, 5, 100, "5")])
        .and_state(|portfolio: &Portfolio| assert_eq!(portfolio.cash, Decimal::from(495)))
        .and_when(order(Side::Sell, 2, 150))
        .then([traded(Side::Sell, 2, 150, "3")])
        .and_state(|portfolio: &Portfolio| {
            assert_eq!(portfolio.realized(), Decimal::from(100));
            assert_eq!(portfolio.unrealized(), Decimal::from(150));
            assert_eq!(portfolio.equity(), Decimal::from(1_000 + 100 + 150 - 8));
        });
}

#[test]
fn what_cannot_be_paid_is_refused() {
    given([opened(100)])
        .when(order(Side::Buy, 1, 100))
        .then(refused(OrderRefused::InsufficientFunds { needed: 101.into(), cash: 100.into() }));
}

#[test]
fn what_is_not_held_is_not_sold() {
    let refusal =
        OrderRefused::NotEnoughHeld { symbol: symbol(), wanted: 6.into(), held: 5.into() };
    given([opened(1_000), traded(Side::Buy, 5, 100, "5")])
        .when(order(Side::Sell, 6, 100))
        .then(refused(refusal));
}

#[test]
fn orders_that_make_no_sense_are_refused() {
    given([]).when(order(Side::Buy, 1, 1)).then(refused(OrderRefused::NotOpen));
    let none = OrderRefused::Quantity { quantity: Decimal::ZERO };
    given([opened(100)]).when(order(Side::Buy, 0, 1)).then(refused(none));
    let negative = OrderRefused::Price { price: Decimal::NEGATIVE_ONE };
    given([opened(100)]).when(order(Side::Buy, 1, -1)).then(refused(negative));
}

#[test]
fn a_signal_to_buy_spends_a_fifth_and_a_signal_to_sell_sells_all() {
    let bought = |events: &[PortfolioEvent]| match events {
        [
            PortfolioEvent::TradeExecuted { side: Side::Buy, quantity, fee, .. },
            PortfolioEvent::QuotesFollowed { values, .. },
        ] => {
            assert_eq!((*quantity, *fee), (Decimal::new(1_980_198, 4), Decimal::new(198, 2)));
            assert_eq!(values.len(), 2);
        }
        other => panic!("{other:?}"),
    };
    given([opened(1_000)])
        .when(follow([quote(1, 1, Signal::Hold), quote(2, 1, Signal::Buy)]))
        .then_matches(bought)
        .and_when(follow([quote(3, 2, Signal::Sell)]))
        .then_matches(|events: &[PortfolioEvent]| {
            assert!(matches!(events[0], PortfolioEvent::TradeExecuted { side: Side::Sell, .. }));
        })
        .and_state(|portfolio: &Portfolio| assert!(portfolio.quantity(&symbol()).is_zero()));
}

#[test]
fn followed_quotes_are_ignored() {
    let followed = PortfolioEvent::QuotesFollowed {
        through: day(2),
        last_prices: [(symbol(), Decimal::ONE)].into(),
        values: vec![DayValue { at: day(2), value: 1_000.into() }],
    };
    given([opened(1_000)])
        .when(follow([quote(2, 1, Signal::Hold)]))
        .then([followed])
        .and_when(follow([quote(1, 9, Signal::Buy), quote(2, 1, Signal::Buy)]))
        .then_nothing();
}

#[test]
fn an_order_that_the_books_do_not_allow_is_on_record() {
    given([opened(1)])
        .when(follow([quote(1, 999_999, Signal::Buy)]))
        .then_matches(|events: &[PortfolioEvent]| {
            assert!(matches!(events[0], PortfolioEvent::OrderRejected { side: Side::Buy, .. }));
        })
        .and_state(|portfolio: &Portfolio| assert_eq!(portfolio.rejected, 1));
}

#[test]
fn quotes_that_make_no_sense_are_refused_together() {
    given([]).when(follow([quote(1, 1, Signal::Hold)])).then(refused(FollowRefused::NotOpen));
    given([opened(1)]).when(follow([quote(2, 1, Signal::Hold), quote(1, 1, Signal::Hold)])).then(
        refused(FollowRefused::OutOfOrder { symbol: symbol(), at: day(1), previous: day(2) }),
    );
    given([opened(1)])
        .when(follow([quote(1, 0, Signal::Hold)]))
        .then(refused(FollowRefused::Price { symbol: symbol(), price: Decimal::ZERO }));
}
