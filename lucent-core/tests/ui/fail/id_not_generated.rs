use lucent_core::prelude::*;

#[derive(AggregateId)]
struct Isin(String);

fn main() {
    Isin::new();
}
