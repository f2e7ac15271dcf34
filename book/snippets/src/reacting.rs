//! Effects: an event handler, and a task that answers events with commands.
//!
//! Invariant: an event may come twice, and its effect happens once, for its id is the event's.

use lucent_core::{
    EventId,
    prelude::*,
    store::{EventFilter, EventQuery, StoreError},
};

use crate::{
    Registry,
    account::{AccountEvent, AccountId, Deposit},
};

// ANCHOR: handler
/// Sends letters; a letter of a key that it has sent already is not sent again.
pub trait Post: Send + Sync {
    fn send(&self, key: EventId, text: &str) -> std::io::Result<()>;
}

pub struct Mailer(pub Box<dyn Post>);

#[event_handler(name = "welcome_letters")]
async fn welcome(
    event: &AccountEvent,
    at: &RecordedEvent,
    mailer: &Resource<Mailer>,
) -> std::io::Result<()> {
    match event {
        AccountEvent::AccountOpened { owner } => mailer.0.send(at.id, &format!("Hello {owner}")),
        AccountEvent::MoneyDeposited { .. } | AccountEvent::MoneyWithdrawn { .. } => Ok(()),
    }
}
// ANCHOR_END: handler

// ANCHOR: checkpoint
/// Letters cost money, so no more than one is sent again after a crash.
#[event_handler(name = "deposit_letters", checkpoint(every = 1))]
async fn confirm(
    event: &AccountEvent,
    at: &RecordedEvent,
    mailer: &Resource<Mailer>,
) -> std::io::Result<()> {
    match event {
        AccountEvent::MoneyDeposited { amount } if *amount >= 10_000 => {
            mailer.0.send(at.id, &format!("Thank you for {amount}"))
        }
        _ => Ok(()),
    }
}
// ANCHOR_END: checkpoint

// ANCHOR: partitions
/// There are many of these; up to eight processes send them at the same time.
#[event_handler(name = "withdrawal_letters", partitions = 8)]
async fn notify(
    event: &AccountEvent,
    at: &RecordedEvent,
    mailer: &Resource<Mailer>,
) -> std::io::Result<()> {
    match event {
        AccountEvent::MoneyWithdrawn { amount } => {
            mailer.0.send(at.id, &format!("You took {amount}"))
        }
        _ => Ok(()),
    }
}
// ANCHOR_END: partitions

/// Keeps the position that a task has come to.
pub trait Bookmark {
    fn load(&self) -> Position;
    fn save(&mut self, position: Position);
}

// ANCHOR: policy
/// Gives each new account ten, once, however often this is killed and started again.
pub async fn give_presents(
    app: App<Registry>,
    bookmark: &mut impl Bookmark,
) -> Result<(), StoreError> {
    let opened = EventFilter::from(EventQuery::types(["AccountOpened"]));
    let mut log = app.subscribe(opened, bookmark.load());
    loop {
        let event = log.next().await?;
        if let Ok(account) = event.stream.key().parse::<AccountId>() {
            let id = CommandId::derived(&format!("present for {}", event.id));
            let command = Deposit { account, amount: 10 };
            if let Err(error) = app.execute(command).id(id).caused_by(&event).await {
                eprintln!("no present for {account}: {error}");
            }
        }
        bookmark.save(log.position());
    }
}
// ANCHOR_END: policy

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::{account::OpenAccount, registry, views::PageSize};

    struct Outbox(tokio::sync::mpsc::UnboundedSender<String>);

    impl Post for Outbox {
        fn send(&self, _: EventId, text: &str) -> std::io::Result<()> {
            self.0.send(text.to_owned()).map_err(std::io::Error::other)
        }
    }

    struct Memo(Mutex<Position>, tokio::sync::mpsc::UnboundedSender<Position>);

    impl Bookmark for Memo {
        fn load(&self) -> Position {
            *self.0.lock().unwrap()
        }

        fn save(&mut self, position: Position) {
            *self.0.lock().unwrap() = position;
            self.1.send(position).unwrap();
        }
    }

    #[tokio::test]
    async fn a_new_account_gets_a_letter_and_one_present() {
        let (letters, mut outbox) = tokio::sync::mpsc::unbounded_channel();
        let app = App::new(registry())
            .store(MemoryStore::new())
            .resource(Mailer(Box::new(Outbox(letters))))
            .resource(PageSize(50))
            .start()
            .await
            .unwrap();
        let account = AccountId::new();
        app.execute(OpenAccount { account, owner: "Ada".into() }).await.unwrap();
        assert_eq!(outbox.recv().await.unwrap(), "Hello Ada");
        for _ in 0..2 {
            // Started twice without its bookmark: the present is given once.
            let (moved, mut moves) = tokio::sync::mpsc::unbounded_channel();
            let mut bookmark = Memo(Mutex::new(Position::ZERO), moved);
            tokio::select! {
                _ = give_presents(app.clone(), &mut bookmark) => unreachable!("it has no end"),
                moved = moves.recv() => assert!(moved.is_some()),
            }
        }
        let reply = app.execute(Deposit { account, amount: 0 }).await.unwrap().reply;
        assert_eq!(reply, 10);
    }
}
