//! Looks through functions of the functional core.
//!
//! Invariant: each finding names the smallest piece of code that shows it; an exception needs a
//! reason.

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{
    Expr, Pat, Token,
    parse::Parser as _,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    hash::{Fields, collects_into, is_hash, is_orderless, makes_hash},
    table::{HASH_ORDER, Impurity, RANDOM, THREADS, UNSAFE, impurity},
};
use crate::{
    diagnostic::{Diagnostic, Place, Severity},
    survey::{Source, Survey, TypeBody},
};

/// Visits the functions of one module.
pub(super) struct Visitor<'a> {
    survey: &'a Survey,
    source: &'a Source,
    module: &'a [String],
    severity: Severity,
    fields: &'a Fields,
    /// Local names of hash tables in the function that is visited.
    tables: BTreeSet<String>,
    /// Imports inside of the function.
    imports: Vec<(String, Vec<String>)>,
    pub(super) findings: Vec<Diagnostic>,
}

impl<'a> Visitor<'a> {
    pub(super) fn new(
        survey: &'a Survey,
        source: &'a Source,
        module: &'a [String],
        severity: Severity,
        fields: &'a Fields,
    ) -> Self {
        Self {
            survey,
            source,
            module,
            severity,
            fields,
            tables: BTreeSet::new(),
            imports: Vec::new(),
            findings: Vec::new(),
        }
    }

    pub(super) fn function(&mut self, signature: &syn::Signature, block: Option<&syn::Block>) {
        self.tables.clear();
        self.imports.clear();
        if let syn::Safety::Unsafe(keyword) = &signature.safety {
            self.unsafe_code(keyword.span());
        }
        for input in &signature.inputs {
            if let syn::FnArg::Typed(typed) = input
                && is_hash(&typed.ty)
            {
                self.tables.extend(name_of(&typed.pat));
            }
        }
        if let Some(block) = block {
            self.visit_block(block);
        }
    }

    pub(super) fn value(&mut self, expression: &Expr) {
        self.tables.clear();
        self.visit_expr(expression);
    }

    pub(super) fn unsafe_code(&mut self, span: Span) {
        self.report(UNSAFE, span, "unsafe");
    }

    pub(super) fn thread_local(&mut self, call: &syn::Macro) {
        self.report(THREADS, call.path.span(), "thread_local!");
    }

    fn path(&mut self, path: &syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let Some(first) = segments.first() else {
            return;
        };
        let key = (self.source.target.crate_name.clone(), self.module.to_vec());
        let outer = self.survey.imports.get(&key).map(Vec::as_slice).unwrap_or_default();
        let imported = self.imports.iter().chain(outer).find(|(name, _)| name == first);
        let whole: Vec<String> = match imported {
            Some((_, path)) => path.iter().chain(&segments[1..]).cloned().collect(),
            None => segments.clone(),
        };
        let whole: Vec<String> = whole.into_iter().filter(|segment| !segment.is_empty()).collect();
        if let Some(found) = impurity(&whole) {
            self.report(found, path.span(), &segments.join("::"));
        } else if let [.., _, last] = segments.as_slice()
            && last == "new"
            && self.is_random_id(&segments)
        {
            self.report(RANDOM, path.span(), &segments.join("::"));
        }
    }

    /// Whether `X::new` draws a new identifier.
    fn is_random_id(&self, segments: &[String]) -> bool {
        let of = &segments[..segments.len() - 1];
        let found = self.survey.lookup_segments(of, &self.source.target.crate_name, self.module);
        found.is_some_and(|index| {
            let def = &self.survey.types[index];
            let holds_uuid = match &def.body {
                TypeBody::Struct(item) => item.fields.iter().any(|field| match &field.ty {
                    syn::Type::Path(path) => {
                        path.path.segments.last().is_some_and(|last| last.ident == "Uuid")
                    }
                    _ => false,
                }),
                _ => false,
            };
            def.derives("AggregateId") && holds_uuid
        })
    }

    fn report(&mut self, found: Impurity, span: Span, what: &str) {
        let place = Place::of(&self.source.file.shown, span);
        let exception = self.exception(place.line, found.name);
        if exception == Exception::Given {
            return;
        }
        let Impurity { name, does, way_out, code } = found;
        let mut finding = Diagnostic::new(code, self.severity, format!("the functional core {does}: `{what}`"))
            .at(place, "here")
            .help(way_out)
            .help(format!(
                "or move it to a module without handlers, or write `// lucent: allow({name}): <reason>` above the line"
            ));
        if exception == Exception::WithoutReason {
            finding = finding.note("the exception in the comment gives no reason");
        }
        self.findings.push(finding);
    }

    /// Looks for `// lucent: allow(name): reason` at the end of the line or above it.
    fn exception(&self, line: usize, name: &str) -> Exception {
        let allow = format!("lucent: allow({name})");
        let mut lines = self.source.file.text.lines().skip(line.saturating_sub(2)).take(2);
        let above = if line > 1 { lines.next() } else { None };
        let above = above.filter(|above| above.trim_start().starts_with("//"));
        for text in [above, lines.next()].into_iter().flatten() {
            let Some((_, comment)) = text.split_once("//") else {
                continue;
            };
            if let Some((_, rest)) = comment.split_once(&allow) {
                let reason = rest.trim_start_matches(':').trim();
                return if reason.is_empty() { Exception::WithoutReason } else { Exception::Given };
            }
        }
        Exception::None
    }

    /// Whether an expression is a place that holds a hash table.
    fn is_table(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Reference(inner) => self.is_table(&inner.expr),
            Expr::Paren(inner) => self.is_table(&inner.expr),
            Expr::Unary(inner) => self.is_table(&inner.expr),
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|ident| self.tables.contains(&ident.to_string()))
            }
            Expr::Field(field) => match &field.member {
                syn::Member::Named(ident) => self.fields.contains(&ident.to_string()),
                syn::Member::Unnamed(_) => false,
            },
            other => makes_hash(other),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Exception {
    None,
    Given,
    WithoutReason,
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.path(&path.path);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.unsafe_code(block.unsafe_token.span);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        crate::survey::import(&item.tree, &mut Vec::new(), &mut self.imports);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let made = local.init.as_ref().is_some_and(|init| {
            makes_hash(&init.expr) || {
                matches!(&*init.expr, Expr::Reference(_) | Expr::Field(_))
                    && self.is_table(&init.expr)
            }
        });
        let (name, declared) = match &local.pat {
            Pat::Type(typed) => (name_of(&typed.pat), is_hash(&typed.ty)),
            pattern => (name_of(pattern), false),
        };
        if let Some(name) = name {
            if made || declared {
                self.tables.insert(name);
            } else {
                self.tables.remove(&name);
            }
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_for_loop(&mut self, each: &'ast syn::ExprForLoop) {
        if self.is_table(&each.expr) {
            self.report(HASH_ORDER, each.expr.span(), "for … in a hash table");
        }
        visit::visit_expr_for_loop(self, each);
    }

    fn visit_expr_method_call(&mut self, last: &'ast syn::ExprMethodCall) {
        let mut calls = vec![last];
        let mut root = &*last.receiver;
        while let Expr::MethodCall(call) = root {
            calls.push(call);
            root = &call.receiver;
        }
        // From here on, the first call is the innermost one.
        calls.reverse();
        let iterates = ITERATES.iter().any(|name| calls[0].method == name);
        if iterates && self.is_table(root) && !calls[1..].iter().any(|call| forgets_order(call)) {
            let shown = format!(".{}()", calls[0].method);
            self.report(HASH_ORDER, calls[0].method.span(), &shown);
        }
        self.visit_expr(root);
        for call in calls {
            for argument in &call.args {
                self.visit_expr(argument);
            }
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        for expression in parser.parse2(call.tokens.clone()).unwrap_or_default() {
            self.visit_expr(&expression);
        }
    }

    fn visit_item_fn(&mut self, _: &'ast syn::ItemFn) {}
}

/// Whether what comes before may stand in any order.
fn forgets_order(call: &syn::ExprMethodCall) -> bool {
    ORDERLESS.iter().any(|name| call.method == name)
        || (call.method == "collect" && collects_into(call, is_orderless))
}

fn name_of(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(ident) => Some(ident.ident.to_string()),
        _ => None,
    }
}

/// Methods of hash tables that hand out their order.
const ITERATES: [&str; 9] = [
    "drain",
    "into_iter",
    "into_keys",
    "into_values",
    "iter",
    "iter_mut",
    "keys",
    "values",
    "values_mut",
];

/// Methods of iterators whose result is the same in any order.
const ORDERLESS: [&str; 10] =
    ["all", "any", "count", "is_empty", "len", "max", "min", "product", "sum", "size_hint"];
