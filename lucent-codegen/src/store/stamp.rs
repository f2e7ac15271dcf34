//! Whether anything happened since the last scan that could change what it wrote.
//!
//! Invariant: in doubt there is a whole scan. A file counts as unchanged by its length and time only
//! if it was written well before the stamps were; otherwise its content decides. A file with other
//! content changes nothing if its facts are the same, lines aside, which no output holds. If only its
//! functions and imports are others, what was written can be patched.

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::UNIX_EPOCH;

use super::codec::{hash, record, seal, unseal};
use super::{Changed, Disk, Print};
use crate::cfg::Environment;
use crate::package::Package;
use crate::patch::Patched;
use crate::scan::Summary;
use crate::skim::skim;

/// What the last scan read and wrote.
#[derive(Debug)]
struct Stamps {
    /// Of the package, the conditions and the program that scans.
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

/// The last scan, and what has changed since.
#[derive(Debug)]
pub(crate) struct Recall {
    path: PathBuf,
    stamps: Stamps,
    skimmed: usize,
    moved: bool,
    /// The files whose functions may be others now.
    pub(crate) changed: Vec<Changed>,
}

/// Recalls the last scan, unless so much has changed that another whole one is needed.
pub(crate) fn recall(
    package: &Package,
    environment: &Environment,
    out_dir: &Path,
) -> Option<Recall> {
    let path = out_dir.join(NAME);
    let stamps: Stamps = unseal(HEADER, &std::fs::read(&path).ok()?)?;
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
    let mut recall = Recall { path, stamps, skimmed: 0, moved: false, changed: Vec::new() };
    for number in 0..recall.stamps.files.len() {
        recall.look(number, written)?;
    }
    Some(recall)
}

impl Recall {
    /// Looks at a file; `None` if it may be mounted, or mount others, in another way than it was.
    fn look(&mut self, number: usize, written: u64) -> Option<()> {
        let stamp = &mut self.stamps.files[number];
        let time = Time::of(Path::new(&stamp.time.path))?;
        let settled = time.nanoseconds.saturating_add(SETTLED) <= written;
        if time == stamp.time && settled {
            return Some(());
        }
        let bytes = std::fs::read(&stamp.time.path).ok()?;
        let hash = hash(&bytes);
        if hash != stamp.content {
            self.skimmed += 1;
            // A broken file keeps the facts that it had.
            if let Some(Ok(mut facts)) = std::str::from_utf8(&bytes).ok().map(skim) {
                let print = Print::of(&mut facts);
                if print.frame != stamp.print.frame {
                    return None;
                }
                if print != stamp.print {
                    let (path, facts) = (stamp.time.path.clone(), Rc::new(facts));
                    stamp.print = print.clone();
                    self.changed.push(Changed { number, path, hash, print, facts });
                }
            }
            stamp.content = hash;
            self.moved = true;
        }
        if time != stamp.time {
            stamp.time = time;
            self.moved = true;
        }
        Some(())
    }

    /// How many files there are.
    pub(crate) fn files(&self) -> usize {
        self.stamps.files.len()
    }

    /// What the scan did that was left out, or that a patch was enough for.
    pub(crate) fn finish(mut self, patched: Option<Patched>) -> Option<Summary> {
        let mut functions = usize::try_from(self.stamps.functions).ok()?;
        let mut written = Vec::new();
        if let Some(patched) = patched {
            (functions, written) = (patched.functions, patched.written);
            self.stamps.functions = functions as u64;
            for output in &mut self.stamps.outputs {
                *output = Time::of(Path::new(&output.path))?;
            }
        }
        if self.moved {
            // If this fails, the next scan looks again.
            std::fs::write(self.path, seal(HEADER, &self.stamps)).ok();
        }
        Some(Summary {
            files: self.stamps.files.len(),
            skimmed: self.skimmed,
            functions,
            mistakes: 0,
            unregistered: Vec::new(),
            written,
            watched: self.stamps.watched,
            walked: false,
        })
    }
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

/// Another program, as one that was built from another state of this crate, may write something else.
fn key(package: &Package, environment: &Environment) -> u64 {
    let program = std::env::current_exe().ok().and_then(|program| Time::of(&program));
    let mut text = format!("{package:?}\n{program:?}");
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

const HEADER: &str = concat!("lucent stamps 5 of ", env!("CARGO_PKG_VERSION"), "\n");
