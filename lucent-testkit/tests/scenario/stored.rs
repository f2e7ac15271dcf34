//! Stored events: what they read as.

use lucent_testkit::given_stored;

use super::*;

#[test]
fn stored_payloads_read_through_their_upcasts() {
    let old = serde_json::json!({ "amount": 30 });
    given_stored("MoneyWithdrawn", 1, &old).then_reads_as(withdrawn(30, Channel::Unknown));
    given_stored("StatementPrinted", 4, &old).then_is_ignored::<AccountEvent>();
}

#[test]
fn a_stored_event_that_reads_differently_is_shown() {
    let old = serde_json::json!({ "amount": 30 });
    fails(
        || given_stored("MoneyWithdrawn", 1, &old).then_reads_as(withdrawn(31, Channel::Counter)),
        r#"
        scenario failed: the event reads differently
          stored     MoneyWithdrawn (version 1) { amount: 30 }
          then    1  MoneyWithdrawn
                -      amount: 31           expected
                +      amount: 30           actual
                -      channel: "Counter"   expected
                +      channel: "Unknown"   actual
          help       correct the `upcast` of version 1 in AccountEvent, or the scenario
        "#,
    );
    fails(
        || given_stored("MoneyWithdrawn", 3, &old).then_reads_as(opened()),
        r#"
        scenario failed: the event does not read
          stored     MoneyWithdrawn (version 3) { amount: 30 }
          then       as AccountEvent: its version 3 is newer than 2, the newest that this code knows: update this program
          help       what was stored once must stay readable: keep its upcast
        "#,
    );
    fails(
        || given_stored("StatementPrinted", 1, &old).then_reads_as(opened()),
        r#"
        scenario failed: the event is ignored
          stored     StatementPrinted (version 1) { amount: 30 }
          then  -    AccountOpened { owner: "ann" }   expected
                +    ignored                          actual
          help       if that is right, write `.then_is_ignored::<Events>()`
        "#,
    );
    fails(
        || given_stored("MoneyDeposited", 1, &old).then_is_ignored::<AccountEvent>(),
        r#"
        scenario failed: the event is not ignored
          stored     MoneyDeposited (version 1) { amount: 30 }
          then  -    ignored                         expected
                +    MoneyDeposited { amount: 30 }   actual
          help       list it in `#[event(retired(…))]` of AccountEvent
        "#,
    );
}
