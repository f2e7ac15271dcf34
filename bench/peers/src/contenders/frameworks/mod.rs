//! The frameworks, whose crates take minutes to compile: a build that is about Lucent alone leaves them
//! out.

mod cqrs_es;
mod disintegrate;
mod esrs;
mod evento;

use super::Setup;
use crate::contender::{Contender, Fault};

/// Sets a framework up.
pub async fn open(name: &str, setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
    match name {
        "cqrs-es" => cqrs_es::open(setup).await,
        "esrs" => esrs::open(setup).await,
        "evento" => evento::open(setup).await,
        "disintegrate" => disintegrate::open(setup).await,
        "eventually" => Err(Fault::Absent(
            "eventually-postgres 0.2.0 does not build as published: it needs refinery 0.3, which \
                 no serde since 1.0.119 compiles with",
        )),
        other => Err(Fault::broken(format!("nobody sets up `{other}`"))),
    }
}

/// One statement of a read model in SQL, for the contenders whose handlers bring their own.
pub const PAY_IN: &str = "INSERT INTO balances (account, balance, deposits) VALUES ($1, $2, 1) \
    ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance, \
    deposits = balances.deposits + 1";

/// The table of that read model.
pub const BALANCES: &str = "CREATE TABLE IF NOT EXISTS balances (account text PRIMARY KEY, \
    balance bigint NOT NULL, deposits bigint NOT NULL)";
