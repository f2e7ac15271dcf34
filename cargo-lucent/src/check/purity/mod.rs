//! The functional core uses no clock, no chance, no files, no network, no environment, no threads,
//! no unsafe code and no order of hash tables.
//!
//! Invariant: a module is functional core iff one of its own items is a `#[command_handler]`, a
//! `#[projector]`, a `#[function]`, an `#[evolve]` function or an `impl Evolve`. Checked in it is every
//! function that is not `async`, not `main`, no query handler, no event handler and no test.

mod hash;
mod table;
mod visit;

use syn::{ImplItem, Item, TraitItem, ext::IdentExt as _};

use crate::{
    diagnostic::Diagnostic,
    survey::{Source, Survey, is_test, metas},
};

use hash::Fields;
use visit::Visitor;

/// Finds what is not pure.
pub(super) fn check(survey: &Survey) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for source in &survey.sources {
        let located = &survey.workspace.packages[source.package];
        let Some(severity) = located.config.severity("purity").filter(|_| located.is_checked())
        else {
            continue;
        };
        let fields = Fields::of(survey, source.package);
        let mut walk = Walk { survey, source, severity, fields: &fields, findings: Vec::new() };
        walk.module(&source.module, &source.file.syntax.items);
        // A file may belong to a library and to a binary.
        findings.extend(
            walk.findings
                .into_iter()
                .filter(|finding| seen.insert((finding.code, finding.place.clone()))),
        );
    }
    findings
}

/// Whether a module is functional core.
pub(super) fn is_core(survey: &Survey, source: &Source, module: &[String], items: &[Item]) -> bool {
    let annotated = survey.functions.iter().any(|function| {
        matches!(function.kind.as_str(), "command_handler" | "projector" | "function")
            && function.target == source.target
            && function.module == module
            && function.place.file == source.file.shown
    });
    annotated
        || items.iter().any(|item| match item {
            Item::Fn(item) => metas(&item.attrs)
                .iter()
                .any(|meta| meta.path().segments.last().is_some_and(|last| last.ident == "evolve")),
            Item::Impl(item) => item.trait_.as_ref().is_some_and(|(path, _)| {
                path.segments.last().is_some_and(|last| last.ident == "Evolve")
            }),
            _ => false,
        })
}

struct Walk<'a> {
    survey: &'a Survey,
    source: &'a Source,
    severity: crate::diagnostic::Severity,
    fields: &'a Fields,
    findings: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn module(&mut self, module: &[String], items: &[Item]) {
        for item in items {
            if let Item::Mod(inner) = item
                && !is_test(&inner.attrs)
                && let Some((_, items)) = &inner.content
            {
                let mut module = module.to_vec();
                module.push(inner.ident.unraw().to_string());
                self.module(&module, items);
            }
        }
        let excepted = {
            let located = &self.survey.workspace.packages[self.source.package];
            let path = module.join("::");
            located.config.impure.iter().any(|impure| {
                path == *impure
                    || path.strip_prefix(impure.as_str()).is_some_and(|rest| rest.starts_with("::"))
            })
        };
        if !excepted && is_core(self.survey, self.source, module, items) {
            let mut visitor =
                Visitor::new(self.survey, self.source, module, self.severity, self.fields);
            for item in items {
                visit_item(&mut visitor, item);
            }
            self.findings.append(&mut visitor.findings);
        }
    }
}

fn visit_item(visitor: &mut Visitor<'_>, item: &Item) {
    match item {
        Item::Fn(item) if !is_test(&item.attrs) && !is_shell(&item.attrs, &item.sig) => {
            visitor.function(&item.sig, Some(&item.block));
        }
        Item::Impl(item) if !is_test(&item.attrs) => {
            if let Some(keyword) = &item.unsafety {
                visitor.unsafe_code(keyword.span);
            }
            for inner in &item.items {
                if let ImplItem::Fn(method) = inner
                    && !is_shell(&method.attrs, &method.sig)
                {
                    visitor.function(&method.sig, Some(&method.block));
                }
            }
        }
        Item::Trait(item) if !is_test(&item.attrs) => {
            for inner in &item.items {
                if let TraitItem::Fn(method) = inner
                    && !is_shell(&method.attrs, &method.sig)
                {
                    visitor.function(&method.sig, method.default.as_ref());
                }
            }
        }
        Item::Const(item) if !is_test(&item.attrs) => visitor.value(&item.expr),
        Item::Static(item) if !is_test(&item.attrs) => visitor.value(&item.expr),
        Item::Macro(item)
            if item.mac.path.segments.last().is_some_and(|last| last.ident == "thread_local") =>
        {
            visitor.thread_local(&item.mac);
        }
        _ => {}
    }
}

/// Whether a function belongs to the shell by what it is.
fn is_shell(attributes: &[syn::Attribute], signature: &syn::Signature) -> bool {
    signature.asyncness.is_some()
        || signature.ident == "main"
        || metas(attributes).iter().any(|meta| {
            meta.path().segments.last().is_some_and(|last| {
                last.ident == "query_handler"
                    || last.ident == "event_handler"
                    || last.ident == "test"
            })
        })
}
