use lucent_core::prelude::*;

pub struct Fee;

#[function(of = Fee, version = 1)]
pub fn fee_v1(amount: &u64) -> u64 { *amount }

#[function(of = missing, version = 1)]
pub fn fee_v2(amount: &u64) -> u64 { *amount }

fn main() {}
