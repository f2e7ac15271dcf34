use lucent_core::prelude::*;

#[derive(AggregateId)]
struct Id(Uuid);

#[derive(AggregateId)]
#[aggregate_id(category = "")]
struct Empty(Uuid);

#[derive(AggregateId)]
#[aggregate_id(category = "order-line", category = "x")]
struct Dashed(Uuid);

#[derive(AggregateId)]
#[aggregate_id(categroy = "order", copy = true)]
struct Misspelt(Uuid);

fn main() {}
