//! Names of the user's that shadow the standard ones.
#![no_implicit_prelude]
#![allow(dead_code, unused_imports)]

mod core {}
mod std {}
mod lucent_core {}
struct Result;
struct Option;
struct Some;
struct None;
struct Ok;
struct Err;
struct Vec;
struct Box;
struct String;
struct Clone;
trait From {}

mod domain {
    use ::lucent_core::{
        Aggregate, AggregateId, Command, Event, Query, ReadModel, command_handler, event_handler,
        projector, query_handler,
    };
    use ::serde::{Deserialize, Serialize};
    use ::std::prelude::rust_2024::derive;

    use super::{Box, Clone, Err, From, None, Ok, Option, Result, Some, String, Vec, core, std};

    #[derive(AggregateId)]
    pub struct AccountId(::lucent_core::Uuid);

    #[derive(Serialize, Deserialize, Event)]
    pub enum AccountEvent {
        #[event(version = 2, upcast(from = Old))]
        Opened {
            #[tag]
            tags: u8,
            #[tag]
            payload: ::std::option::Option<u8>,
        },
        Closed,
    }

    #[derive(Deserialize)]
    pub struct Old;

    impl ::std::convert::From<Old> for AccountEvent {
        fn from(_: Old) -> Self {
            Self::Closed
        }
    }

    #[derive(::std::default::Default, Serialize, Deserialize, Aggregate)]
    #[aggregate(id = AccountId, event = AccountEvent, snapshot(every = 1))]
    pub struct Account;

    impl ::lucent_core::Evolve for Account {
        fn evolve(&mut self, _: &AccountEvent) {}
    }

    #[derive(::std::clone::Clone, Command)]
    #[command(aggregate = Account)]
    pub struct Open {
        #[id]
        state: AccountId,
    }

    #[command_handler]
    pub fn state(_: &Account, _: Open) -> ::std::result::Result<AccountEvent, ::std::fmt::Error> {
        ::std::result::Result::Ok(AccountEvent::Closed)
    }

    #[derive(::std::default::Default, Serialize, Deserialize, ReadModel)]
    pub struct View;

    fn event(_: &AccountEvent) -> &'static str {
        "one"
    }

    #[projector(name = "views", version = 1, key = event)]
    pub fn view(_: &mut View, _: &AccountEvent) {}

    #[derive(Query)]
    pub struct Ask;

    #[query_handler]
    pub async fn shell(
        _: Ask,
        _: &::lucent_core::View<View>,
    ) -> ::std::result::Result<(), ::lucent_core::ReadError> {
        ::std::result::Result::Ok(())
    }

    #[event_handler(name = "at")]
    pub async fn at(_: &AccountEvent, _: &::lucent_core::Resource<u8>) {}

    ::lucent_core::registry! { functions: [state, view, shell, at] }
}

fn main() {}
