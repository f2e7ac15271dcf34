//! A till: the domain of these tests.

use lucent_core::{
    prelude::*,
    store::{Append, EventStore as _, ExpectedVersion},
};

#[derive(AggregateId)]
pub struct TillId(String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Event)]
pub enum TillEvent {
    TillOpened { limit: u64 },
    CoinAdded { value: u64 },
    CoinTaken { value: u64 },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(id = TillId, event = TillEvent, snapshot(every = 3, version = 1))]
pub struct Till {
    pub limit: u64,
    pub sum: u64,
}

/// A coin that no till can count.
pub const CURSED: u64 = 667;

impl Evolve for Till {
    fn evolve(&mut self, event: &TillEvent) {
        match event {
            TillEvent::TillOpened { limit } => self.limit = *limit,
            TillEvent::CoinAdded { value } => {
                assert_ne!(*value, CURSED, "a cursed coin");
                self.sum += value;
            }
            TillEvent::CoinTaken { value } => self.sum -= value,
        }
    }
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Till)]
pub struct OpenTill {
    #[id]
    pub till: TillId,
    pub limit: u64,
}

#[command_handler]
pub fn open_till(command: &OpenTill) -> TillEvent {
    TillEvent::TillOpened { limit: command.limit }
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Till)]
pub struct AddCoins {
    #[id]
    pub till: TillId,
    pub values: Vec<u64>,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("the till is full at {limit}")]
    Full { limit: u64 },
    #[error("the till holds only {sum}")]
    TooLittle { sum: u64 },
}

/// Replies with the new sum.
#[command_handler]
pub fn add_coins(till: &Till, command: &AddCoins) -> Result<Decision<TillEvent, u64>, Refusal> {
    let sum = till.sum + command.values.iter().sum::<u64>();
    ensure!(sum <= till.limit, Refusal::Full { limit: till.limit });
    let events = command.values.iter().map(|&value| TillEvent::CoinAdded { value });
    Ok(Decision::all(events).reply(sum))
}

#[derive(Clone, Debug, Command)]
#[command(aggregate = Till)]
pub struct TakeCoin {
    #[id]
    pub till: TillId,
    pub value: u64,
}

#[command_handler]
pub fn take_coin(till: &Till, command: &TakeCoin) -> Result<Option<TillEvent>, Refusal> {
    ensure!(command.value <= till.sum, Refusal::TooLittle { sum: till.sum });
    Ok((command.value > 0).then_some(TillEvent::CoinTaken { value: command.value }))
}

pub mod commands_only {
    lucent_core::registry! { functions: [super::open_till, super::add_coins, super::take_coin] }
}

/// An application without projections.
pub async fn app(store: impl lucent_core::store::Store) -> App<commands_only::Registry> {
    App::new(commands_only::registry()).store(store).start().await.unwrap()
}

pub fn till(name: &str) -> TillId {
    TillId::from(name.to_owned())
}

pub fn open(name: &str) -> OpenTill {
    OpenTill { till: till(name), limit: 1_000 }
}

pub fn add(name: &str, values: &[u64]) -> AddCoins {
    AddCoins { till: till(name), values: values.to_vec() }
}

pub fn take(name: &str, value: u64) -> TakeCoin {
    TakeCoin { till: till(name), value }
}

/// Appends events as another process would, behind the application's back.
pub async fn append_elsewhere(store: &MemoryStore, name: &str, events: &[TillEvent]) {
    let metadata = Metadata::of_command(CommandId::new(), BusinessContext::default()).into();
    let events = events.iter().map(|event| NewEvent::encode(event, &metadata, Timestamp::now()));
    let events = events.collect::<Result<_, _>>().unwrap();
    let stream = till(name).stream_id().unwrap();
    store.append(Append::one(stream, ExpectedVersion::Any, events)).await.unwrap();
}
