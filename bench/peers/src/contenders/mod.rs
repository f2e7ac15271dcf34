//! The contenders, and how each one is set up.

mod bare;
#[cfg(feature = "frameworks")]
mod frameworks;
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
    #[cfg_attr(not(feature = "frameworks"), expect(dead_code, reason = "frameworks have pools"))]
    pub pool: u32,
    /// An empty folder of its own, for those that are servers themselves.
    #[cfg_attr(not(feature = "umadb"), expect(dead_code, reason = "UmaDB is a server itself"))]
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
            #[cfg(feature = "umadb")]
            "umadb" => umadb::open(setup).await,
            #[cfg(not(feature = "umadb"))]
            "umadb" => Err(Fault::Absent("its client does not build without `protoc`")),
            "insert" => bare::open(setup).await,
            "group-commit" => group_commit::open(setup).await,
            #[cfg(feature = "frameworks")]
            framework => frameworks::open(framework, setup).await,
            #[cfg(not(feature = "frameworks"))]
            _ => Err(Fault::Absent("this program was built without the frameworks")),
        }
    }
}
