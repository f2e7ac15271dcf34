//! Commands: what passes.

use lucent_core::{BusinessContext, CommandId};
use lucent_testkit::{already_exists, given, given_in, nothing, refused};

use super::*;

#[test]
fn nothing_given_needs_no_type() {
    given([]).when(open()).then([opened()]);
    given(()).when(open()).then(opened());
    given(nothing()).when(open()).then(vec![opened()]);
    given([]).at("2026-01-05T10:00:00Z").when(deposit(1)).then(refused(AccountError::Closed));
}

#[test]
fn each_kind_of_outcome_can_be_expected() {
    given([opened()]).when(deposit(0)).then([]);
    given([opened()]).when(deposit(0)).then_nothing();
    given([opened()]).when(deposit(5)).then_reply(5).and_state(|account| account.balance == 5);
    given([opened()]).when(withdraw(1)).then_refused(AccountError::Insufficient { balance: 0 });
    given([opened()])
        .when(deposit(5))
        .then_matches(|events| matches!(events, [AccountEvent::MoneyDeposited { amount: 1..=9 }]));
    given([opened()]).when(deposit(5)).then_matches(|events| assert_eq!(events.len(), 1));
    given([opened()]).when(open()).then(already_exists());
}

#[test]
fn a_scenario_goes_on_from_what_happened() {
    given([opened()])
        .when(deposit(5))
        .then([deposited(5)])
        .and_reply(5)
        .and_when(withdraw(7))
        .then(refused(AccountError::Insufficient { balance: 5 }))
        .and_when(withdraw(5))
        .then(withdrawn(5, Channel::Counter))
        .and_state(|account| assert!(account.open && account.balance == 0));
}

#[test]
fn time_command_and_context_can_be_chosen() {
    let id = CommandId::derived("a");
    let context = BusinessContext::default().with("user", "bob");
    let time: lucent_core::Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
    given([])
        .at(time)
        .as_command(id)
        .in_context(context)
        .when(Stamp { account: ACCOUNT })
        .then([AccountEvent::AccountOpened { owner: format!("{id} bob") }])
        .and_reply(time)
        .at("2026-01-06T10:00:00Z")
        .and_when(Stamp { account: ACCOUNT })
        .then_reply("2026-01-06T10:00:00Z".parse().unwrap());
}

#[test]
fn events_of_other_streams_are_not_the_aggregates() {
    given_in(AccountId(1), [opened(), deposited(9)])
        .and_in(ACCOUNT, [opened(), deposited(2)])
        .when(withdraw(3))
        .then_refused(AccountError::Insufficient { balance: 2 });
}
