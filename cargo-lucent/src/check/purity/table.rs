//! Which paths lead out of the functional core.
//!
//! Invariant: a path is compared whole, after the imports of its module; what is not listed here is
//! taken to be pure.

use crate::diagnostic::Code;

/// A kind of impurity, as it is called in exceptions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Impurity {
    pub(super) code: Code,
    /// The name in `// lucent: allow(…)`.
    pub(super) name: &'static str,
    /// Completes "the functional core …".
    pub(super) does: &'static str,
    pub(super) way_out: &'static str,
}

/// What a whole path leads to.
pub(super) fn impurity(path: &[String]) -> Option<Impurity> {
    let is = |listed: &str| {
        let mut segments = listed.split("::");
        let mut path = path.iter();
        segments.all(|segment| path.next().is_some_and(|found| found == segment))
    };
    let ends = |listed: &str| {
        listed.split_once("::").is_some_and(
            |(of, name)| matches!(path, [.., before, last] if before == of && last == name),
        )
    };
    STARTS
        .iter()
        .find(|(_, paths)| paths.iter().any(|listed| is(listed)))
        .or_else(|| ENDS.iter().find(|(_, paths)| paths.iter().any(|listed| ends(listed))))
        .map(|(impurity, _)| *impurity)
}

pub(super) const CLOCK: Impurity = Impurity {
    code: Code::CLOCK,
    name: "clock",
    does: "reads a clock",
    way_out: "take the time from what is given: `context.now()` of a `context: &CommandContext`, `at.recorded_at` of an `at: &RecordedEvent`",
};

pub(super) const RANDOM: Impurity = Impurity {
    code: Code::RANDOM,
    name: "random",
    does: "draws a random number",
    way_out: "draw it in the shell and put it into the command; for a new id, take `context.id(…)` of a `context: &CommandContext`",
};

pub(super) const FILES: Impurity = Impurity {
    code: Code::FILES,
    name: "files",
    does: "uses files",
    way_out: "read it in the shell and pass the content; `include_str!` is read when the program is built, and pure",
};

pub(super) const NETWORK: Impurity = Impurity {
    code: Code::NETWORK,
    name: "network",
    does: "uses the network",
    way_out: "ask in the shell and put the answer into the command; react to an event with an `#[event_handler]`",
};

pub(super) const ENVIRONMENT: Impurity = Impurity {
    code: Code::ENVIRONMENT,
    name: "environment",
    does: "uses the process and its environment",
    way_out: "read it in the shell and pass it as an argument; `env!` is read when the program is built, and pure",
};

pub(super) const THREADS: Impurity = Impurity {
    code: Code::THREADS,
    name: "threads",
    does: "uses threads or tasks",
    way_out: "compute it here, or let the shell run it",
};

pub(super) const UNSAFE: Impurity = Impurity {
    code: Code::UNSAFE,
    name: "unsafe",
    does: "has unsafe code",
    way_out: "move it behind a safe function of another module",
};

pub(super) const HASH_ORDER: Impurity = Impurity {
    code: Code::HASH_ORDER,
    name: "hash-order",
    does: "depends on the order of a hash table, which differs from run to run",
    way_out: "use a `BTreeMap` or a `BTreeSet`, or end the chain in something that does not care, such as `count` or `all`",
};

/// Paths that begin so.
const STARTS: &[(Impurity, &[&str])] = &[
    (
        CLOCK,
        &[
            "std::time::Instant::now",
            "std::time::SystemTime::now",
            "std::time::UNIX_EPOCH::elapsed",
            "tokio::time",
            "time::Instant",
        ],
    ),
    (
        RANDOM,
        &[
            "fastrand",
            "getrandom",
            "rand",
            "std::collections::hash_map::RandomState",
            "std::hash::RandomState",
        ],
    ),
    (FILES, &["async_std::fs", "std::fs", "tempfile", "tokio::fs"]),
    (
        NETWORK,
        &[
            "hyper",
            "reqwest",
            "std::net::TcpListener",
            "std::net::TcpStream",
            "std::net::UdpSocket",
            "std::os::unix::net",
            "tokio::net",
            "ureq",
        ],
    ),
    (
        ENVIRONMENT,
        &[
            "std::env",
            "std::io::stderr",
            "std::io::stdin",
            "std::io::stdout",
            "std::process",
            "tokio::process",
        ],
    ),
    (
        THREADS,
        &[
            "async_std::task",
            "rayon",
            "std::sync::mpsc",
            "std::thread",
            "tokio::spawn",
            "tokio::task",
        ],
    ),
];

/// Paths that end so, wherever their type comes from: preludes re-export some of these.
const ENDS: &[(Impurity, &[&str])] = &[
    (
        CLOCK,
        &[
            "Instant::now",
            "Local::now",
            "OffsetDateTime::now_local",
            "OffsetDateTime::now_utc",
            "SystemTime::now",
            "Timestamp::now",
            "Utc::now",
            "Zoned::now",
        ],
    ),
    (RANDOM, &["RandomState::new", "Uuid::new_v4", "Uuid::now_v1", "Uuid::now_v6", "Uuid::now_v7"]),
    (FILES, &["File::create", "File::open", "OpenOptions::new"]),
    (NETWORK, &["TcpListener::bind", "TcpStream::connect", "UdpSocket::bind"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(path: &str) -> Option<&'static str> {
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        impurity(&path).map(|found| found.name)
    }

    #[test]
    fn paths_lead_where_they_lead() {
        assert_eq!(name("std::time::SystemTime::now"), Some("clock"));
        assert_eq!(name("Timestamp::now"), Some("clock"));
        assert_eq!(name("lucent_core::prelude::Uuid::now_v7"), Some("random"));
        assert_eq!(name("std::fs::read"), Some("files"));
        assert_eq!(name("std::env::var"), Some("environment"));
        assert_eq!(name("std::time::Duration::from_secs"), None);
        assert_eq!(name("std::net::IpAddr::from"), None);
        assert_eq!(name("Timestamp::from_second"), None);
        assert_eq!(name("randomly"), None);
    }
}
