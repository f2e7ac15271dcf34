//! Everything that query handlers, projectors and event handlers may take and return.
#![deny(warnings)]

use lucent_core::prelude::*;

#[path = "../domain.rs"]
#[allow(dead_code)]
mod domain;
use domain::{AccountEvent, AccountView, BalanceOf};

#[derive(Debug)]
pub enum Failed {
    Read(ReadError),
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

#[derive(Debug)]
pub struct Mailer;

type Answer = Result<Option<u64>, Failed>;

#[query_handler]
pub async fn balance_of(
    _query: BalanceOf,
    accounts: &View<AccountView>,
    _mailer: &Resource<Mailer>,
) -> Answer {
    accounts.get("1").await?;
    Ok(None)
}

#[derive(Query)]
pub struct Generic<T: Send + 'static>(pub T);

#[query_handler]
pub fn generic(query: Generic<u8>) -> Result<u8, ReadError> {
    Ok(query.0)
}

#[projector(name = "accounts", version = 1, key = "all")]
fn accounts(_: &mut AccountView, _: &AccountEvent, _: &RecordedEvent) -> Result<Keep, std::fmt::Error> {
    Ok(Keep::Delete)
}

/// A read model that nobody else sees, of events that nobody else sees.
#[derive(Default, Serialize, Deserialize, ReadModel)]
struct Private;

#[derive(Serialize, Deserialize, Event)]
struct Happened {
    at: u8,
}

mod keys {
    pub(super) fn of(event: &super::Happened) -> Vec<u8> {
        vec![event.at]
    }
}

#[projector(name = "private", version = 1, live, key = keys::of)]
fn private(_: &mut Private, _: &Happened) -> Keep {
    Keep::Put
}

#[event_handler(name = "mail")]
async fn mail(
    _: &Happened,
    at: &RecordedEvent,
    _: &Resource<Mailer>,
    _: &View<Private>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    std::future::ready(at.position).await;
    Ok(())
}

#[event_handler(name = "count")]
fn count(_: &AccountEvent, _: &Resource<Mailer>) -> Result<(), ReadError> {
    Ok(())
}

mod one {
    lucent_core::registry! { functions: [super::balance_of, super::generic, super::accounts] }
}

lucent_core::registry! { functions: [private, mail, count] }

fn main() {
    use lucent_core::registry::Registry as _;
    assert_eq!(one::registry().functions().count(), 3);
    assert_eq!(registry().functions().count(), 3);
}
