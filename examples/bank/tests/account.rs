//! What the account promises, as scenarios.

use bank::*;
use lucent_testkit::{given, refused};

#[test]
fn money_comes_in_and_goes_out() {
    let account = AccountId::new();
    given([AccountEvent::AccountOpened { owner: "Ada".into() }])
        .when(Deposit(account, 100))
        .then([AccountEvent::MoneyDeposited { amount: 100 }])
        .and_when(Withdraw(account, 30))
        .then([AccountEvent::MoneyWithdrawn { amount: 30 }])
        .and_state(|account| assert_eq!(account.0, 70));
}

#[test]
fn an_account_is_never_overdrawn() {
    given([AccountEvent::MoneyDeposited { amount: 50 }])
        .when(Withdraw(AccountId::new(), 70))
        .then(refused(Overdrawn(20)));
}

#[test]
fn the_view_follows_the_events() {
    given([
        AccountEvent::AccountOpened { owner: "Ada".into() },
        AccountEvent::MoneyDeposited { amount: 5 },
        AccountEvent::MoneyWithdrawn { amount: 2 },
    ])
    .then_view(Account(3));
}
