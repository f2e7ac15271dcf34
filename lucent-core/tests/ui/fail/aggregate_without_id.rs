#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
struct Nameless;

impl Evolve for Nameless {
    fn evolve(&mut self, _: &AccountEvent) {}
}

fn main() {}
