use lucent_core::prelude::*;

#[derive(Clone, Copy, Event)]
union Bits { a: u8 }

fn main() {}
