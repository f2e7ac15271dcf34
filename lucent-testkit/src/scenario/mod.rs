//! Given-when-then: a scenario says what happened before, what is asked, and what comes of it.
//!
//! ```
//! # #[path = "../../tests/scenario/bank.rs"] mod bank;
//! # use bank::*;
//! # let account = AccountId(7);
//! use lucent_testkit::{given, refused};
//!
//! given([
//!     AccountEvent::AccountOpened { owner: "ann".to_owned() },
//!     AccountEvent::MoneyDeposited { amount: 100 },
//! ])
//! .when(Withdraw { account, amount: 30, fee: 0 })
//! .then([AccountEvent::MoneyWithdrawn { amount: 30, channel: Channel::Counter }])
//! .and_when(Withdraw { account, amount: 80, fee: 0 })
//! .then(refused(AccountError::Insufficient { balance: 70 }));
//! ```
//!
//! Commands need `Debug`, which is how the story tells them. Events and read models are compared
//! and printed as they are stored, so they need neither `Debug` nor `PartialEq`; refusals are
//! compared by what their `Debug` and `Display` print.
//!
//! A projector is tested by what its read model becomes:
//!
//! ```
//! # #[path = "../../tests/scenario/bank.rs"] mod bank;
//! # use bank::*;
//! use lucent_testkit::given;
//!
//! given([
//!     AccountEvent::AccountOpened { owner: "ann".to_owned() },
//!     AccountEvent::MoneyDeposited { amount: 100 },
//! ])
//! .at("2026-01-05T10:00:00Z")
//! .then_view(AccountView {
//!     owner: "ann".to_owned(),
//!     balance: 100,
//!     opened_at: "2026-01-05T10:00:00Z".parse().unwrap(),
//!     history: vec![100],
//!     ..AccountView::default()
//! });
//! ```
//!
//! and the upcasts of an event by what old payloads read as: see [`given_stored`].
//!
//! A command that is decided on [decision models](lucent_core::DecisionModel) is tested in the same
//! way: the given events need no stream, for the models find them by their tags.
//!
//! # What is checked for free
//!
//! Beside what it expects, each scenario fails if
//! - a given or decided event is not the same after it was encoded, decoded and encoded again, byte
//!   for byte (maps without an order are found by this too);
//! - the command, decided again in the same context, is decided differently: on the same events, on
//!   these events after they were stored and read, or on a snapshot of the state;
//! - the aggregate's state panics on an event, or is another one after the events were stored;
//! - the aggregate takes snapshots, and a snapshot after any event, followed by the other events,
//!   is not the full replay;
//! - a read model depends on how the log is cut into pages;
//! - an event that a decision model leaves out by its type, and that has its tags, would change the
//!   decision.
//!
//! A refusal emits nothing: its type has no room for events. `without_checks` turns these checks
//! off. They see what differs between two runs a moment apart, so a decision that asks the system
//! for the date, say, can pass them.
//!
//! # Failures
//!
//! A failed scenario panics at its `then`, with the story so far:
//!
//! ```text
//! scenario failed: the events differ
//!   given   1  AccountOpened { owner: "ann" }
//!           2  MoneyDeposited { amount: 100 }
//!   when       Withdraw { account: AccountId(7), amount: 30, fee: 3 }
//!   then    1  MoneyWithdrawn
//!         -      channel.Card.fee: 2   expected
//!         +      channel.Card.fee: 3   actual
//!   help       if these events are right, expect them with `.then([…])`
//! ```
//!
//! Differences are colored if standard error is a terminal and `NO_COLOR` is not set.
//!
//! Invariant: a scenario runs the user's functions alone, with no store and no runtime, the way
//! the application would run them.

mod checks;
mod diff;
mod expectation;
mod given;
mod played;
mod played_by_tags;
mod scene;
mod stored;
mod story;
mod then;
mod value;
mod view;
mod when;

pub use expectation::{
    AlreadyExists, Expectation, Nothing, Outcome, Refused, already_exists, nothing, refused,
};
pub use given::{Events, Given, IntoTimestamp, given, given_in};
pub use played::{Decided, Played};
#[doc(hidden)]
pub use scene::Scene;
pub use stored::{Stored, given_stored};
pub use story::Mismatch;
pub use then::{Then, Verdict};
pub use view::Viewed;
pub use when::When;
