use lucent_core::prelude::*;

#[function(version = 2)]
pub fn fee(amount: &u64) -> u64 { amount / 100 }

#[function(of = fee, version = 1)]
pub fn fee_v1(amount: &u32) -> u64 { u64::from(*amount) }

#[function(of = fee, version = 3)]
pub fn fee_v3(amount: &u64) -> f64 { *amount as f64 }

#[function(of = fee, version = 2)]
pub fn fee_again(amount: &u64) -> u64 { amount / 50 }

fn main() {}
