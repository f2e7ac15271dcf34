use lucent_core::prelude::*;

#[derive(ReadModel)]
struct Plain;

#[derive(Default, Serialize, Deserialize, ReadModel)]
#[read_model(nam = "x")]
struct Misspelt;

fn main() {}
