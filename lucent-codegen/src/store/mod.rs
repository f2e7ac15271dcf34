//! Files on disk and their facts, kept between two builds.
//!
//! Invariant: a file is skimmed only if its content is new. A file that is broken now keeps the
//! facts it had when it was whole, so that rustc reports the mistake and nothing else fails.

pub(crate) mod codec;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::skim::{Scope, skim};
use crate::walk::Sources;

use codec::{hash, record, seal, unseal};

/// The files of one build.
#[derive(Debug)]
pub(crate) struct Disk {
    cache: PathBuf,
    /// What the last build knew.
    known: BTreeMap<String, Entry>,
    /// What this build has read.
    read: BTreeMap<PathBuf, Option<Read>>,
    skimmed: usize,
}

#[derive(Clone, Debug)]
struct Read {
    hash: u64,
    facts: Rc<Scope>,
}

#[derive(Debug)]
struct Entry {
    path: String,
    hash: u64,
    facts: Scope,
}

record!(Entry { path, hash, facts });

impl Disk {
    /// Opens the facts of the last build; a missing or damaged cache is an empty one.
    pub(crate) fn open(out_dir: &Path) -> Self {
        let cache = out_dir.join("lucent_facts.cache");
        let entries: Vec<Entry> =
            std::fs::read(&cache).ok().and_then(|bytes| unseal(HEADER, &bytes)).unwrap_or_default();
        Self {
            cache,
            known: entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect(),
            read: BTreeMap::new(),
            skimmed: 0,
        }
    }

    /// Knows nothing, and must not be saved.
    pub(crate) fn without_cache() -> Self {
        Self { cache: PathBuf::new(), known: BTreeMap::new(), read: BTreeMap::new(), skimmed: 0 }
    }

    /// How many files were skimmed because their content was new.
    pub(crate) fn skimmed(&self) -> usize {
        self.skimmed
    }

    /// How many files this build has read.
    pub(crate) fn files(&self) -> usize {
        self.read.values().flatten().count()
    }

    /// Keeps the facts for the next build. A failure costs only time.
    pub(crate) fn save(mut self) {
        let entries: Vec<Entry> = std::mem::take(&mut self.read)
            .into_iter()
            .filter_map(|(path, read)| {
                let read = read?;
                Some(Entry {
                    path: path.to_str()?.to_owned(),
                    hash: read.hash,
                    facts: Rc::unwrap_or_clone(read.facts),
                })
            })
            .collect();
        if self.skimmed == 0 && entries.len() == self.known_at_start() {
            return;
        }
        if let Err(error) = std::fs::write(&self.cache, seal(HEADER, &entries)) {
            println!("cargo::warning=lucent-codegen keeps no cache: {error}");
        }
    }

    fn known_at_start(&self) -> usize {
        self.known.len()
    }

    fn load(&mut self, file: &Path) -> Option<Read> {
        let bytes = std::fs::read(file).ok()?;
        let hash = hash(&bytes);
        let known = file.to_str().and_then(|path| self.known.get(path));
        if let Some(known) = known
            && known.hash == hash
        {
            return Some(Read { hash, facts: Rc::new(known.facts.clone()) });
        }
        self.skimmed += 1;
        let facts = match std::str::from_utf8(&bytes).ok().map(skim) {
            Some(Ok(facts)) => facts,
            _ => known.map(|known| known.facts.clone()).unwrap_or_default(),
        };
        Some(Read { hash, facts: Rc::new(facts) })
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
const HEADER: &str = concat!("lucent facts 1 of ", env!("CARGO_PKG_VERSION"), "\n");
