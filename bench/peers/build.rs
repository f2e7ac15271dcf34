//! Lists the functions of the measured domain.

fn main() {
    lucent_codegen::build();
}
