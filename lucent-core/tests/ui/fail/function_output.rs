use lucent_core::prelude::*;

pub struct Opaque;

#[function]
pub fn opaque(_: &u64) -> Opaque { Opaque }

#[function]
pub fn no_error(_: &u64) -> Result<u64, Opaque> { Err(Opaque) }

#[function]
pub fn borrowed(text: &String) -> &str { text }

fn main() {}
