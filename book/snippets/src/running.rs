//! Running an application: starting it, executing, asking, and what can go wrong.
//!
//! Invariant: every error is handled as what it is, and none by its text.

use std::time::Duration;

use lucent_core::prelude::*;
use lucent_sqlite::SqliteStore;

use crate::{
    Registry,
    account::{AccountError, AccountId, Deposit, StatementOf, Withdraw},
    reacting::Mailer,
    registry,
    views::PageSize,
};

// ANCHOR: start
pub async fn start(mailer: Mailer) -> Result<App<Registry>, StartError> {
    let store = SqliteStore::builder().max_payload(1 << 20).open("bank.db").await?;
    App::new(registry())
        .store(store)
        .resource(mailer)
        .resource(PageSize(50))
        .retry(RetryPolicy { retries: 8, pause: Duration::from_millis(2) })
        .cache_capacity(16_384)
        .lease_duration(Duration::from_secs(10))
        .start()
        .await
}
// ANCHOR_END: start

// ANCHOR: command_id
/// Handles a request that the client may send again, with the id that the client chose.
pub async fn deposit(
    app: &App<Registry>,
    (account, amount): (AccountId, u64),
    request: Uuid,
) -> Result<u64, CommandError<AccountError>> {
    let context = BusinessContext::default().with("channel", "web");
    let command = Deposit { account, amount };
    let done = app.execute(command).id(CommandId::from_uuid(request)).context(context).await?;
    Ok(done.reply)
}
// ANCHOR_END: command_id

// ANCHOR: errors
pub async fn withdraw(app: &App<Registry>, account: AccountId, amount: u64) -> String {
    match app.execute(Withdraw { account, amount }).await {
        Ok(done) => format!("done, at version {}", done.version),
        Err(CommandError::Refused(AccountError::TooLittle { available, .. })) => {
            format!("there is only {available}")
        }
        Err(CommandError::Refused(refusal)) => refusal.to_string(),
        Err(error) if error.is_transient() => format!("please try again: {error}"),
        Err(error) => format!("call for help: {error}"),
    }
}
// ANCHOR_END: errors

// ANCHOR: after
/// Reads its own write, or says that it could not in time.
pub async fn movements(
    app: &App<Registry>,
    account: AccountId,
    written: Position,
) -> Result<u64, ReadError> {
    let question = app.query(StatementOf(account)).after(written).within(Duration::from_secs(1));
    match question.await {
        Ok(statement) => Ok(statement.map_or(0, |statement| statement.movements)),
        Err(ReadError::NotYet { failure: Some(failure), projection, .. }) => {
            eprintln!("{projection} needs repair: {failure}");
            Ok(0)
        }
        Err(error) => Err(error),
    }
}
// ANCHOR_END: after

// ANCHOR: status
/// One line per projection, for an operator.
pub fn report(app: &App<Registry>) -> Vec<String> {
    let statuses = app.projections().into_iter();
    statuses
        .map(|status| match status.failure {
            Some(failure) => format!("{} is stuck: {failure}", status.projection),
            None if status.caught_up => format!("{} follows the log", status.projection),
            None => format!("{} is at {}", status.projection, status.position),
        })
        .collect()
}
// ANCHOR_END: status
