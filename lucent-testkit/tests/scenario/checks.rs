//! What scenarios check for free, each on a flaw of its own.

use lucent_testkit::given;

use super::*;

fn noted() -> AccountEvent {
    AccountEvent::Noted { note: "vip".to_owned() }
}

fn rate() -> AccountEvent {
    AccountEvent::RateSet { rate: 1.5 }
}

fn limit() -> AccountEvent {
    AccountEvent::LimitSet { limit: 9 }
}

#[test]
fn an_event_that_storage_changes_is_found() {
    fails(
        || drop(given([rate()]).when(Close { account: ACCOUNT }).then([])),
        r#"
        scenario failed: an event does not survive storage
          given   1  RateSet { rate: 1.5 }
          when       Close { account: AccountId(7) }
          check      encoded, decoded and encoded again:
                  1  RateSet
                -      rate: 1.5   first
                +      rate: 2.0   again
          help       check the serde attributes of AccountEvent
                     (`.without_checks()` turns this check off)
        "#,
    );
    fails(
        || drop(given([]).when(SetRate { account: ACCOUNT, rate: 1.5 }).then(rate())),
        r#"
        scenario failed: an event does not survive storage
          given      nothing
          when       SetRate { account: AccountId(7), rate: 1.5 }
          check      encoded, decoded and encoded again:
                  1  RateSet
                -      rate: 1.5   first
                +      rate: 2.0   again
          help       check the serde attributes of AccountEvent
                     (`.without_checks()` turns this check off)
        "#,
    );
    given([]).when(SetRate { account: ACCOUNT, rate: 1.5 }).without_checks().then(rate());
}

#[test]
fn a_decision_that_changes_its_mind_is_found() {
    fails(
        || drop(given([]).when(Dice { account: ACCOUNT }).then_matches(|_| true)),
        r#"
        scenario failed: the same decision, made twice, differs
          given      nothing
          when       Dice { account: AccountId(7) }
          check   1  MoneyDeposited
                -      amount: 1   first
                +      amount: 6   again
          help       a decision depends on the state, the command and the context only: take the time
                     from `context.now()` and new ids from `context.id(n)`, and keep the state in ordered
                     collections
                     (`.without_checks()` turns this check off)
        "#,
    );
    given([]).without_checks().when(Dice { account: ACCOUNT }).then_matches(|_| true);
}

#[test]
fn a_field_that_is_lost_in_the_store_is_found_by_what_it_decides() {
    fails(
        || drop(given([noted()]).when(ReadNotes { account: ACCOUNT }).then(opened_by("vip"))),
        r#"
        scenario failed: stored events decide differently
          given   1  Noted
          when       ReadNotes { account: AccountId(7) }
          check   1  AccountOpened
                -      owner: "vip"   as given
                +      owner: ""      as stored
          help       a field that serde skips is lost in the store: check the serde attributes of
                     AccountEvent
                     (`.without_checks()` turns this check off)
        "#,
    );
    given([noted()]).without_checks().when(ReadNotes { account: ACCOUNT }).then(opened_by("vip"));
}

#[test]
fn a_field_that_is_lost_in_a_snapshot_is_found_by_what_it_decides() {
    let expected = || AccountEvent::MoneyDeposited { amount: 9 };
    fails(
        || drop(given([limit()]).when(CheckLimit { account: ACCOUNT }).then(expected())),
        r#"
        scenario failed: a snapshot decides differently
          given   1  LimitSet { limit: 9 }
          when       CheckLimit { account: AccountId(7) }
          check - 1  MoneyDeposited { amount: 9 }   full replay
          help       a field that serde skips is lost in a snapshot: check the serde attributes of
                     Account
                     (`.without_checks()` turns this check off)
        "#,
    );
    given([limit()]).without_checks().when(CheckLimit { account: ACCOUNT }).then(expected());
}

#[test]
fn an_event_that_the_state_cannot_take_is_found() {
    let poisoned = || AccountEvent::Poisoned;
    fails(
        || drop(given([]).when(Poison { account: ACCOUNT }).then(poisoned())),
        r#"
        scenario failed: the state panicked on an event
          given      nothing
          when       Poison { account: AccountId(7) }
          check      it said: no state can take this
          help       the place is printed above: handlers refuse with an error, and states take any event
                     (`.without_checks()` turns this check off)
        "#,
    );
    fails(
        || drop(given([poisoned()]).when(Close { account: ACCOUNT }).then_nothing()),
        r#"
        scenario failed: the state panicked on an event
          given   1  Poisoned
          when       Close { account: AccountId(7) }
          then       it said: no state can take this
          help       the place is printed above: handlers refuse with an error, and states take any event
        "#,
    );
}

#[test]
fn a_view_that_depends_on_the_pages_is_found() {
    let events = || [AccountEvent::AccountClosed, AccountEvent::AccountClosed];
    let view = || AccountView { history: vec![1, 2], ..AccountView::default() };
    fails(
        || drop(given(events()).then_view(view())),
        r#"
        scenario failed: the view AccountView depends on the pages of the log
          given   1  AccountClosed
                  2  AccountClosed
          check      documents of AccountView
                -      1.history[1]: 2   in one page
                +      1.history[1]: 1   one by one
          help       a document is stored between pages, so what AccountView does not serialize is lost:
                     check its serde attributes, and that the projector depends on its arguments only
                     (`.without_checks()` turns this check off)
        "#,
    );
}

#[test]
fn a_map_without_an_order_is_found() {
    let labels = (0..200).map(|label| (label, label)).collect();
    let labeled = AccountEvent::Labeled { labels };
    let scenario = || drop(given([labeled]).when(Poison { account: ACCOUNT }).then_nothing());
    let said = failure(scenario);
    for part in ["Labeled: the same fields come back in another order", "such as `BTreeMap`"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_state_that_differs_once_its_events_were_stored_is_found() {
    let deposit = || Deposit { account: ACCOUNT, amount: 0 };
    fails(
        || drop(given([noted()]).when(deposit()).then_refused(AccountError::Closed)),
        r#"
        scenario failed: stored events make another state
          given   1  Noted
          when       Deposit { account: AccountId(7), amount: 0 }
          check -      notes: "vip"   as given
                +      notes: ""      as stored
          help       check the serde attributes of AccountEvent
                     (`.without_checks()` turns this check off)
        "#,
    );
}

#[test]
fn a_snapshot_that_is_not_the_state_is_found() {
    let deposit = || Deposit { account: ACCOUNT, amount: 0 };
    let events = || [limit(), AccountEvent::AccountClosed];
    fails(
        || drop(given(events()).when(deposit()).then_refused(AccountError::Closed)),
        r#"
        scenario failed: a snapshot is not the state
          given   1  LimitSet { limit: 9 }
                  2  AccountClosed
          when       Deposit { account: AccountId(7), amount: 0 }
          check      a snapshot at version 1, and the rest
                -      balance: 9   full replay
                +      balance: 0   from snapshot
          help       check the serde attributes of Account
                     (`.without_checks()` turns this check off)
        "#,
    );
}

#[test]
fn a_long_history_is_shortened_in_the_story() {
    let given_many = || given((0..1_000).map(|_| opened()).collect::<Vec<_>>());
    let deposit = || Deposit { account: ACCOUNT, amount: 1 };
    given_many().when(deposit()).then_reply(1);
    let said = failure(|| drop(given_many().when(deposit()).then_nothing()));
    assert!(said.contains("… 970 more") && said.lines().count() < 40, "{said}");
}

#[test]
fn an_event_that_does_not_encode_is_found_and_equals_none() {
    let drawn = || AccountEvent::Drawn { points: [((1, 2), 3)].into() };
    fails(
        || drop(given([]).when(Draw { account: ACCOUNT }).then(drawn())),
        r#"
        scenario failed: an event does not survive storage
          given      nothing
          when       Draw { account: AccountId(7) }
          check      Drawn: cannot encode the value: key must be a string
          help       check the serde attributes of AccountEvent
                     (`.without_checks()` turns this check off)
        "#,
    );
    let unchecked = || given([]).without_checks().when(Draw { account: ACCOUNT });
    fails(
        || drop(unchecked().then(drawn())),
        r#"
        scenario failed: the events differ
          given      nothing
          when       Draw { account: AccountId(7) }
          then  - 1  Drawn("cannot encode the value: key must be a string")   expected
                + 1  Drawn("cannot encode the value: key must be a string")   actual
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
}
