//! Files on disk and their facts, kept between two builds.
//!
//! Invariant: a file is skimmed only if its content is new. A file that is broken now keeps the
//! facts it had when it was whole, so that rustc reports the mistake and nothing else fails. What a
//! patch learned is kept in a file beside, until all is kept anew.

pub(crate) mod codec;
mod print;
pub(crate) mod stamp;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::skim::{Scope, skim};
use crate::walk::Sources;

use codec::{hash, record, seal, unseal};
pub(crate) use print::Print;
use stamp::Time;

/// The files of one build.
#[derive(Debug)]
pub(crate) struct Disk {
    cache: PathBuf,
    /// What was learned since the cache was written.
    changed: PathBuf,
    /// What the last build knew.
    known: BTreeMap<String, Entry>,
    /// What this build has read.
    read: BTreeMap<PathBuf, Option<Read>>,
    skimmed: usize,
}

#[derive(Clone, Debug)]
struct Read {
    time: Option<Time>,
    hash: u64,
    print: Print,
    facts: Rc<Scope>,
}

#[derive(Debug)]
struct Entry {
    path: String,
    hash: u64,
    print: Print,
    facts: Rc<Scope>,
}

record!(Entry { path, hash, print, facts });

/// A file whose functions may be others than in the last scan.
#[derive(Debug)]
pub(crate) struct Changed {
    /// Its place among the files of the last scan.
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) hash: u64,
    pub(crate) print: Print,
    pub(crate) facts: Rc<Scope>,
}

/// Keeps the facts of patched files; `None` if they are so many that all should be kept anew.
pub(crate) fn keep_changed(out_dir: &Path, changed: Vec<Changed>) -> Option<()> {
    let path = out_dir.join(CHANGED);
    let mut entries = entries(&path);
    for Changed { path, hash, print, facts, .. } in changed {
        entries.retain(|entry| entry.path != path);
        entries.push(Entry { path, hash, print, facts });
    }
    if entries.len() > MOST_CHANGED {
        return None;
    }
    std::fs::write(path, seal(HEADER, &entries)).ok()
}

/// A missing or damaged cache is an empty one.
fn entries(path: &Path) -> Vec<Entry> {
    std::fs::read(path).ok().and_then(|bytes| unseal(HEADER, &bytes)).unwrap_or_default()
}

impl Disk {
    /// Opens the facts of the last build.
    pub(crate) fn open(out_dir: &Path) -> Self {
        let (cache, changed) = (out_dir.join("lucent_facts.cache"), out_dir.join(CHANGED));
        let entries = entries(&cache).into_iter().chain(entries(&changed));
        Self {
            known: entries.map(|entry| (entry.path.clone(), entry)).collect(),
            cache,
            changed,
            read: BTreeMap::new(),
            skimmed: 0,
        }
    }

    /// Knows nothing, and must not be saved.
    pub(crate) fn without_cache() -> Self {
        Self {
            cache: PathBuf::new(),
            changed: PathBuf::new(),
            known: BTreeMap::new(),
            read: BTreeMap::new(),
            skimmed: 0,
        }
    }

    /// The file that keeps the facts.
    pub(crate) fn cache_file(&self) -> PathBuf {
        self.cache.clone()
    }

    /// How many files were skimmed because their content was new.
    pub(crate) fn skimmed(&self) -> usize {
        self.skimmed
    }

    /// How many files this build has read.
    pub(crate) fn files(&self) -> usize {
        self.read.values().flatten().count()
    }

    /// The files that are there, in the order of their paths.
    pub(crate) fn present(&self) -> impl Iterator<Item = &Path> {
        self.read.iter().filter(|(_, read)| read.is_some()).map(|(path, _)| path.as_path())
    }

    /// Whether a file has an `include!` in place of an item.
    pub(crate) fn includes(&self, file: &Path) -> bool {
        let read = self.read.get(file).and_then(Option::as_ref);
        read.is_some_and(|read| read.facts.includes_something())
    }

    /// Keeps the facts for the next build. A failure costs only time.
    pub(crate) fn save(&mut self) {
        if self.skimmed == 0 && self.files() == self.known_at_start() {
            return;
        }
        let entries: Vec<Entry> = self
            .read
            .iter()
            .filter_map(|(path, read)| {
                let read = read.as_ref()?;
                Some(Entry {
                    path: path.to_str()?.to_owned(),
                    hash: read.hash,
                    print: read.print.clone(),
                    facts: Rc::clone(&read.facts),
                })
            })
            .collect();
        if let Err(error) = std::fs::write(&self.cache, seal(HEADER, &entries)) {
            println!("cargo::warning=lucent-codegen keeps no cache: {error}");
        }
        // It is mostly not there. Where it cannot go, what it says of a file counts only as long as
        // the file is broken.
        std::fs::remove_file(&self.changed).ok();
    }

    fn known_at_start(&self) -> usize {
        self.known.len()
    }

    fn load(&mut self, file: &Path) -> Option<Read> {
        let time = Time::of(file);
        let bytes = std::fs::read(file).ok()?;
        let hash = hash(&bytes);
        let known = file.to_str().and_then(|path| self.known.get(path));
        if let Some(known) = known
            && known.hash == hash
        {
            let (print, facts) = (known.print.clone(), Rc::clone(&known.facts));
            return Some(Read { time, hash, print, facts });
        }
        self.skimmed += 1;
        let mut facts = match std::str::from_utf8(&bytes).ok().map(skim) {
            Some(Ok(facts)) => facts,
            _ => known.map(|known| (*known.facts).clone()).unwrap_or_default(),
        };
        let print = Print::of(&mut facts);
        Some(Read { time, hash, print, facts: Rc::new(facts) })
    }
}

impl Sources for Disk {
    fn facts(&mut self, file: &Path) -> Option<Rc<Scope>> {
        if !self.read.contains_key(file) {
            let read = self.load(file);
            self.read.insert(file.to_path_buf(), read);
        }
        let read = self.read.get(file)?.as_ref()?;
        Some(Rc::clone(&read.facts))
    }

    fn identity(&self, file: &Path) -> PathBuf {
        std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf())
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }
}

/// Names the format; a new version of this crate starts with an empty cache.
const HEADER: &str = concat!("lucent facts 4 of ", env!("CARGO_PKG_VERSION"), "\n");

/// The facts that patches learned.
const CHANGED: &str = "lucent_changed.cache";

/// More facts are kept with the others.
const MOST_CHANGED: usize = 100;
