//! Projectors: what passes, and what a failed scenario says.

use lucent_core::Timestamp;
use lucent_testkit::{given, given_in};

use super::*;

fn view(history: &[u64]) -> AccountView {
    AccountView {
        owner: "ann".to_owned(),
        balance: history.iter().sum(),
        opened_at: at(),
        history: history.to_vec(),
        closings: 0,
    }
}

fn at() -> Timestamp {
    "2026-01-05T10:00:00Z".parse().expect("it is a time")
}

#[test]
fn a_view_is_the_fold_of_the_events() {
    given([opened(), deposited(2), deposited(3)]).at(at()).then_view(view(&[2, 3]));
}

#[test]
fn views_of_several_streams_are_told_apart() {
    given_in(AccountId(1), [opened()])
        .and_in(AccountId(2), [opened(), deposited(3)])
        .and_in(AccountId(1), [deposited(1)])
        .at(at())
        .then_view_of(AccountId(1), view(&[1]))
        .and_view_of("2", view(&[3]))
        .and_no_view_of::<AccountView>(3);
}

#[test]
fn a_removed_document_and_no_event_make_no_view() {
    given([]).then_no_view::<AccountView>();
    given([opened(), AccountEvent::LimitSet { limit: 0 }]).then_no_view::<AccountView>();
}

#[test]
fn a_view_can_be_looked_at_after_commands() {
    given([])
        .at(at())
        .when(Open { account: ACCOUNT, owner: "ann".to_owned() })
        .then([opened()])
        .at("2026-02-01T00:00:00Z")
        .and_when(Deposit { account: ACCOUNT, amount: 4 })
        .then([deposited(4)])
        .and_view(view(&[4]));
}

#[test]
fn differing_fields_of_a_view_are_shown() {
    fails(
        || {
            given([opened(), deposited(2), deposited(3)]).at(at()).then_view(view(&[2, 4, 3]));
        },
        r#"
        scenario failed: the view AccountView differs
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyDeposited { amount: 2 }
                  3  MoneyDeposited { amount: 3 }
          at         2026-01-05T10:00:00Z
          then       AccountView of key `1`
                -      balance: 9      expected
                +      balance: 5      actual
                -      history[1]: 4   expected
          help       correct the `#[projector]` of AccountView, or the scenario
        "#,
    );
}

#[test]
fn a_missing_view_shows_those_that_are_there() {
    fails(
        || drop(given([]).then_view(AccountView::default())),
        r#"
        scenario failed: AccountView has no document
          given      nothing
          then  -    AccountView {   expected
                -      owner: "",
                -      balance: 0,
                -      opened_at: "1970-01-01T00:00:00Z",
                -      history: [],
                -    }
                +    no document     actual
          help       the events are about no document, or the last one removed it
        "#,
    );
    fails(
        || drop(given_in(ACCOUNT, [opened()]).at(at()).then_view_of(8, view(&[]))),
        r#"
        scenario failed: AccountView has no document of key `8`
          given   1  AccountOpened { owner: "ann" }
          at         2026-01-05T10:00:00Z
          then  -    AccountView {        expected
                -      owner: "ann",
                -      balance: 0,
                -      opened_at: "2026-01-05T10:00:00Z",
                -      history: [],
                -    }
                +    `7`: AccountView {   actual
                +      owner: "ann",
                +      balance: 0,
                +      opened_at: "2026-01-05T10:00:00Z",
                +      history: [],
                +    }
          help       a projector's key is the stream's key, unless the projector says otherwise
        "#,
    );
}

#[test]
fn several_views_have_to_be_named() {
    fails(
        || {
            given_in(AccountId(1), [opened()])
                .and_in(AccountId(2), [opened()])
                .then_view(view(&[]));
        },
        r#"
        scenario failed: AccountView has several documents
          given   1  AccountOpened { owner: "ann" }  in account-1
                  2  AccountOpened { owner: "ann" }  in account-2
          then  +    `1`: AccountView {   actual
                +      owner: "ann",
                +      balance: 0,
                +      opened_at: "2026-01-01T00:00:00Z",
                +      history: [],
                +    }
                +    `2`: AccountView {   actual
                +      owner: "ann",
                +      balance: 0,
                +      opened_at: "2026-01-01T00:00:00Z",
                +      history: [],
                +    }
          help       say which one is meant: `.then_view_of(key, view)`
        "#,
    );
}

#[test]
fn an_unexpected_view_is_shown() {
    fails(
        || drop(given([opened()]).then_no_view::<AccountView>()),
        r#"
        scenario failed: AccountView has a document
          given   1  AccountOpened { owner: "ann" }
          then  -    no document          expected
                +    `1`: AccountView {   actual
                +      owner: "ann",
                +      balance: 0,
                +      opened_at: "2026-01-01T00:00:00Z",
                +      history: [],
                +    }
          help       a projector removes a document by returning `Keep::Delete`
        "#,
    );
}

#[test]
fn a_failing_projector_names_the_event() {
    let withdrawn = || AccountEvent::MoneyWithdrawn { amount: 1, channel: Channel::Counter };
    fails(
        || drop(given([opened(), withdrawn()]).then_view(view(&[]))),
        r#"
        scenario failed: projection accounts v1 failed
          given   1  AccountOpened { owner: "ann" }
                  2  MoneyWithdrawn { amount: 1, channel: "Counter" }
          then    2  MoneyWithdrawn: more was withdrawn than there was
          help       the application parks this event; correct the projector `accounts`
        "#,
    );
}
