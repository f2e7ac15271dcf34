lucent_core::registry! { functions: [], function: [] }

fn main() {}
