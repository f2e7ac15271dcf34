//! The contenders, and how each one is set up.

mod bare;
mod cqrs_es;
mod disintegrate;
mod esrs;
mod evento;
mod group_commit;
mod lucent;
#[cfg(feature = "umadb")]
mod umadb;

use std::path::PathBuf;

use crate::contender::{Contender, Fault};

/// What a contender is set up with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// An empty database of its own.
    pub url: String,
    /// How many connections its pool may hold.
    pub pool: u32,
    /// An empty folder of its own, for those that are servers themselves.
    pub folder: PathBuf,
}

/// What a contender is, for the judgement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Lucent,
    Framework,
    Server,
    Limit,
}

/// A contender that may be set up.
pub struct Entry {
    /// Its name, which `--only` selects it by.
    pub name: &'static str,
    /// The packages whose versions the report states.
    pub packages: &'static [&'static str],
    /// What it is.
    pub kind: Kind,
}

/// Every contender, in the order of the columns.
pub const ROSTER: [Entry; 9] = [
    Entry { name: "lucent", packages: &["lucent-postgres"], kind: Kind::Lucent },
    Entry { name: "cqrs-es", packages: &["cqrs-es", "postgres-es"], kind: Kind::Framework },
    Entry { name: "esrs", packages: &["esrs"], kind: Kind::Framework },
    Entry { name: "evento", packages: &["evento"], kind: Kind::Framework },
    Entry {
        name: "disintegrate",
        packages: &["disintegrate", "disintegrate-postgres"],
        kind: Kind::Framework,
    },
    Entry { name: "eventually", packages: &[], kind: Kind::Framework },
    Entry { name: "umadb", packages: &["umadb-client"], kind: Kind::Server },
    Entry { name: "insert", packages: &["tokio-postgres"], kind: Kind::Limit },
    Entry { name: "group-commit", packages: &["tokio-postgres"], kind: Kind::Limit },
];

impl Entry {
    /// Sets the contender up.
    pub async fn open(&self, setup: &Setup) -> Result<Box<dyn Contender>, Fault> {
        match self.name {
            "lucent" => lucent::open(setup).await,
            "cqrs-es" => cqrs_es::open(setup).await,
            "esrs" => esrs::open(setup).await,
            "evento" => evento::open(setup).await,
            "disintegrate" => disintegrate::open(setup).await,
            #[cfg(feature = "umadb")]
            "umadb" => umadb::open(setup).await,
            #[cfg(not(feature = "umadb"))]
            "umadb" => Err(Fault::Absent("its client does not build without `protoc`")),
            "eventually" => Err(Fault::Absent(
                "eventually-postgres 0.2.0 does not build as published: it needs refinery 0.3, which \
                 no serde since 1.0.119 compiles with",
            )),
            "insert" => bare::open(setup).await,
            "group-commit" => group_commit::open(setup).await,
            other => Err(Fault::broken(format!("nobody sets up `{other}`"))),
        }
    }
}

/// One statement of a read model in SQL, for the contenders whose handlers bring their own.
pub const PAY_IN: &str = "INSERT INTO balances (account, balance, deposits) VALUES ($1, $2, 1) \
    ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance, \
    deposits = balances.deposits + 1";

/// The table of that read model.
pub const BALANCES: &str = "CREATE TABLE IF NOT EXISTS balances (account text PRIMARY KEY, \
    balance bigint NOT NULL, deposits bigint NOT NULL)";
