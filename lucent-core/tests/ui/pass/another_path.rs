//! A crate that knows lucent-core under another name.
#![deny(warnings)]

mod framework {
    pub use lucent_core::*;
}

use framework::prelude::*;

#[derive(AggregateId)]
#[aggregate_id(crate = crate::framework)]
pub struct AccountId(u32);

#[derive(Serialize, Deserialize, Event)]
#[event(crate = crate::framework)]
pub struct Opened;

#[derive(Default, Aggregate)]
#[aggregate(id = AccountId, event = Opened, crate = crate::framework)]
pub struct Account;

impl Evolve for Account {
    fn evolve(&mut self, _: &Opened) {}
}

#[derive(Command)]
#[command(aggregate = Account, crate = crate::framework)]
pub struct Open(#[id] pub AccountId);

#[command_handler(crate = crate::framework)]
pub fn open(_: &Open) -> Opened {
    Opened
}

#[derive(Query)]
#[query(crate = crate::framework)]
pub struct Ask;

#[derive(Default, Serialize, Deserialize, ReadModel)]
#[read_model(crate = crate::framework)]
pub struct Counter;

#[projector(name = "counters", version = 1, crate = crate::framework)]
pub fn counters(_: &mut Counter, _: &Opened) {}

#[query_handler(crate = crate::framework)]
pub fn ask(_: Ask, _: &View<Counter>) -> Result<(), ReadError> {
    Ok(())
}

#[event_handler(name = "bell", crate = crate::framework)]
pub fn bell(_: &Opened) {}

#[function(on = Opened, crate = crate::framework)]
pub fn opened(_: &Opened) {}

#[function(of = opened, version = 2, crate = crate::framework)]
pub fn opened_v2(_: &Opened) {}

framework::registry! { crate = crate::framework, functions: [open, counters, ask, bell, opened, opened_v2] }

fn main() {}
