#[path = "../domain.rs"]
mod domain;
use domain::*;
use lucent_core::prelude::*;

pub struct Desk;

impl Desk {
    #[function]
    pub fn of_a_value(&self, amount: &u64) -> u64 { *amount }
}

#[function]
pub unsafe fn unchecked(amount: &u64) -> u64 { *amount }

#[function]
pub extern "C" fn foreign(amount: &u64) -> u64 { *amount }

#[function]
pub fn of_anything(amount: &impl Copy) -> u64 { let _ = amount; 1 }

#[function]
pub fn returns_nothing(amount: &u64) { let _ = amount; }

#[function]
pub fn crowded(a: &u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8) -> u8 {
    a + b + c + d + e + f + g + h + i
}

#[function(on = AccountEvent)]
pub fn of_another_event(event: &u64) -> u64 { *event }

fn main() {}
