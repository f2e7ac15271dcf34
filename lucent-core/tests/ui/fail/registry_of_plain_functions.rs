#![allow(unused)]
use lucent_core::prelude::*;

fn plain() {}

lucent_core::registry! { functions: [plain], function: [] }

fn main() {}
