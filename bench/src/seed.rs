//! Fills a store with events to read.

use std::path::Path;

use lucent_core::prelude::*;
use lucent_core::store::{Append, EventStore as _, ExpectedVersion};
use lucent_sqlite::SqliteStore;

use crate::domain::{AccountEvent, AccountId};

/// Appends `per_account` events to each of `accounts` accounts, a thousand events a batch, the
/// accounts in turn.
pub async fn fill(
    path: &Path,
    accounts: usize,
    per_account: usize,
) -> Result<Vec<AccountId>, Box<dyn std::error::Error>> {
    let store = SqliteStore::open(path).await?;
    let ids: Vec<_> = (0..accounts).map(|_| AccountId::new()).collect();
    let command = lucent_core::CommandId::new();
    let metadata = Metadata::of_command(command, BusinessContext::default()).into();
    let per_write = per_account.min(20);
    for round in 0..per_account / per_write {
        for group in ids.chunks((1_000 / per_write).max(1)) {
            let mut append = Append::default();
            for id in group {
                let events = (1..=per_write).map(|number| {
                    let count = (round * per_write + number) as u64;
                    let event = AccountEvent::MoneyDeposited {
                        amount: 7,
                        balance: 7 * count,
                        reference: "b7f3c1e0-3d5a-4f0c-9a51-6c2f80d1e5aa".to_owned(),
                        note: "a standing order of the first of the month, for rent and heating, flat 12b".to_owned(),
                    };
                    NewEvent::encode(&event, &metadata, Timestamp::now())
                });
                append.writes.push(lucent_core::store::StreamWrite {
                    stream: id.stream_id()?,
                    expected: ExpectedVersion::Any,
                    events: events.collect::<Result<_, _>>()?,
                });
            }
            store.append(append).await?;
        }
    }
    store.close().await;
    Ok(ids)
}
