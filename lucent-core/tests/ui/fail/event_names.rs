use lucent_core::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(retired("Paid", "Gone", "Gone", 7))]
enum Bill {
    Paid,
    #[event(name = "Paid")]
    Settled,
    #[event(name = "")]
    Empty,
    #[event(nmae = "x", version = 0)]
    Odd,
}

#[derive(Serialize, Deserialize, Event)]
#[event(name = "Bill", version = 2)]
enum Misplaced { A }

fn main() {}
