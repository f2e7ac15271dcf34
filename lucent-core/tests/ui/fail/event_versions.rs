use lucent_core::prelude::*;

#[derive(Deserialize)]
struct V1;

#[derive(Serialize, Deserialize, Event)]
enum Bill {
    #[event(version = 2)]
    Paid,
    #[event(version = 4, upcast(from = V1))]
    Sent,
    #[event(upcast(from = V1))]
    Lost,
    #[event(version = 2, upcast(form = V1))]
    Found,
    #[event(version = "2", upcast)]
    Torn,
}

fn main() {}
