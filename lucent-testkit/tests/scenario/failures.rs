//! Commands: what a failed scenario says.

use lucent_testkit::{Expectation, Mismatch, Outcome, already_exists, given, given_in};

use super::*;

#[test]
fn a_state_is_the_fold_of_what_was_given() {
    given([opened(), deposited(2)]).then_state(|account: &Account| account.balance == 2);
    fails(
        || given([opened()]).then_state(|account: &Account| !account.open),
        r#"
        scenario failed: the state of Account is not as expected
          given   1  AccountOpened { owner: "ann" }
          help       correct how the events change the state, or the function that looks at it
        "#,
    );
    fails(
        || given([AccountEvent::Poisoned]).then_state(|_: &Account| ()),
        r#"
        scenario failed: the state panicked on an event
          given   1  Poisoned
          then       it said: no state can take this
          help       the place is printed above: handlers refuse with an error, and states take any event
        "#,
    );
}

#[test]
fn differing_fields_are_shown_with_their_paths() {
    fails(
        || {
            given([opened(), deposited(100)])
                .when(Withdraw { account: ACCOUNT, amount: 30, fee: 3 })
                .then([withdrawn(30, Channel::Card { fee: 2 }), AccountEvent::AccountClosed]);
        },
        r#"
        scenario failed: the events differ
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyDeposited { amount: 100 }
          when       Withdraw { account: AccountId(7), amount: 30, fee: 3 }
          then    1  MoneyWithdrawn
                -      channel.Card.fee: 2   expected
                +      channel.Card.fee: 3   actual
                - 2  AccountClosed           expected
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
}

#[test]
fn a_missing_event_does_not_shift_the_others() {
    fails(
        || {
            given([opened(), deposited(1)])
                .when(Close { account: ACCOUNT })
                .then([AccountEvent::AccountClosed]);
        },
        r#"
        scenario failed: the events differ
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyDeposited { amount: 1 }
          when       Close { account: AccountId(7) }
          then  + 1  MoneyWithdrawn { amount: 1, channel: "Counter" }   actual
                  2  AccountClosed
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
}

#[test]
fn another_order_is_called_that() {
    fails(
        || {
            given([opened(), deposited(1)])
                .when(Close { account: ACCOUNT })
                .then([AccountEvent::AccountClosed, withdrawn(1, Channel::Counter)]);
        },
        r#"
        scenario failed: the events differ
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyDeposited { amount: 1 }
          when       Close { account: AccountId(7) }
          then  - 1  AccountClosed   expected
                  1  MoneyWithdrawn { amount: 1, channel: "Counter" }
                + 2  AccountClosed   actual
          help       these are the expected events, in another order
        "#,
    );
}

#[test]
fn an_unexpected_refusal_says_how_to_expect_it() {
    fails(
        || {
            given([]).at("2026-01-05T10:00:00Z").when(deposit(1)).then(deposited(1));
        },
        r#"
        scenario failed: the command was refused
          given      nothing
          at         2026-01-05T10:00:00Z
          when       Deposit { account: AccountId(7), amount: 1 }
          then  - 1  MoneyDeposited { amount: 1 }                expected
                +    refused: Closed ("the account is closed")   actual
          help       if that is right, write `.then_refused(Closed)`
        "#,
    );
}

#[test]
fn a_differing_refusal_shows_both() {
    fails(
        || {
            given([opened(), deposited(2)])
                .when(withdraw(3))
                .then_refused(AccountError::Insufficient { balance: 1 });
        },
        r#"
        scenario failed: the refusal differs
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyDeposited { amount: 2 }
          when       Withdraw { account: AccountId(7), amount: 3, fee: 0 }
          then  -    refused: Insufficient { balance: 1 } ("the balance 1 is too small")   expected
                +    refused: Insufficient { balance: 2 } ("the balance 2 is too small")   actual
          help       if that is right, write `.then_refused(Insufficient { balance: 2 })`
        "#,
    );
}

#[test]
fn a_missing_refusal_shows_what_happened() {
    fails(
        || drop(given([opened()]).when(deposit(3)).then_refused(AccountError::Closed)),
        r#"
        scenario failed: the command was not refused
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 3 }
          then  -    refused: Closed ("the account is closed")   expected
                + 1  MoneyDeposited { amount: 3 }                actual
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
    fails(
        || drop(given([opened()]).when(deposit(0)).then_refused(AccountError::Closed)),
        r#"
        scenario failed: the command was not refused
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 0 }
          then  -    refused: Closed ("the account is closed")   expected
                +    nothing                                     actual
          help       if that is right, write `.then_nothing()`
        "#,
    );
}

#[test]
fn nothing_and_something_are_told_apart() {
    fails(
        || drop(given([opened()]).when(deposit(0)).then(deposited(0))),
        r#"
        scenario failed: nothing happened
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 0 }
          then  - 1  MoneyDeposited { amount: 0 }   expected
                +    nothing                        actual
          help       if that is right, write `.then_nothing()`
        "#,
    );
    fails(
        || drop(given([opened()]).when(deposit(1)).then_nothing()),
        r#"
        scenario failed: something happened
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 1 }
          then  -    nothing                        expected
                + 1  MoneyDeposited { amount: 1 }   actual
          help       if these events are right, expect them with `.then([…])`
        "#,
    );
}

#[test]
fn an_existing_aggregate_is_a_conflict_for_its_opening() {
    fails(
        || drop(given([opened()]).when(open()).then([opened()])),
        r#"
        scenario failed: the aggregate exists already
          given   1  AccountOpened { owner: "ann" }
          when       Open { account: AccountId(7), owner: "ann" }
          then  - 1  AccountOpened { owner: "ann" }                                               expected
                +    already exists: stream `account-7` was expected to be new and has 1 events   actual
          help       its handler takes no state and so opens a new aggregate: give no events, or write
                     `.then(already_exists())`
        "#,
    );
    fails(
        || drop(given([]).when(open()).then(already_exists())),
        r#"
        scenario failed: there was no conflict
          given      nothing
          when       Open { account: AccountId(7), owner: "ann" }
          then  -    already exists                   expected
                + 1  AccountOpened { owner: "ann" }   actual
          help       only a command whose handler takes no state meets this conflict, and only on an
                     aggregate that has events
        "#,
    );
}

#[test]
fn the_story_goes_on_over_several_commands() {
    fails(
        || {
            given([opened()])
                .when(deposit(5))
                .then([deposited(5)])
                .and_when(withdraw(7))
                .then_refused(AccountError::Insufficient { balance: 5 })
                .at("2026-02-01T00:00:00Z")
                .and_when(deposit(1))
                .then_reply(7);
        },
        r#"
        scenario failed: the reply differs
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 5 }
          then    1  MoneyDeposited { amount: 5 }
          when       Withdraw { account: AccountId(7), amount: 7, fee: 0 }
          then       refused: Insufficient { balance: 5 } ("the balance 5 is too small")
          at         2026-02-01T00:00:00Z
          when       Deposit { account: AccountId(7), amount: 1 }
          then    1  MoneyDeposited { amount: 1 }
          reply -      7   expected
                +      6   actual
          help       correct the `.reply(…)` of the handler, or the scenario
        "#,
    );
}

#[test]
fn a_function_that_disapproves_shows_the_events() {
    fails(
        || drop(given([opened()]).when(deposit(5)).then_matches(|events| events.is_empty())),
        r#"
        scenario failed: the events do not match
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 5 }
          then    1  MoneyDeposited { amount: 5 }
          help       correct the handler, or the function in `then_matches`
        "#,
    );
    fails(
        || drop(given([]).when(deposit(5)).then_matches(|events| events.is_empty())),
        r#"
        scenario failed: the command was refused
          given      nothing
          when       Deposit { account: AccountId(7), amount: 5 }
          then       refused: Closed ("the account is closed")
          help       correct the handler, or the function in `then_matches`
        "#,
    );
    fails(
        || drop(given([opened()]).when(deposit(5)).then(deposited(5)).and_state(|it| !it.open)),
        r#"
        scenario failed: the state of Account is not as expected
          given   1  AccountOpened { owner: "ann" }
          when       Deposit { account: AccountId(7), amount: 5 }
          then    1  MoneyDeposited { amount: 5 }
          help       correct how the events change the state, or the function that looks at it
        "#,
    );
}

#[test]
fn a_command_for_another_aggregate_is_pointed_out() {
    fails(
        || {
            given_in(AccountId(1), [opened(), deposited(9)])
                .when(withdraw(3))
                .then(withdrawn(3, Channel::Counter));
        },
        r#"
        scenario failed: the command was refused
          given   1  AccountOpened { owner: "ann" }  in account-1
                  2  MoneyDeposited { amount: 9 }  in account-1
          when       Withdraw { account: AccountId(7), amount: 3, fee: 0 }
          then  - 1  MoneyWithdrawn { amount: 3, channel: "Counter" }                      expected
                +    refused: Insufficient { balance: 0 } ("the balance 0 is too small")   actual
          help       the command is for stream `account-7`, which has no events; the scenario has events
                     of `account-1`: use one id for both
        "#,
    );
}

#[test]
fn a_panicking_handler_is_a_part_of_the_story() {
    fails(
        || drop(given([]).when(Explode { account: ACCOUNT }).then_nothing()),
        r#"
        scenario failed: the handler panicked
          given      nothing
          when       Explode { account: AccountId(7) }
          then       it said: 7 exploded
          help       the place is printed above: handlers refuse with an error, and states take any event
        "#,
    );
}

#[test]
fn expectations_can_be_written_by_hand() {
    struct AtMost(usize);
    impl<E: lucent_core::Event, X: std::error::Error> Expectation<E, X> for AtMost {
        fn check(self, outcome: &Outcome<E, X>) -> Result<(), Mismatch> {
            match outcome.events().len() {
                few if few <= self.0 => Ok(()),
                many => Err(Mismatch::new("too much happened")
                    .expected(format!("at most {} events", self.0))
                    .actual(format!("{many} events"))),
            }
        }
    }
    given([opened()]).when(deposit(5)).then(AtMost(1));
    fails(
        || drop(given([opened()]).when(Close { account: ACCOUNT }).then(AtMost(1))),
        r#"
        scenario failed: too much happened
          given   1  AccountOpened { owner: "ann" }
          when       Close { account: AccountId(7) }
          then  -    at most 1 events   expected
                +    2 events           actual
        "#,
    );
}

#[test]
fn a_failure_points_at_the_line_of_then() {
    use std::sync::{Arc, Mutex};

    let place = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&place);
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match std::thread::current().name() {
        Some("the one that fails") => {
            let location = panic.location().map(|location| (location.file(), location.line()));
            *seen.lock().unwrap() = location.map(|(file, line)| (file.to_owned(), line));
        }
        _ => others(panic),
    }));
    let scenario = || drop(given([opened()]).when(deposit(1)).then_nothing());
    let line = line!() - 1;
    let thread = std::thread::Builder::new().name("the one that fails".to_owned());
    thread.spawn(scenario).unwrap().join().expect_err("the scenario passed");
    assert_eq!(*place.lock().unwrap(), Some((file!().to_owned(), line)));
}
