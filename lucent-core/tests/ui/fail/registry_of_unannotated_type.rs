#![allow(unused)]
#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

lucent_core::registry! { functions: [Account] }

fn main() {}
