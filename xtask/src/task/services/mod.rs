//! `cargo xtask services`: the servers that tests and examples need.
//!
//! Invariant: a server that a test needs is a variant of [`Service`]. Tests start servers of their own
//! only to do them harm, with programs that are there because of a variant.

mod pgbouncer;
mod postgres;

use crate::{Failure, Workspace};

/// A server that tests need.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Service {
    PgBouncer,
    Postgres,
}

/// What had to be done for a server to answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Up {
    /// It answered already, or is somebody else's.
    Already,
    Started,
}

impl Service {
    /// Every server, in the order in which they are started.
    const ALL: [Self; 2] = [Self::Postgres, Self::PgBouncer];

    fn name(self) -> &'static str {
        match self {
            Self::PgBouncer => "PgBouncer",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// Starts the server, unless it runs, and returns once it answers.
    fn up(self, workspace: &Workspace) -> Result<Up, Failure> {
        match self {
            Self::PgBouncer => pgbouncer::up(),
            Self::Postgres => postgres::up(workspace),
        }
    }

    /// Stops the server, if it runs.
    fn down(self, workspace: &Workspace) -> Result<(), Failure> {
        match self {
            Self::PgBouncer => Ok(()),
            Self::Postgres => postgres::down(workspace),
        }
    }

    /// Says where the server answers, or that it does not.
    fn status(self, workspace: &Workspace) -> Result<String, Failure> {
        match self {
            Self::PgBouncer => Ok(pgbouncer::status()),
            Self::Postgres => postgres::status(workspace),
        }
    }
}

/// Starts, stops or reports every server.
pub(super) fn run(workspace: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let [verb] = arguments else {
        let message = "`services` takes one of up|down|status";
        return Err(Failure::Usage(message.to_owned()));
    };
    let act: fn(Service, &Workspace) -> Result<(), Failure> = match verb.as_str() {
        "up" => |service, workspace| service.up(workspace).map(drop),
        "down" => Service::down,
        "status" => |_, _| Ok(()),
        _ => {
            let message = format!("`services` takes one of up|down|status, not `{verb}`");
            return Err(Failure::Usage(message));
        }
    };
    for service in Service::ALL {
        act(service, workspace)?;
        println!("{}: {}", service.name(), service.status(workspace)?);
    }
    Ok(())
}

/// Runs work that needs the servers; stops those that it had to start.
pub(super) fn with_all(
    workspace: &Workspace,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut started = Vec::new();
    let outcome = start_all(workspace, &mut started).and_then(|()| work());
    let stopped = started.into_iter().rev().try_for_each(|service| service.down(workspace));
    outcome.and(stopped)
}

fn start_all(workspace: &Workspace, started: &mut Vec<Service>) -> Result<(), Failure> {
    for service in Service::ALL {
        println!("\n==> {}", service.name());
        if service.up(workspace)? == Up::Started {
            started.push(service);
        }
        println!("<== {}: {}", service.name(), service.status(workspace)?);
    }
    Ok(())
}
