fn plain() {}

lucent_core::registry! { functions: [plain] }

fn main() {}
