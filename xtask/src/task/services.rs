//! `cargo xtask services`: the servers that tests and examples need.
//!
//! Invariant: a server that a test needs is a variant of [`Service`], and nothing else starts one.

use crate::{Failure, Workspace};

/// A server that tests need. There is none so far: the stores run in the process of the test.
enum Service {}

impl Service {
    /// Every server, in the order in which they are started.
    const ALL: [Self; 0] = [];

    fn name(&self) -> &'static str {
        match *self {}
    }

    /// Starts the server, unless it runs, and returns once it answers.
    fn up(&self) -> Result<(), Failure> {
        match *self {}
    }

    /// Stops the server, if it runs.
    fn down(&self) -> Result<(), Failure> {
        match *self {}
    }

    /// Says where the server answers, or that it does not.
    fn status(&self) -> Result<String, Failure> {
        match *self {}
    }
}

/// Starts, stops or reports every server.
pub(super) fn run(_: &Workspace, arguments: &[String]) -> Result<(), Failure> {
    let [verb] = arguments else {
        let message = "`services` takes one of up|down|status";
        return Err(Failure::Usage(message.to_owned()));
    };
    let act: fn(&Service) -> Result<(), Failure> = match verb.as_str() {
        "up" => Service::up,
        "down" => Service::down,
        "status" => report,
        _ => {
            let message = format!("`services` takes one of up|down|status, not `{verb}`");
            return Err(Failure::Usage(message));
        }
    };
    if Service::ALL.is_empty() {
        println!("No service is needed: every store of this version runs inside the process.");
    }
    Service::ALL.iter().try_for_each(act)
}

fn report(service: &Service) -> Result<(), Failure> {
    println!("{}: {}", service.name(), service.status()?);
    Ok(())
}
