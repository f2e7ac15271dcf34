#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

#[derive(Default, Aggregate)]
#[aggregate(id = Uuid, event = String, shared_id)]
struct Wrong;

impl Evolve for Wrong {
    fn evolve(&mut self, _: &String) {}
}

fn main() {}
