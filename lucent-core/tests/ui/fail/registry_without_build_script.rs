#![allow(unused)]
use lucent_core::prelude::*;

lucent_core::registry!();

fn main() {}
