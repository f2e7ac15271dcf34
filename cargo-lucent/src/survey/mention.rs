//! Which types and variants a piece of code makes, and which ones it matches on.
//!
//! Invariant: what stands in a macro call counts as made and as matched, since nobody knows; so
//! that "nobody makes this" is never said in error because of a macro.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The last segments of paths, alone and with the one before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mentions {
    /// `Withdraw`, made in an expression.
    pub(crate) names: BTreeSet<String>,
    /// `(AccountEvent, Opened)`, made in an expression.
    pub(crate) pairs: BTreeSet<(String, String)>,
    /// The same in patterns.
    pub(crate) matched: BTreeSet<(String, String)>,
    /// What `Self` means.
    of: Option<String>,
}

impl Mentions {
    /// Collects from a function's body.
    pub(crate) fn of_block(block: &syn::Block) -> Self {
        let mut mentions = Self::default();
        mentions.visit_block(block);
        mentions
    }

    /// Collects from all code of a list of items that is not for tests.
    pub(crate) fn collect(&mut self, items: &[syn::Item]) {
        for item in items {
            self.visit_item(item);
        }
    }

    /// Whether a variant is made, by its name with or without that of its enum.
    pub(crate) fn makes(&self, set: &str, variant: &str) -> bool {
        self.pairs.contains(&(set.to_owned(), variant.to_owned())) || self.names.contains(variant)
    }

    /// Whether a struct is made, be it by a function of its own.
    pub(crate) fn makes_struct(&self, name: &str) -> bool {
        let from = (name.to_owned(), String::new());
        self.names.contains(name)
            || self.pairs.range(from..).next().is_some_and(|(of, _)| of == name)
    }

    fn path(&mut self, path: &syn::Path, in_pattern: bool) {
        let mut segments = path.segments.iter().rev().map(|segment| segment.ident.to_string());
        let Some(last) = segments.next() else {
            return;
        };
        let before = segments.next().map(|before| match &self.of {
            Some(of) if before == "Self" => of.clone(),
            _ => before,
        });
        match before {
            Some(before) if in_pattern => _ = self.matched.insert((before, last)),
            Some(before) => {
                self.pairs.insert((before, last.clone()));
                self.names.insert(last);
            }
            None if in_pattern => _ = self.matched.insert((String::new(), last)),
            None if last != "Self" => _ = self.names.insert(last),
            None => {}
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut before: Option<String> = None;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    let ident = ident.to_string();
                    if let (Some(before), 2) = (before.take(), colons) {
                        let before = match &self.of {
                            Some(of) if before == "Self" => of.clone(),
                            _ => before,
                        };
                        self.matched.insert((before.clone(), ident.clone()));
                        self.pairs.insert((before, ident.clone()));
                    }
                    self.names.insert(ident.clone());
                    before = Some(ident);
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.tokens(group.stream());
                    before = None;
                }
                _ => before = None,
            }
        }
    }
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !super::is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = match &*item.self_ty {
            syn::Type::Path(ty) => ty.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.of, of);
        visit::visit_item_impl(self, item);
        self.of = outer;
    }

    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_type(&mut self, _: &'ast syn::Type) {}

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.path(&path.path, false);
    }

    fn visit_expr_struct(&mut self, made: &'ast syn::ExprStruct) {
        self.path(&made.path, false);
        visit::visit_expr_struct(self, made);
    }

    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        match pattern {
            syn::Pat::Path(path) => self.path(&path.path, true),
            syn::Pat::Struct(pattern) => {
                self.path(&pattern.path, true);
                visit::visit_pat_struct(self, pattern);
            }
            syn::Pat::TupleStruct(pattern) => {
                self.path(&pattern.path, true);
                visit::visit_pat_tuple_struct(self, pattern);
            }
            _ => visit::visit_pat(self, pattern),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mentions(body: &str) -> Mentions {
        Mentions::of_block(&syn::parse_str(&format!("{{ {body} }}")).unwrap())
    }

    #[test]
    fn patterns_make_nothing() {
        let found =
            mentions("match x { E::A { .. } => E::B, E::C(_) | E::D => f(), _ => g(E::E(1)) }");
        assert!(found.makes("E", "B") && found.makes("E", "E"));
        assert!(["A", "C", "D"].iter().all(|variant| !found.makes("E", variant)));
        assert!(found.matched.contains(&("E".to_owned(), "C".to_owned())));
    }

    #[test]
    fn macro_calls_count_as_both() {
        let found = mentions("ensure!(ok, E::A); vec![account::E::B { x: Withdraw(1) }]");
        assert!(found.makes("E", "A") && found.makes("E", "B") && found.makes_struct("Withdraw"));
        assert!(found.matched.contains(&("E".to_owned(), "A".to_owned())));
    }

    #[test]
    fn a_type_is_made_by_its_own_functions_and_literals() {
        assert!(mentions("send(Withdraw { amount })").makes_struct("Withdraw"));
        assert!(mentions("Withdraw::new(3)").makes_struct("Withdraw"));
        assert!(!mentions("let w: Withdraw = get();").makes_struct("Withdraw"));
    }
}
