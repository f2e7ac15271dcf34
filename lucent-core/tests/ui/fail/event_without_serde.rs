use lucent_core::prelude::*;

#[derive(Event)]
enum Bill { Paid }

fn main() {}
