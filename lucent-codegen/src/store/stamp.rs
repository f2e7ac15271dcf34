//! Whether anything happened since the last scan that could change what it wrote.
//!
//! Invariant: in doubt there is a whole scan. A file counts as unchanged by its length and time only
//! if it was written well before the stamps were; otherwise its content decides. A file with other
//! content changes nothing if its facts are the same, lines aside, which no output holds.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::codec::{hash, record, seal, unseal};
use super::{Disk, Print};
use crate::cfg::Environment;
use crate::package::Package;
use crate::scan::Summary;
use crate::skim::skim;

/// What the last scan read and wrote.
#[derive(Debug)]
struct Stamps {
    /// Of the package, the conditions and this crate's version.
    key: u64,
    files: Vec<Stamp>,
    /// Files that were looked for and not found.
    absent: Vec<String>,
    outputs: Vec<Time>,
    watched: Vec<PathBuf>,
    functions: u64,
}

/// A file that was read.
#[derive(Debug)]
struct Stamp {
    time: Time,
    content: u64,
    print: Print,
}

/// A file by its length and its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Time {
    path: String,
    length: u64,
    nanoseconds: u64,
}

record!(Stamps { key, files, absent, outputs, watched, functions });
record!(Stamp { time, content, print });
record!(Time { path, length, nanoseconds });

/// What a scan would do, if it would write nothing.
pub(crate) fn recall(
    package: &Package,
    environment: &Environment,
    out_dir: &Path,
) -> Option<Summary> {
    let path = out_dir.join(NAME);
    let mut stamps: Stamps = unseal(HEADER, &std::fs::read(&path).ok()?)?;
    let written = Time::of(&path)?.nanoseconds;
    if stamps.key != key(package, environment)
        || stamps.absent.iter().any(|path| Path::new(path).exists())
        || stamps
            .outputs
            .iter()
            .any(|known| Time::of(Path::new(&known.path)).as_ref() != Some(known))
    {
        return None;
    }
    let mut skimmed = 0;
    let mut moved = false;
    for stamp in &mut stamps.files {
        let time = Time::of(Path::new(&stamp.time.path))?;
        let settled = time.nanoseconds.saturating_add(SETTLED) <= written;
        if time == stamp.time && settled {
            continue;
        }
        let bytes = std::fs::read(&stamp.time.path).ok()?;
        let content = hash(&bytes);
        if content != stamp.content {
            skimmed += 1;
            // A broken file keeps the facts that it had.
            if let Some(Ok(mut facts)) = std::str::from_utf8(&bytes).ok().map(skim)
                && Print::of(&mut facts) != stamp.print
            {
                return None;
            }
            stamp.content = content;
            moved = true;
        }
        if time != stamp.time {
            stamp.time = time;
            moved = true;
        }
    }
    if moved {
        // If this fails, the next scan looks again.
        std::fs::write(path, seal(HEADER, &stamps)).ok();
    }
    Some(Summary {
        files: stamps.files.len(),
        skimmed,
        functions: usize::try_from(stamps.functions).ok()?,
        mistakes: 0,
        unregistered: Vec::new(),
        written: Vec::new(),
        watched: stamps.watched,
    })
}

/// Remembers a whole scan. Mistakes name lines, so a scan that found some is not remembered.
pub(crate) fn keep(
    package: &Package,
    environment: &Environment,
    out_dir: &Path,
    disk: &Disk,
    outputs: &[PathBuf],
    summary: &Summary,
) -> io::Result<()> {
    let path = out_dir.join(NAME);
    let stamps = (summary.mistakes == 0).then(|| {
        let (mut files, mut absent) = (Vec::new(), Vec::new());
        for (file, read) in &disk.read {
            match read {
                None => absent.push(file.to_str()?.to_owned()),
                Some(read) => files.push(Stamp {
                    time: read.time.clone()?,
                    content: read.hash,
                    print: read.print.clone(),
                }),
            }
        }
        let outputs = outputs.iter().map(|output| Time::of(output)).collect::<Option<_>>()?;
        Some(Stamps {
            key: key(package, environment),
            files,
            absent,
            outputs,
            watched: summary.watched.clone(),
            functions: summary.functions as u64,
        })
    });
    match stamps.flatten() {
        Some(stamps) => std::fs::write(path, seal(HEADER, &stamps)),
        None if path.exists() => std::fs::remove_file(path),
        None => Ok(()),
    }
}

fn key(package: &Package, environment: &Environment) -> u64 {
    let mut text = format!("{package:?}");
    for (name, value) in environment.iter() {
        text.push_str(&format!("\n{name}={value}"));
    }
    hash(text.as_bytes())
}

impl Time {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self {
            path: path.to_str()?.to_owned(),
            length: metadata.len(),
            nanoseconds: u64::try_from(since.as_nanos()).ok()?,
        })
    }
}

/// Files that are older than the stamps by these nanoseconds were not written again at the same time.
const SETTLED: u64 = 2_000_000_000;

const NAME: &str = "lucent_stamps.cache";

const HEADER: &str = concat!("lucent stamps 2 of ", env!("CARGO_PKG_VERSION"), "\n");
