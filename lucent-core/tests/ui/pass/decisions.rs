//! Everything that a command handler may return, and take.
#![deny(warnings)]

use std::convert::Infallible;

use lucent_core::prelude::*;

#[path = "../domain.rs"]
mod domain;
use domain::{Account, AccountEvent, AccountId};

macro_rules! commands {
    ($($command:ident $handler:ident ($($parameter:ident: $kind:ty),*) -> $output:ty { $body:expr })*) => {
        $(
            #[derive(Clone, Command)]
            #[command(aggregate = Account)]
            pub struct $command(#[id] pub AccountId);

            #[command_handler]
            pub fn $handler($($parameter: $kind),*) -> $output {
                let _ = ($($parameter),*);
                $body
            }
        )*
    };
}

commands! {
    One one(a: &Account, b: &One) -> AccountEvent { AccountEvent::Opened }
    Maybe maybe(a: &Account, b: Maybe) -> Option<AccountEvent> { None }
    Several several(a: &Several, b: &CommandContext) -> Vec<AccountEvent> { Vec::new() }
    Two two(a: Two, b: &CommandContext) -> [AccountEvent; 2] { [AccountEvent::Opened, AccountEvent::Opened] }
    Replying replying(a: &Account, b: &Replying, c: &CommandContext) -> Decision<AccountEvent, u8> { Decision::nothing().reply(1) }
    Nothing nothing(a: &Account, b: &Nothing) -> () { () }
    Refusing refusing(a: &Account, b: &Refusing) -> Result<Option<AccountEvent>, std::fmt::Error> { Ok(None) }
    Certain certain(a: &Account, b: &Certain) -> Result<(), Infallible> { Ok(()) }
}

#[derive(Clone, Command)]
#[command(aggregate = Account)]
pub struct r#Move(#[id] pub AccountId);

/// Documented, with lifetimes, a where clause and a trailing comma.
#[command_handler(name = "move",)]
#[cfg(all())]
#[must_use]
pub(crate) const fn r#move<'a>(_state: &'a Account, _command: &'a r#Move,) -> Option<AccountEvent>
where
    'a: 'a,
{
    None
}

#[command_handler]
#[cfg(any())]
pub fn absent(_: &Account, _: &Absent) {}

fn main() {
    fn creates<C: lucent_core::Handled>() -> bool {
        C::CREATES
    }
    assert!(creates::<Several>() && creates::<Two>() && !creates::<One>() && !creates::<Move>());
}
