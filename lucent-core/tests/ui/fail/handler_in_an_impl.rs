#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

struct Handlers;

impl Handlers {
    #[command_handler]
    pub fn withdraw(&self, _: &Withdraw) {}
}

fn main() {}
