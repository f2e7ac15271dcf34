//! Replays prices through a moving-average strategy, and reports what came of it.

mod cli;
mod command;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    let options = cli::Options::parse();
    match command::run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}
