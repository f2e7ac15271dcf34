use lucent_core::prelude::*;

#[derive(AggregateId)]
struct Price(f64);

fn main() {}
