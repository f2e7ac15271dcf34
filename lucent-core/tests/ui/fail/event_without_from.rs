use lucent_core::prelude::*;

#[derive(Deserialize)]
struct PaidV1 { sum: u64 }

#[derive(Serialize, Deserialize, Event)]
enum Bill {
    #[event(version = 2, upcast(from = PaidV1))]
    Paid { cents: u64 },
}

fn main() {}
