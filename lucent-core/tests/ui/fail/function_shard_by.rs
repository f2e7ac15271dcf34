use lucent_core::prelude::*;

pub struct Trade { pub pair: Vec<u8> }

#[function(shard_by = trading_pair)]
pub fn no_such_field(trade: &Trade) -> bool { trade.pair.is_empty() }

#[function(shard_by = pair)]
pub fn does_not_print(trade: &Trade) -> bool { trade.pair.is_empty() }

fn main() {}
