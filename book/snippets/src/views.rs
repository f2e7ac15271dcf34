//! Read models of each consistency, with keys of their own.
//!
//! Invariant: a projector only folds; what it needs to know is in the event and in its record.

use lucent_core::{prelude::*, store::DocumentKey};

use crate::account::AccountEvent;

// ANCHOR: keys
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
pub struct Owner {
    pub accounts: Vec<String>,
}

fn owner(event: &AccountEvent) -> Option<&str> {
    match event {
        AccountEvent::AccountOpened { owner } => Some(owner),
        AccountEvent::MoneyDeposited { .. } | AccountEvent::MoneyWithdrawn { .. } => None,
    }
}

#[projector(name = "owners", version = 1, key = owner)]
fn owners(view: &mut Owner, _: &AccountEvent, at: &RecordedEvent) {
    view.accounts.push(at.stream.key().to_owned());
}
// ANCHOR_END: keys

// ANCHOR: inline
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
pub struct Overdraft {
    pub balance: u64,
}

/// Runs in the append's transaction: an error refuses the append.
#[projector(name = "overdrafts", version = 1, inline)]
fn overdrafts(view: &mut Overdraft, event: &AccountEvent) -> Result<Keep, &'static str> {
    match event {
        AccountEvent::AccountOpened { .. } => {}
        AccountEvent::MoneyDeposited { amount } => view.balance += amount,
        AccountEvent::MoneyWithdrawn { amount } => {
            view.balance = view.balance.checked_sub(*amount).ok_or("it would be overdrawn")?;
        }
    }
    Ok(if view.balance == 0 { Keep::Delete } else { Keep::Put })
}
// ANCHOR_END: inline

// ANCHOR: live
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
pub struct Total {
    pub deposited: u64,
}

#[projector(name = "total", version = 1, live, key = "all")]
fn total(view: &mut Total, event: &AccountEvent) {
    if let AccountEvent::MoneyDeposited { amount } = event {
        view.deposited += amount;
    }
}
// ANCHOR_END: live

// ANCHOR: partitions
#[derive(Debug, Default, Serialize, Deserialize, ReadModel)]
pub struct Activity {
    pub movements: u64,
}

/// In eight parts, which the processes of the application share.
#[projector(name = "activities", version = 1, partitions = 8)]
fn activities(view: &mut Activity, _: &AccountEvent) {
    view.movements += 1;
}
// ANCHOR_END: partitions

// ANCHOR: resource
/// How many owners a page shows; given to the application with `.resource(PageSize(50))`.
pub struct PageSize(pub usize);

#[derive(Debug, Query)]
pub struct OwnersAfter(pub Option<String>);

#[query_handler]
async fn owners_after(
    query: OwnersAfter,
    owners: &View<Owner>,
    size: &Resource<PageSize>,
) -> Result<Vec<(String, Owner)>, ReadError> {
    let after = query.0.map(DocumentKey::from);
    let page = owners.page(after.as_ref(), size.0).await?;
    Ok(page.into_iter().map(|(key, owner)| (key.to_string(), owner)).collect())
}
// ANCHOR_END: resource

#[derive(Debug, Query)]
pub struct Deposited;

#[query_handler]
async fn deposited(_: Deposited, total: &View<Total>) -> Result<u64, ReadError> {
    Ok(total.get("all").await?.unwrap_or_default().deposited)
}

#[cfg(test)]
mod tests {
    use lucent_testkit::{given, given_in};

    use super::*;
    use crate::account::AccountId;

    #[test]
    fn an_owner_has_the_accounts_that_were_opened() {
        let account = AccountId::new();
        given_in(account, [AccountEvent::AccountOpened { owner: "Ada".into() }])
            .then_view_of("Ada", Owner { accounts: vec![account.to_string()] });
    }

    #[test]
    fn an_empty_account_has_no_document() {
        given([
            AccountEvent::MoneyDeposited { amount: 5 },
            AccountEvent::MoneyWithdrawn { amount: 5 },
        ])
        .then_no_view::<Overdraft>();
    }

    #[test]
    fn the_total_is_one_document() {
        given([AccountEvent::MoneyDeposited { amount: 5 }])
            .then_view_of("all", Total { deposited: 5 });
    }
}
