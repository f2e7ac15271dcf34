//! From a name in a module to the type it means.
//!
//! Invariant: in doubt there is no answer. A type that is not found is an opaque name, which is
//! what a type of another crate is too.

use super::{Survey, TypeDef};

impl Survey {
    /// The type that a path means in a module of a crate.
    pub(crate) fn lookup(
        &self,
        path: &syn::Path,
        crate_name: &str,
        module: &[String],
    ) -> Option<usize> {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.lookup_segments(&segments, crate_name, module)
    }

    /// The same for a path that is taken apart already.
    pub(crate) fn lookup_segments(
        &self,
        segments: &[String],
        crate_name: &str,
        module: &[String],
    ) -> Option<usize> {
        let first = segments.first()?;
        let imported = self
            .imports
            .get(&(crate_name.to_owned(), module.to_vec()))
            .into_iter()
            .flatten()
            .find(|(name, _)| name == first);
        let whole: Vec<&String> = match imported {
            Some((_, path)) => path.iter().chain(&segments[1..]).collect(),
            None => segments.iter().collect(),
        };
        let (last, before) = whole.split_last()?;
        let named: Vec<usize> = self.by_name.get(*last)?.clone();
        if before.is_empty() {
            let here = |def: &TypeDef| def.crate_name == crate_name && def.module == module;
            if let Some(found) = self.only(&named, here) {
                return Some(found);
            }
        }
        // `crate::account::Account` is in a module whose path ends in `account`.
        let tail: Vec<&str> = before
            .iter()
            .map(|segment| segment.as_str())
            .filter(|segment| !matches!(*segment, "" | "crate" | "self" | "super"))
            .collect();
        let under = |def: &TypeDef| {
            let whole: Vec<&str> =
                std::iter::once(&def.crate_name).chain(&def.module).map(String::as_str).collect();
            whole.ends_with(&tail)
        };
        let same_crate = |def: &TypeDef| def.crate_name == crate_name;
        let of_package = |def: &TypeDef| {
            self.types
                .iter()
                .any(|other| other.package == def.package && other.crate_name == crate_name)
        };
        if !tail.is_empty()
            && let Some(found) = self
                .only(&named, |def| under(def) && same_crate(def))
                .or_else(|| self.only(&named, under))
        {
            return Some(found);
        }
        let foreign = tail.first().is_some_and(|root| FOREIGN.contains(root));
        if foreign {
            return None;
        }
        self.only(&named, same_crate)
            .or_else(|| self.only(&named, of_package))
            .or_else(|| self.only(&named, |_| true))
    }

    /// Where a definition stands in the list.
    pub(crate) fn index_of(&self, def: &TypeDef) -> Option<usize> {
        let named = self.by_name.get(&def.ident)?;
        named.iter().copied().find(|index| self.types[*index].place == def.place)
    }

    fn only(&self, among: &[usize], holds: impl Fn(&TypeDef) -> bool) -> Option<usize> {
        let mut found = among.iter().copied().filter(|index| holds(&self.types[*index]));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }
}

/// Roots under which no type of the workspace stands.
const FOREIGN: [&str; 4] = ["std", "core", "alloc", "lucent_core"];
