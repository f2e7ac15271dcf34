//! Functions in every shape, under lints that find what an expansion should not do.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub)]
#![no_implicit_prelude]

extern crate lucent_core;
extern crate serde;
extern crate std;

use lucent_core::function;
use std::{convert::From, option::Option::{self, None}, result::Result::Ok, string::String};

mod types {
    #[derive(::std::fmt::Debug, ::serde::Serialize, ::serde::Deserialize, ::lucent_core::Event)]
    pub(crate) enum Traded {
        Only(Trade),
    }

    #[derive(::std::fmt::Debug, ::serde::Serialize, ::serde::Deserialize)]
    pub(crate) struct Trade {
        pub(crate) pair: Pair,
    }

    #[derive(::std::fmt::Debug, ::serde::Serialize, ::serde::Deserialize)]
    pub(crate) struct Pair {
        pub(crate) base: ::std::string::String,
    }
}
use types::{Trade, Traded};

#[function(on = types::Traded::Only, shard_by = pair.base, version = 3, variant = "x_1")]
pub(crate) fn nested_key(trade: &Trade) -> Option<u64> {
    let _ = trade;
    None
}

#[function(on = Traded)]
fn private(event: &Traded) {
    let _ = event;
}

/// With a name of its own, and a lifetime.
#[function(name = "the-name", deny(jurisdiction = "KP"), priority = Low)]
fn named<'a>(trade: &'a Trade, r#type: u8, text: &'a str) -> std::result::Result<String, std::fmt::Error> {
    let _ = (trade, r#type);
    Ok(String::from(text))
}

#[function(of = named, version = 2, variant = "b", deadline = "1s", fallback = v1)]
fn another(_: &Trade, _: u8, text: &str) -> std::result::Result<String, std::fmt::Error> {
    Ok(String::from(text))
}

#[function]
fn r#match(_: &(u8, [u16; 2])) -> (u8, bool) {
    (1, true)
}

mod registry {
    use super::{another, named, nested_key, private, r#match};

    ::lucent_core::registry! { functions: [nested_key, private, named, another, r#match] }
}

fn main() {
    let _ = registry::registry();
    let pair = types::Pair { base: String::from("BTC") };
    let _ = named(&Trade { pair }, 1, "text");
}
