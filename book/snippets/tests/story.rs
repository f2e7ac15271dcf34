//! The failing scenario of the book, word for word.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bank::*;
use lucent_testkit::given;

// ANCHOR: failing
fn a_wrong_scenario() {
    given([
        AccountEvent::AccountOpened { owner: "Ada".into() },
        AccountEvent::MoneyDeposited { amount: 100 },
    ])
    .when(Withdraw(AccountId::from(Uuid::nil()), 30))
    .then([AccountEvent::MoneyWithdrawn { amount: 20 }]);
}
// ANCHOR_END: failing

#[test]
fn the_book_shows_what_a_failing_scenario_prints() {
    let panic = catch_unwind(AssertUnwindSafe(a_wrong_scenario)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert_eq!(text.trim_end(), include_str!("story.txt").trim_end());
}
