//! Finds the annotated functions of this crate.

fn main() {
    lucent_codegen::build();
}
