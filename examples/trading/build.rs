//! Finds the functions of this crate.

fn main() {
    lucent_codegen::build();
}
