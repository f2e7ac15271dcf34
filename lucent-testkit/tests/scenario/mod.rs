//! Given-when-then, on a small bank.

mod bank;
mod checks;
mod events;
mod failures;
mod models;
mod stored;
mod views;

use std::panic::{AssertUnwindSafe, catch_unwind};

use bank::*;

/// Runs a scenario that must fail, and compares what it says; the indentation is the source's.
#[track_caller]
fn fails(scenario: impl FnOnce(), expected: &str) {
    let said = failure(scenario);
    let expected = expected.trim_matches('\n').trim_end();
    let indent = expected.len() - expected.trim_start().len();
    let lines = expected.lines().map(|line| line.get(indent..).unwrap_or_default());
    let expected = lines.collect::<Vec<_>>().join("\n");
    assert!(said == expected, "it said\n{said}\n<<<and not\n{expected}");
}

/// What a scenario says that must fail, without its colors.
#[track_caller]
fn failure(scenario: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(scenario)).expect_err("the scenario passed");
    let mut said = panic.downcast_ref::<String>().expect("the message is formatted").clone();
    for color in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m"] {
        said = said.replace(color, "");
    }
    said
}

const ACCOUNT: AccountId = AccountId(7);

fn opened_by(owner: &str) -> AccountEvent {
    AccountEvent::AccountOpened { owner: owner.to_owned() }
}

fn opened() -> AccountEvent {
    opened_by("ann")
}

fn deposited(amount: u64) -> AccountEvent {
    AccountEvent::MoneyDeposited { amount }
}

fn withdrawn(amount: u64, channel: Channel) -> AccountEvent {
    AccountEvent::MoneyWithdrawn { amount, channel }
}

fn withdraw(amount: u64) -> Withdraw {
    Withdraw { account: ACCOUNT, amount, fee: 0 }
}

fn deposit(amount: u64) -> Deposit {
    Deposit { account: ACCOUNT, amount }
}

fn open() -> Open {
    Open { account: ACCOUNT, owner: "ann".to_owned() }
}
