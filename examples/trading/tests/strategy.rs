//! The strategy on a kept store: editions change between runs, and what is on record stays.

use lucent_core::{
    AggregateId as _, App, Event as _, MemoryStore,
    function::{CallContext, EditionId, FunctionManager, Scope},
    store::{EventStore as _, StreamRead},
};
use trading::{
    Registry,
    portfolio::{PortfolioEvent, PortfolioId},
    prices::PriceFile,
    registry,
    replay::{Replay, ReplayError, Replayed, RequestedTerms},
    strategy::{Market, Signal, Trend, decide_signal},
};

struct Desk {
    store: MemoryStore,
    app: App<Registry>,
    functions: FunctionManager<Registry>,
}

impl Desk {
    async fn open(store: &MemoryStore) -> Self {
        let app = App::new(registry()).store(store.clone()).start().await.unwrap();
        let functions = FunctionManager::new(registry()).store(store.clone()).start().await;
        Self { store: store.clone(), app, functions: functions.unwrap() }
    }

    async fn replay(&self, prices: &PriceFile) -> Replayed {
        let replay =
            Replay { portfolio: portfolio(), terms: RequestedTerms::default(), batch_rows: 30 };
        let done = replay
            .run(&self.app, &self.functions, prices, async |_| Ok::<(), ReplayError>(()))
            .await;
        done.unwrap()
    }

    /// The editions that are recorded with trades.
    async fn editions(&self) -> Vec<Option<EditionId>> {
        let mut read = StreamRead::forward(portfolio().stream_id().unwrap());
        let mut editions = Vec::new();
        loop {
            let page = self.store.read_stream(read.clone()).await.unwrap();
            for event in &page.events {
                read = StreamRead::after(event.stream.clone(), event.version);
                if let Some(PortfolioEvent::TradeExecuted { by, .. }) =
                    PortfolioEvent::decode(event).unwrap()
                {
                    editions.push(by.map(|by| by.edition));
                }
            }
            if page.end {
                return editions;
            }
        }
    }
}

fn portfolio() -> PortfolioId {
    PortfolioId::from_value("main".to_owned())
}

#[tokio::test]
async fn what_an_edition_traded_stays_when_another_one_becomes_current() {
    let (store, prices) = (MemoryStore::new(), PriceFile::bundled().unwrap());
    let first = Desk::open(&store).await;
    assert_eq!(first.replay(&prices).await.rows, 560);
    let traded = first.editions().await;
    assert!(!traded.is_empty());
    assert!(traded.iter().all(|edition| *edition == Some(2.into())));
    let control = first.functions.control::<decide_signal>("ann");
    control.promote(1, "to see whether anything moves").await.unwrap();

    let second = Desk::open(&store).await;
    assert_eq!(second.replay(&prices).await.rows, 0);
    assert_eq!(second.editions().await, traded);
}

#[tokio::test]
async fn a_strategy_that_is_switched_off_for_a_portfolio_trades_nothing_there() {
    let desk = Desk::open(&MemoryStore::new()).await;
    let control = desk.functions.control::<decide_signal>("ann");
    control.disable(Scope::tenant("main"), "the desk is closed").await.unwrap();
    let prices = PriceFile::bundled().unwrap();
    assert_eq!(desk.replay(&prices).await.rows, 560);
    assert_eq!(desk.editions().await, []);
}

#[tokio::test]
async fn a_recorded_edition_is_repeated_while_the_strategy_is_off() {
    let desk = Desk::open(&MemoryStore::new()).await;
    let control = desk.functions.control::<decide_signal>("ann");
    control.disable(Scope::Everywhere, "the risk desk says stop").await.unwrap();
    let market = Market {
        symbol: trading::instrument::InstrumentId::from_value("IBM".to_owned()),
        at: lucent_core::Timestamp::default(),
        volume: None,
        trend: Trend::default(),
    };
    let call = |context| desk.functions.call::<decide_signal>(context, &market);
    assert!(call(CallContext::nobody()).is_err());
    let again = call(CallContext::nobody().repeating(1)).unwrap();
    assert_eq!((again.value, again.ran.edition), (Signal::Hold, 1.into()));
}
