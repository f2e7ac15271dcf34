//! The books balance, whatever is traded, and however the quotes are cut into batches.

use lucent_core::{AggregateId as _, Evolve as _, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;
use trading::{
    instrument::InstrumentId,
    portfolio::{
        FollowQuotes, Order, PlaceOrder, Portfolio, PortfolioEvent, PortfolioId, Quote, Side,
        Terms, follow_quotes, place_order,
    },
    strategy::{Signal, Strategy as Averages},
};

fn portfolio_id() -> PortfolioId {
    PortfolioId::from_value("main".to_owned())
}

fn symbols() -> impl Strategy<Value = InstrumentId> {
    prop::sample::select(vec!["AAPL", "IBM", "MSFT"])
        .prop_map(|symbol| InstrumentId::from_value(symbol.to_owned()))
}

fn prices() -> impl Strategy<Value = Decimal> {
    (1_i64..10_000_000, 0_u32..5).prop_map(|(digits, scale)| Decimal::new(digits, scale))
}

fn opened(cash: i64, fee_bps: u32) -> Portfolio {
    let strategy = Averages::new(3, 10).unwrap();
    let terms = Terms { initial_cash: cash.into(), fee_bps, strategy };
    let mut portfolio = Portfolio::default();
    portfolio.evolve(&PortfolioEvent::PortfolioOpened { terms });
    portfolio
}

fn quotes() -> impl Strategy<Value = Vec<Quote>> {
    let signals = prop::sample::select(vec![Signal::Buy, Signal::Hold, Signal::Sell]);
    let quote = (symbols(), prices(), signals, 0_i64..3);
    prop::collection::vec(quote, 1..80).prop_map(|quotes| {
        let mut hour = 0;
        let quotes = quotes.into_iter().map(|(symbol, price, signal, hours)| {
            hour += hours * 10;
            let at = Timestamp::from_micros(hour * 3_600_000_000);
            Quote { symbol, at, price, signal, by: Err("by hand".to_owned()) }
        });
        quotes.collect()
    })
}

fn follow(portfolio: &mut Portfolio, quotes: &[Quote]) -> Vec<PortfolioEvent> {
    let command = FollowQuotes { portfolio: portfolio_id(), quotes: quotes.to_vec() };
    let events = follow_quotes(portfolio, &command).unwrap();
    for event in &events {
        portfolio.evolve(event);
    }
    events
}

fn assert_books(portfolio: &Portfolio) -> Result<(), TestCaseError> {
    let holdings: Decimal =
        portfolio.holdings.values().map(|holding| holding.quantity * holding.last_price).sum();
    let start = portfolio.terms.unwrap().initial_cash;
    let gains = portfolio.realized() + portfolio.unrealized() - portfolio.fees;
    prop_assert_eq!(portfolio.equity(), portfolio.cash + holdings);
    prop_assert_eq!(portfolio.equity(), start + gains);
    prop_assert!(portfolio.cash >= Decimal::ZERO);
    for holding in portfolio.holdings.values() {
        prop_assert!(holding.quantity >= Decimal::ZERO);
        prop_assert!(!holding.quantity.is_zero() || holding.cost.is_zero());
    }
    Ok(())
}

proptest! {
    #[test]
    fn books_balance_after_every_order(
        cash in 1_i64..1_000_000,
        fee_bps in 0_u32..500,
        orders in prop::collection::vec((symbols(), any::<bool>(), 1_i64..5_000, prices()), 0..60),
    ) {
        let mut portfolio = opened(cash, fee_bps);
        for (symbol, buy, quantity, price) in orders {
            let order = Order {
                symbol,
                side: if buy { Side::Buy } else { Side::Sell },
                quantity: Decimal::new(quantity, 2),
                price,
                at: Timestamp::default(),
                by: None,
            };
            let command = PlaceOrder { portfolio: portfolio_id(), order };
            if let Ok(event) = place_order(&portfolio, &command) {
                portfolio.evolve(&event);
            }
            assert_books(&portfolio)?;
        }
    }

    #[test]
    fn books_balance_after_following_the_market(quotes in quotes(), fee_bps in 0_u32..500) {
        let mut portfolio = opened(100_000, fee_bps);
        follow(&mut portfolio, &quotes);
        assert_books(&portfolio)?;
        prop_assert_eq!(portfolio.through, quotes.last().map(|quote| quote.at));
    }

    #[test]
    fn batches_do_not_matter(quotes in quotes(), cut in 0_usize..80) {
        let trades = |events: Vec<PortfolioEvent>| -> Vec<PortfolioEvent> {
            let is_trade = |event: &PortfolioEvent| {
                !matches!(event, PortfolioEvent::QuotesFollowed { .. })
            };
            events.into_iter().filter(is_trade).collect()
        };
        let mut whole = opened(100_000, 10);
        let at_once = trades(follow(&mut whole, &quotes));

        // A batch ends where a point in time ends.
        let cut = quotes[cut.min(quotes.len() - 1)].at;
        let cut = quotes.partition_point(|quote| quote.at <= cut);
        let mut parts = opened(100_000, 10);
        let mut in_parts = trades(follow(&mut parts, &quotes[..cut]));
        // What was followed comes again, as after a crash.
        in_parts.extend(trades(follow(&mut parts, &quotes)));
        prop_assert_eq!(in_parts, at_once);
        prop_assert_eq!(parts, whole);
    }
}
