//! The handshake with the registry.
//!
//! With build.rs, the generated module `lucent_registry` holds a type per function that build.rs
//! found, and the attribute implements `Listed` for that of its function. Without it (tests,
//! examples, documentation), the attribute makes the type itself, under the function's name.
//! Invariant: both ways the type exists exactly once.

use std::sync::OnceLock;

use lucent_syntax::{Arguments, registry_ident, registry_name};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Ident};

use crate::root::{Root, mixed};

/// What the registry knows of a function.
pub(super) struct Listing {
    name: String,
    function: Ident,
    fingerprint: u64,
    cfgs: Vec<Attribute>,
    handshake: bool,
}

impl Listing {
    pub(super) fn new(
        arguments: &Arguments,
        function: &Ident,
        fingerprint: u64,
        cfgs: Vec<Attribute>,
    ) -> Self {
        Self {
            name: registry_name(arguments, function),
            function: function.clone(),
            fingerprint,
            cfgs,
            handshake: handshake(),
        }
    }

    /// The `cfg` attributes of the function, for everything beside it.
    pub(super) fn cfgs(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        quote!(#(#cfgs)*)
    }

    /// The mark of the registry that lists the function.
    pub(super) fn home(&self) -> TokenStream {
        if self.handshake {
            let at = self.place();
            quote_spanned!(at=> crate::lucent_registry::Home)
        } else {
            self.listed()
        }
    }

    /// The function's type, brought beside the function from the registry, where its name has the
    /// fingerprint.
    pub(super) fn import(&self, visibility: &syn::Visibility) -> TokenStream {
        let (cfgs, at, function) = (self.cfgs(), self.place(), &self.function);
        let name = format!("{}_{:016x}", registry_ident(&self.name), self.fingerprint);
        let ident = Ident::new(&name, at);
        let found =
            quote_spanned!(at=> crate::lucent_registry::functions_as_build_rs_read_them::#ident);
        quote_spanned! {mixed()=>
            #cfgs
            #[allow(unreachable_pub)]
            #visibility use #found as #function;
        }
    }

    /// Whether the registry has the type that stands for the function.
    pub(super) fn is_found(&self) -> bool {
        self.handshake
    }

    /// The type that stands for the function, without build.rs.
    pub(super) fn marker(&self) -> TokenStream {
        if self.handshake {
            return TokenStream::new();
        }
        let cfgs = self.cfgs();
        let marker = self.listed();
        quote_spanned! {mixed()=>
            #cfgs
            #[doc(hidden)]
            #[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
            pub struct #marker {}
        }
    }

    /// `Listed` for the function; `describe` is a `const fn` of lucent-core and its type argument.
    pub(super) fn listed_as(
        &self,
        root: &Root,
        describe: &TokenStream,
        more: &TokenStream,
    ) -> TokenStream {
        let p = root.private();
        let Self { name, .. } = self;
        self.implement(
            root,
            &quote_spanned! {mixed()=>
                #p::#describe(
                    #name,
                    #p::std::module_path!(),
                    #p::std::file!(),
                    #p::std::line!(),
                    #more
                )
            },
        )
    }

    /// `Listed` for a function with a mistake, so that the registry reports nothing more.
    pub(super) fn broken(&self, root: &Root) -> TokenStream {
        let p = root.private();
        self.implement(root, &quote_spanned!(mixed()=> #p::BROKEN))
    }

    /// What has a registry by hand know the function; that of build.rs needs nothing more.
    ///
    /// What is wrong with the function's type is reported at `place`.
    pub(super) fn enlists(&self, root: &Root, place: Span) -> TokenStream {
        if self.handshake {
            return TokenStream::new();
        }
        let mut of = self.function.clone();
        of.set_span(self.function.span().located_at(place));
        self.listed_as(root, &quote_spanned!(place=> edition_function::<#of>), &TokenStream::new())
    }

    /// The same for a function with a mistake, which adds nothing.
    pub(super) fn broken_function(&self, root: &Root) -> TokenStream {
        if !self.handshake {
            return self.broken(root);
        }
        let (cfgs, listed) = (self.cfgs(), self.listed());
        quote_spanned! {mixed()=>
            #cfgs
            #[automatically_derived]
            impl #root::registry::Enlists for #listed {
                fn enlist(_: &mut #root::function::Roster) {}
            }
        }
    }

    fn implement(&self, root: &Root, function: &TokenStream) -> TokenStream {
        let cfgs = self.cfgs();
        let listed = self.listed();
        let same = self.handshake.then(|| self.same_fingerprint(root));
        quote_spanned! {mixed()=>
            #cfgs
            #[automatically_derived]
            impl #root::registry::Listed for #listed {
                const FUNCTION: #root::registry::Function = #function;
            }
            #same
        }
    }

    fn same_fingerprint(&self, root: &Root) -> TokenStream {
        let p = root.private();
        let cfgs = self.cfgs();
        let listed = self.listed();
        let fingerprint = self.fingerprint;
        let message = format!(
            "`{}` changed after build.rs scanned it: touch build.rs, build again, and make sure that build.rs calls `lucent_codegen::build()`",
            self.name
        );
        let at = self.place();
        quote_spanned! {at=>
            #cfgs
            const _: () = #p::std::assert!(#listed::FINGERPRINT == #fingerprint, #message);
        }
    }

    fn listed(&self) -> TokenStream {
        let at = self.place();
        if self.handshake {
            let ident = Ident::new(&registry_ident(&self.name), at);
            quote_spanned!(at=> crate::lucent_registry::functions_found_by_build_rs::#ident)
        } else {
            let ident = &self.function;
            quote!(#ident)
        }
    }

    /// The function's name.
    fn place(&self) -> Span {
        self.function.span().resolved_at(mixed())
    }
}

/// Whether build.rs has scanned the target that is being compiled.
pub(crate) fn handshake() -> bool {
    // A compiler's environment stays what it is, and there are thousands of functions.
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(is_scanned)
}

fn is_scanned() -> bool {
    let is_set = |key| std::env::var_os(key).is_some();
    // An integration test, a benchmark or a documentation test may have the crate's own name.
    if is_set("UNSTABLE_RUSTDOC_TEST_PATH") || is_set("CARGO_TARGET_TMPDIR") || is_merged_doctest()
    {
        return false;
    }
    let targets = std::env::var("LUCENT_TARGETS").unwrap_or_default();
    target().is_some_and(|target| targets.split(',').any(|listed| listed == target))
}

/// The target that is being compiled: `lib:bank` or `bin:bank`.
pub(crate) fn target() -> Option<String> {
    let name = std::env::var("CARGO_CRATE_NAME").ok()?;
    let kind = match std::env::var_os("CARGO_BIN_NAME") {
        Some(_) => "bin",
        None => "lib",
    };
    Some(format!("{kind}:{name}"))
}

/// Rustdoc compiles the documentation tests of edition 2024 in bundles, and sets no variable.
fn is_merged_doctest() -> bool {
    std::env::args().any(|argument| {
        argument
            .rsplit(['/', '\\'])
            .any(|part| part.starts_with("rustdoctest") || part.starts_with("doctest_bundle_"))
    })
}
