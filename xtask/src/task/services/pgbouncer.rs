//! PgBouncer, which tests start themselves in front of the PostgreSQL server.
//!
//! Invariant: once it is up, its program is there; it does not run between tests.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Up, postgres};
use crate::Failure;

/// Installs the program from Debian's packages, unless it is there.
pub(super) fn up() -> Result<Up, Failure> {
    if program().is_some() {
        return Ok(Up::Already);
    }
    let ways_out = "install it (on Debian and Ubuntu `apt-get install pgbouncer`), or put the program \
                    `pgbouncer` on the PATH";
    postgres::install_package("PgBouncer", "pgbouncer", ways_out)?;
    match program() {
        Some(_) => Ok(Up::Already),
        None => {
            Err(Failure::Setup(format!("the package `pgbouncer` brought no program: {ways_out}")))
        }
    }
}

pub(super) fn status() -> String {
    let Some(program) = program() else { return "not installed".to_owned() };
    let version = Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = version.unwrap_or_default();
    let version = version.lines().next().unwrap_or_default();
    format!("{} ({version})", program.display())
}

/// Debian keeps it where only administrators look for programs.
fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain([Path::new("/usr/sbin").to_owned()]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.exists())
}
