//! How the functions of one target change.
//!
//! Invariant: afterwards the names are sorted and no two functions have one mark or one variant.

use std::collections::BTreeSet;

use super::memory::{Known, mark_of, variant_of};
use super::splice::{Step, applied, steps};
use crate::emit::Rendered;
use crate::resolve::{Listed, Model};
use crate::store::Changed;

/// The new functions of a target, and where they go.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) model: Model,
    /// The file of each function of the model.
    files: Vec<u32>,
    /// From the old functions to the new ones.
    pub(super) steps: Vec<Step>,
    removes: bool,
}

/// A function of a changed file.
#[derive(Debug)]
pub(super) struct Fresh {
    /// The number of the file.
    pub(super) number: u32,
    pub(super) listed: Listed,
}

impl Edit {
    /// Exchanges the functions of the changed files for the fresh ones; `None` if that takes a whole scan.
    pub(super) fn of(known: &Known, changed: &[Changed], mut fresh: Vec<Fresh>) -> Option<Self> {
        let removed = removed(known, changed);
        fresh.sort_by(|a, b| a.listed.function.name.cmp(&b.listed.function.name));
        let changes = !removed.is_empty() || !fresh.is_empty();
        let left = known.names.len() - removed.len();
        // A registry without functions is written a little differently.
        if changes && (known.names.is_empty() || left + fresh.len() == 0) {
            return None;
        }
        let marks: Vec<u64> = fresh.iter().map(|fresh| mark_of(&fresh.listed)).collect();
        let variants: Vec<u64> = fresh.iter().map(|fresh| variant_of(&fresh.listed)).collect();
        if !are_unique(&known.marks, &removed, &marks)
            || !are_unique(&known.variants, &removed, &variants)
        {
            return None;
        }
        let inserted: Vec<usize> = fresh
            .iter()
            .map(|fresh| known.names.partition_point(|name| *name < fresh.listed.function.name))
            .collect();
        let steps = steps(&removed, &inserted, known.names.len());
        let (files, functions) = fresh.into_iter().map(|it| (it.number, it.listed)).unzip();
        let model = Model { functions, ..Model::default() };
        Some(Self { model, files, steps, removes: !removed.is_empty() })
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.removes && self.model.functions.is_empty()
    }

    /// The pieces of the new functions, if there are any.
    pub(super) fn render(&self, render: impl Fn(&Model) -> Rendered) -> Option<Rendered> {
        (!self.model.functions.is_empty()).then(|| render(&self.model))
    }

    /// Remembers the new functions.
    pub(super) fn apply(self, known: &mut Known) {
        let functions = &self.model.functions;
        let names = functions.iter().map(|listed| listed.function.name.clone()).collect();
        let marks = functions.iter().map(mark_of).collect();
        let variants = functions.iter().map(variant_of).collect();
        known.names = applied(&self.steps, std::mem::take(&mut known.names), names);
        known.marks = applied(&self.steps, std::mem::take(&mut known.marks), marks);
        known.variants = applied(&self.steps, std::mem::take(&mut known.variants), variants);
        known.files = applied(&self.steps, std::mem::take(&mut known.files), self.files);
    }
}

/// The functions of the changed files, as they were.
fn removed(known: &Known, changed: &[Changed]) -> Vec<usize> {
    let numbers: BTreeSet<usize> = changed.iter().map(|change| change.number).collect();
    let mut removed = Vec::new();
    for (index, file) in known.files.iter().enumerate() {
        if numbers.contains(&(*file as usize)) {
            removed.push(index);
        }
    }
    removed
}

/// Whether each fresh hash is there once only; 0 is none.
fn are_unique(known: &[u64], removed: &[usize], fresh: &[u64]) -> bool {
    let fresh: Vec<u64> = fresh.iter().copied().filter(|&hash| hash != 0).collect();
    let distinct: BTreeSet<u64> = fresh.iter().copied().collect();
    if distinct.len() < fresh.len() {
        return false;
    }
    let mut removed = removed.iter().peekable();
    for (index, hash) in known.iter().enumerate() {
        if removed.next_if(|&&removed| removed == index).is_none() && distinct.contains(hash) {
            return false;
        }
    }
    true
}
