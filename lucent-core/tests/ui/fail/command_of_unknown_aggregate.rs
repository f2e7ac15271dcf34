#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Command)]
struct Deposit {
    #[id]
    account: Uuid,
}

fn main() {}
