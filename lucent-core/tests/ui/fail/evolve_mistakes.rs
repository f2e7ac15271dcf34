#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[evolve]
async fn waits<T>(_: &mut Account, _: &AccountEvent) -> u8 { 0 }

#[evolve]
fn reads(_: &Account, _: &AccountEvent) {}

#[evolve]
fn takes(_: &mut Account, _: AccountEvent) {}

#[evolve(fold)]
fn lonely(_: &mut Account) {}

fn main() {}
