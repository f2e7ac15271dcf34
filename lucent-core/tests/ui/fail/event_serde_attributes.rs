use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[serde(tag = "type")]
enum Bill {
    Paid,
    #[serde(skip)]
    Lost,
}

fn main() {}
