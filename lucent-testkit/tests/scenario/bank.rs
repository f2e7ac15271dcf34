//! A small bank, with everything written by hand that the derives would write.
//!
//! Invariant: each flaw that a scenario finds in it is switched on by its own event or command.

use std::{collections::HashMap, fmt, str::FromStr};

use lucent_core::{
    __private::{decode_struct, decode_variant, encode_variant},
    Aggregate, AggregateCommand, AggregateId, ByAggregate, Command, CommandContext, Consistency,
    Decision, DecodeFault, EncodeError, Event, EventType, Evolve, Handled, InvalidId, Keep,
    Payload, Projected, Projector, ReadModel, RecordedEvent, SnapshotPolicy, State, Timestamp,
    store::DocumentKey,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub(crate) struct AccountId(pub(crate) u32);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for AccountId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self).map_err(|error: std::num::ParseIntError| InvalidId {
            id_type: "AccountId",
            text: text.to_owned(),
            reason: error.to_string(),
        })
    }
}

impl AggregateId for AccountId {
    type Value = u32;
    const CATEGORY: &'static str = "account";
    fn from_value(value: u32) -> Self {
        Self(value)
    }
    fn value(&self) -> &u32 {
        &self.0
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Channel {
    Unknown,
    Counter,
    Card { fee: u64 },
}

#[derive(Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    AccountOpened {
        owner: String,
    },
    MoneyDeposited {
        amount: u64,
    },
    MoneyWithdrawn {
        amount: u64,
        channel: Channel,
    },
    AccountClosed,
    /// Flawed: the note is never stored.
    Noted {
        #[serde(skip)]
        note: String,
    },
    /// Flawed: it reads back as a rounded value.
    RateSet {
        #[serde(deserialize_with = "rounded")]
        rate: f64,
    },
    /// Flawed: the state cannot take it.
    Poisoned,
    LimitSet {
        limit: u64,
    },
    /// Flawed: its bytes depend on the order of a map.
    Labeled {
        labels: HashMap<u8, u8>,
    },
    /// Flawed: it does not encode.
    Drawn {
        points: HashMap<(u8, u8), u8>,
    },
}

fn rounded<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    f64::deserialize(deserializer).map(f64::round)
}

const fn version_1(name: &'static str) -> EventType {
    EventType { name, version: 1 }
}

#[derive(Deserialize)]
struct WithdrawnV1 {
    amount: u64,
}

impl Event for AccountEvent {
    const NAME: &'static str = "AccountEvent";
    const TYPES: &'static [EventType] = &[
        version_1("AccountOpened"),
        version_1("MoneyDeposited"),
        EventType { name: "MoneyWithdrawn", version: 2 },
        version_1("AccountClosed"),
        version_1("Noted"),
        version_1("RateSet"),
        version_1("Poisoned"),
        version_1("LimitSet"),
        version_1("Labeled"),
        version_1("Drawn"),
    ];
    const RETIRED: &'static [&'static str] = &["StatementPrinted"];

    fn event_type(&self) -> EventType {
        Self::TYPES[match self {
            Self::AccountOpened { .. } => 0,
            Self::MoneyDeposited { .. } => 1,
            Self::MoneyWithdrawn { .. } => 2,
            Self::AccountClosed => 3,
            Self::Noted { .. } => 4,
            Self::RateSet { .. } => 5,
            Self::Poisoned => 6,
            Self::LimitSet { .. } => 7,
            Self::Labeled { .. } => 8,
            Self::Drawn { .. } => 9,
        }]
    }

    fn encode(&self) -> Result<Payload, EncodeError> {
        encode_variant(self)
    }

    fn decode_payload(name: &str, version: u32, payload: &Payload) -> Result<Self, DecodeFault> {
        let mut types = Self::TYPES.iter().zip(0..);
        let (known, index) =
            types.find(|(known, _)| known.name == name).ok_or(DecodeFault::UnknownType)?;
        if version > known.version {
            return Err(DecodeFault::NewerVersion { found: version, known: known.version });
        }
        if (name, version) == ("MoneyWithdrawn", 1) {
            let WithdrawnV1 { amount } = decode_struct(version, payload)?;
            return Ok(Self::MoneyWithdrawn { amount, channel: Channel::Unknown });
        }
        decode_variant(index, version, payload)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) open: bool,
    pub(crate) balance: u64,
    pub(crate) notes: String,
    pub(crate) rate: f64,
    /// Flawed: a snapshot forgets it.
    #[serde(skip)]
    pub(crate) limit: Option<u64>,
}

impl State for Account {
    type Event = AccountEvent;
}

impl Aggregate for Account {
    type Id = AccountId;
    const NAME: &'static str = "Account";
    const SNAPSHOT: Option<SnapshotPolicy> = Some(SnapshotPolicy { every: 10, version: 1 });

    fn encode_snapshot(&self) -> Result<Payload, EncodeError> {
        Payload::json(self)
    }

    fn decode_snapshot(payload: &Payload) -> Result<Self, String> {
        payload.to_json()
    }
}

impl Evolve for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::AccountOpened { .. } => self.open = true,
            AccountEvent::MoneyDeposited { amount } => self.balance += amount,
            AccountEvent::MoneyWithdrawn { amount, .. } => self.balance -= amount,
            AccountEvent::AccountClosed => {
                self.open = false;
                self.balance = self.limit.unwrap_or(self.balance);
            }
            AccountEvent::Noted { note } => self.notes.push_str(note),
            AccountEvent::RateSet { rate } => self.rate = *rate,
            AccountEvent::Poisoned => panic!("no state can take this"),
            AccountEvent::LimitSet { limit } => self.limit = Some(*limit),
            AccountEvent::Labeled { .. } | AccountEvent::Drawn { .. } => {}
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("the account is closed")]
    Closed,
    #[error("the balance {balance} is too small")]
    Insufficient { balance: u64 },
}

/// Writes what `#[derive(Command)]` and `#[command_handler]` would write.
macro_rules! command {
    ($name:ident { $($field:ident: $kind:ty),* } -> $reply:ty, creates $creates:literal,
     |$command:ident, $state:ident, $context:ident| $decide:expr) => {
        #[derive(Debug)]
        pub(crate) struct $name { pub(crate) account: AccountId, $(pub(crate) $field: $kind),* }

        impl Command for $name {
            type Boundary = ByAggregate;
            const NAME: &'static str = stringify!($name);
        }

        impl AggregateCommand for $name {
            type Aggregate = Account;
            fn aggregate_id(&self) -> &AccountId {
                &self.account
            }
        }

        impl Handled for $name {
            type Home = ();
            type State = Account;
            type Reply = $reply;
            type Refusal = AccountError;
            const CREATES: bool = $creates;
            fn decide(
                &self,
                $state: &Account,
                $context: &CommandContext,
            ) -> Result<Decision<AccountEvent, $reply>, AccountError> {
                let $command = self;
                $decide
            }
        }
    };
}

command!(Open { owner: String } -> (), creates true, |command, _state, _context| {
    Ok(Decision::emit(AccountEvent::AccountOpened { owner: command.owner.clone() }))
});

command!(Deposit { amount: u64 } -> u64, creates false, |command, state, _context| {
    if !state.open {
        return Err(AccountError::Closed);
    }
    let balance = state.balance + command.amount;
    match command.amount {
        0 => Ok(Decision::nothing().reply(balance)),
        amount => Ok(Decision::emit(AccountEvent::MoneyDeposited { amount }).reply(balance)),
    }
});

command!(Withdraw { amount: u64, fee: u64 } -> (), creates false, |command, state, _context| {
    let amount = command.amount;
    if state.balance < amount {
        return Err(AccountError::Insufficient { balance: state.balance });
    }
    let channel = match command.fee {
        0 => Channel::Counter,
        fee => Channel::Card { fee },
    };
    Ok(Decision::emit(AccountEvent::MoneyWithdrawn { amount, channel }))
});

command!(Close {} -> (), creates false, |_command, state, _context| {
    let channel = Channel::Counter;
    let amount = state.balance;
    let rest = Decision::emit(AccountEvent::MoneyWithdrawn { amount, channel });
    Ok(rest.and(AccountEvent::AccountClosed))
});

command!(Stamp {} -> Timestamp, creates false, |_command, _state, context| {
    let user = context.metadata().context().field("user").unwrap_or("nobody");
    let owner = format!("{} {user}", context.command());
    Ok(Decision::emit(AccountEvent::AccountOpened { owner }).reply(context.now()))
});

command!(Dice {} -> (), creates false, |_command, _state, _context| {
    use std::sync::atomic::{AtomicU64, Ordering};
    static ROLLS: AtomicU64 = AtomicU64::new(0);
    let amount = if ROLLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 1 } else { 6 };
    Ok(Decision::emit(AccountEvent::MoneyDeposited { amount }))
});

command!(SetRate { rate: f64 } -> (), creates false, |command, _state, _context| {
    Ok(Decision::emit(AccountEvent::RateSet { rate: command.rate }))
});

command!(Poison {} -> (), creates false, |_command, _state, _context| {
    Ok(Decision::emit(AccountEvent::Poisoned))
});

command!(Draw {} -> (), creates false, |_command, _state, _context| {
    Ok(Decision::emit(AccountEvent::Drawn { points: [((1, 2), 3)].into() }))
});

command!(ReadNotes {} -> (), creates false, |_command, state, _context| {
    Ok(Decision::emit(AccountEvent::AccountOpened { owner: state.notes.clone() }))
});

command!(CheckLimit {} -> (), creates false, |_command, state, _context| {
    Ok(Decision::all(state.limit.map(|amount| AccountEvent::MoneyDeposited { amount })))
});

command!(Explode {} -> (), creates false, |command, _state, _context| {
    panic!("{} exploded", command.account)
});

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct AccountView {
    pub(crate) owner: String,
    pub(crate) balance: u64,
    pub(crate) opened_at: Timestamp,
    pub(crate) history: Vec<u64>,
    /// Flawed: it is lost between pages.
    #[serde(skip)]
    pub(crate) closings: u64,
}

impl ReadModel for AccountView {
    const NAME: &'static str = "AccountView";
}

impl Projected for AccountView {
    type Home = ();
    type Projector = Accounts;
}

#[derive(Debug)]
pub(crate) struct Accounts;

impl Projector for Accounts {
    type View = AccountView;
    type Event = AccountEvent;
    const NAME: &'static str = "accounts";
    const VERSION: u32 = 1;
    const CONSISTENCY: Consistency = Consistency::Async;

    fn keys(_: &AccountEvent, at: &RecordedEvent) -> Vec<DocumentKey> {
        vec![DocumentKey::from(at.stream.key())]
    }

    fn project(
        view: &mut AccountView,
        event: &AccountEvent,
        at: &RecordedEvent,
    ) -> Result<Keep, Box<dyn std::error::Error + Send + Sync>> {
        match event {
            AccountEvent::AccountOpened { owner } => {
                view.owner.clone_from(owner);
                view.opened_at = at.recorded_at;
            }
            AccountEvent::MoneyDeposited { amount } => {
                view.balance += amount;
                view.history.push(*amount);
            }
            AccountEvent::MoneyWithdrawn { amount, .. } => {
                view.balance =
                    view.balance.checked_sub(*amount).ok_or("more was withdrawn than there was")?;
            }
            AccountEvent::AccountClosed => {
                view.closings += 1;
                view.history.push(view.closings);
            }
            AccountEvent::LimitSet { limit: 0 } => return Ok(Keep::Delete),
            _ => {}
        }
        Ok(Keep::Put)
    }
}
