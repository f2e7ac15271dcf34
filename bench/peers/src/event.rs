//! What the events of every contender hold: about 200 bytes as JSON.

use serde::{Deserialize, Serialize};

/// The owner of every account.
pub const OWNER: &str = "Ada, countess of Lovelace";
/// The reference of every event.
pub const REFERENCE: &str = "b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa";
/// The note of an account's first event.
pub const OPENING: &str = "an account for the rent and the heating of the flat 12b, at the counter";
/// The note of a deposit.
pub const NOTE: &str = "a standing order of the first of the month, for rent and heating, flat 12b";
/// How much each deposit brings.
pub const AMOUNT: u64 = 7;
/// How many events each account gets while commands are measured: it is opened, then money comes in.
pub const PER_ACCOUNT: usize = 10;

/// The events of contenders that take any type of serde's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    AccountOpened { owner: String, reference: String, note: String },
    MoneyDeposited { ticket: u64, amount: u64, balance: u64, reference: String, note: String },
}

impl AccountEvent {
    /// The first event of an account.
    pub fn opened() -> Self {
        Self::AccountOpened {
            owner: OWNER.to_owned(),
            reference: REFERENCE.to_owned(),
            note: OPENING.to_owned(),
        }
    }

    /// The decision on a deposit.
    pub fn deposited(balance: u64, ticket: u64) -> Option<Self> {
        Some(Self::MoneyDeposited {
            ticket,
            amount: AMOUNT,
            balance: balance.checked_add(AMOUNT)?,
            reference: REFERENCE.to_owned(),
            note: NOTE.to_owned(),
        })
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AccountOpened { .. } => "AccountOpened",
            Self::MoneyDeposited { .. } => "MoneyDeposited",
        }
    }

    /// The ticket of a deposit.
    pub const fn ticket(&self) -> u64 {
        match self {
            Self::AccountOpened { .. } => 0,
            Self::MoneyDeposited { ticket, .. } => *ticket,
        }
    }

    /// What it adds to the balance.
    #[cfg(feature = "frameworks")]
    pub const fn amount(&self) -> u64 {
        match self {
            Self::AccountOpened { .. } => 0,
            Self::MoneyDeposited { amount, .. } => *amount,
        }
    }
}

/// The state that decisions are made on, and the document of the read model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub balance: u64,
    pub deposits: u64,
}

impl Balance {
    /// Applies an event.
    pub const fn apply(&mut self, event: &AccountEvent) {
        if let AccountEvent::MoneyDeposited { amount, .. } = event {
            self.balance += *amount;
            self.deposits += 1;
        }
    }
}

/// A deposit that would be too much for the account.
#[derive(Debug, thiserror::Error)]
#[error("too much")]
pub struct TooMuch;
