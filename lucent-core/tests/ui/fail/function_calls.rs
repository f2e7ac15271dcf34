use lucent_core::prelude::*;

#[function(version = 2)]
pub fn fee(amount: &u64) -> u64 { amount / 100 }

#[function(of = fee, version = 1)]
pub fn fee_v1(amount: &u64) -> u64 { amount / 200 }

#[function]
pub fn left_out(amount: &u64) -> u64 { *amount }

pub struct Plain;

lucent_core::registry! { functions: [fee, fee_v1] }

fn calls(functions: &FunctionManager<Registry>, context: &BusinessContext) {
    let _ = functions.call::<fee_v1>(context, &1);
    let _ = functions.call::<left_out>(context, &1);
    let _ = functions.call::<Plain>(context, &1);
    let _ = functions.call::<fee>(context, "one");
}

fn main() {}
