use lucent_core::prelude::*;

struct Secret;

#[derive(Serialize, Deserialize, Event)]
enum Bill {
    Paid(#[tag] u8),
    Sent { #[tag = "to"] to: u8, #[tag("a:b")] from: u8 },
}

fn main() {}
