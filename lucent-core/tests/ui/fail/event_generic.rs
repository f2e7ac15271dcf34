use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
struct Happened<T>(T);

fn main() {}
