use lucent_core::prelude::*;

#[derive(Serialize, Deserialize)]
struct Channel;

#[derive(Serialize, Deserialize, Event)]
enum Bill {
    Paid { #[tag] channel: Channel },
}

fn main() {}
