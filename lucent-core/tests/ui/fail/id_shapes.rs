use lucent_core::prelude::*;

#[derive(AggregateId)]
struct Named { value: Uuid }

#[derive(AggregateId)]
struct Pair(Uuid, Uuid);

#[derive(AggregateId)]
struct Nothing;

#[derive(AggregateId)]
enum Either { A(Uuid) }

#[derive(AggregateId)]
struct Generic<T>(T);

fn main() {}
