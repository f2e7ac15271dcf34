fn main() {
    lucent_codegen::build();
}
