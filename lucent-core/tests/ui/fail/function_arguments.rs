#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[function(shard = pair, deadline = "2.5ms", needs(cpu = 2, memory = "4MB/s", disk = "1GB"))]
pub fn quantities(_: &u64) -> u64 { 1 }

#[function(priority = Urgent, fallback = old, deny(jurisdiction = [7]), tags(1), variant = "a b")]
pub fn words(_: &u64) -> u64 { 1 }

#[function(version = 0, deny("US"), needs = "2ms", on = 7, shard_by = "pair")]
pub fn kinds(_: &u64) -> u64 { 1 }

#[function(of = words, on = AccountEvent, shard_by = pair, priority = High, tags("x"))]
pub fn said_twice(_: &u64) -> u64 { 1 }

#[function(on = AccountEvent)]
pub fn two_inputs(event: &AccountEvent, more: u64) -> u64 { let _ = event; more }

#[function(on = AccountEvent)]
pub fn by_value(event: AccountEvent) -> u64 { let _ = event; 1 }

#[function]
pub fn nothing() -> u64 { 1 }

#[function]
pub async fn later(_: &u64) -> u64 { 1 }

#[function]
pub fn changes(amount: &mut u64) -> u64 { *amount }

#[function]
pub fn generic<T>(_: &T) -> u64 { 1 }

#[function]
pub struct NotAFunction;

fn main() {}
