//! What is shown while a replay runs.
//!
//! Invariant: a bar is drawn only on a terminal, and only on standard error.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trading::replay::Progress;

/// A bar of bytes while the file is checked.
pub(crate) fn checking(bytes: u64) -> ProgressBar {
    bar(bytes, "checking  {bar:40.cyan/blue} {percent:>3} %")
}

/// A bar of rows while they are replayed.
pub(crate) fn replaying(rows: u64) -> ProgressBar {
    bar(
        rows,
        "replaying {bar:40.cyan/blue} {percent:>3} %  {human_pos}/{human_len} rows  {per_sec}  eta {eta}",
    )
}

/// A line for a batch.
pub(crate) fn print_batch(progress: Progress<'_>) {
    if let Some(through) = progress.through {
        eprintln!("followed through {through}: {} rows", progress.rows);
    }
}

fn bar(length: u64, template: &'static str) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr_with_hz(10),
        false => ProgressDrawTarget::hidden(),
    };
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    ProgressBar::with_draw_target(Some(length), target).with_style(style.progress_chars("━╸─"))
}
