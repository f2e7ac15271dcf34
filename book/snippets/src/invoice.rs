//! Events that changed over the years: new names, new shapes, names that were given up.
//!
//! Invariant: what an older version of this file stored still reads.

use lucent_core::prelude::*;

#[derive(AggregateId)]
pub struct InvoiceId(u64);

// ANCHOR: upcasts
#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(retired("InvoicePrinted"))]
pub enum InvoiceEvent {
    #[event(version = 3, upcast(from = [IssuedV1, IssuedV2]))]
    InvoiceIssued { cents: u64, currency: String },
    // Renamed in Rust; what is stored keeps its name.
    #[event(name = "InvoicePayed")]
    InvoicePaid,
}

#[derive(Deserialize)]
pub struct IssuedV1 {
    euros: u64,
}

#[derive(Deserialize)]
pub struct IssuedV2 {
    cents: u64,
}

impl From<IssuedV1> for InvoiceEvent {
    fn from(old: IssuedV1) -> Self {
        Self::InvoiceIssued { cents: old.euros * 100, currency: "EUR".into() }
    }
}

impl From<IssuedV2> for InvoiceEvent {
    fn from(old: IssuedV2) -> Self {
        Self::InvoiceIssued { cents: old.cents, currency: "EUR".into() }
    }
}
// ANCHOR_END: upcasts

#[cfg(test)]
mod tests {
    use lucent_testkit::given_stored;
    use serde_json::json;

    use super::*;

    // ANCHOR: stored
    #[test]
    fn invoices_of_every_age_are_read() {
        let issued = || InvoiceEvent::InvoiceIssued { cents: 300, currency: "EUR".into() };
        given_stored("InvoiceIssued", 1, json!({ "euros": 3 })).then_reads_as(issued());
        given_stored("InvoiceIssued", 2, json!({ "cents": 300 })).then_reads_as(issued());
        given_stored("InvoicePayed", 1, json!(null)).then_reads_as(InvoiceEvent::InvoicePaid);
    }
    // ANCHOR_END: stored
}
