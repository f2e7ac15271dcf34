//! `#[derive(DecisionModel)]`.
//!
//! Invariant: a model asks its command for exactly its `#[tag]` fields, by name and type, and every
//! type of events that it is built from can have these tags.

use lucent_syntax::{ArgumentValue, Arguments};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, Ident, Lit, LitStr, spanned::Spanned as _};

use crate::{
    derive::tag::{TagField, key_type, member_of, refuse_repeated_keys, tags_of},
    errors::Errors,
    input,
    root::{Root, at, mixed},
};

pub(crate) fn decision_model(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let known = ["event", "types", "name", "crate"];
    let arguments = input::arguments_of(&input.attrs, "decision_model", &known, &mut errors);
    let root = Root::new(&arguments, &mut errors);
    let ident = &input.ident;
    input::refuse_generics(
        &input.generics,
        "a decision model takes no parameters: write one per type",
        &mut errors,
    );
    let name = input::text(&arguments, "name", &mut errors)
        .map_or_else(|| input::plain(ident), |name| name.value());
    let event = input::ty(&arguments, "event", "SomeEvent", &mut errors);
    if arguments.find("event").is_none() {
        let message = format!(
            "`{ident}` does not say which events it is built from: write `#[decision_model(event = SomeEvent)]`"
        );
        errors.at(ident.span(), message);
    }
    let types = types(&arguments, &mut errors);
    let fields = fields(input, &mut errors);
    let mut tags = fields.map(|fields| tags_of(fields, &mut errors)).unwrap_or_default();
    refuse_repeated_keys(&mut tags, "a decision model", &mut errors);
    let (Some(event), Some(fields), true) = (event, fields, errors.is_empty()) else {
        return quote!(#errors);
    };
    let of = at(ident);
    let header = quote_spanned!(of=> #ident);
    let state = {
        let at = at(&event);
        quote_spanned!(at=> type Event = #event;)
    };
    let query = query(&root, &tags, &types);
    let check = check(&root, ident, &event, &tags, &types);
    let start = start(&root, ident, fields, &tags);
    quote_spanned! {mixed()=>
        #[automatically_derived]
        impl #root::State for #header {
            #state
        }
        #[automatically_derived]
        impl #root::DecisionModel for #header {
            const NAME: &'static str = #name;
            #query
        }
        #check
        #start
    }
}

/// The names of `types("…", "…")`.
fn types(arguments: &Arguments, errors: &mut Errors) -> Vec<LitStr> {
    const EXAMPLE: &str = "`types` takes stored names: write `types(\"CourseDefined\", …)`";
    let Some(argument) = arguments.find("types") else { return Vec::new() };
    let ArgumentValue::Literals(literals) = &argument.value else {
        errors.at(argument.value_span(), EXAMPLE);
        return Vec::new();
    };
    let mut names = Vec::with_capacity(literals.len());
    for literal in literals {
        match literal {
            Lit::Str(name) => names.push(name.clone()),
            other => errors.on(other, EXAMPLE),
        }
    }
    names
}

fn fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a Fields> {
    match &input.data {
        Data::Struct(data) => Some(&data.fields),
        Data::Enum(data) => {
            errors.at(
                data.enum_token.span(),
                "a decision model is a struct: put the enum into a field",
            );
            None
        }
        Data::Union(data) => {
            errors.at(data.union_token.span(), "a decision model is a struct");
            None
        }
    }
}

fn query(root: &Root, tags: &[TagField], types: &[LitStr]) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let tags = tags.iter().map(|TagField { member, key, ty }| {
        let at = at(ty);
        let root = root.at(at);
        quote_spanned!(at=> #root::Tag::of(#key, &self.#member)?)
    });
    let types = match types {
        [] => quote_spanned!(mixed=> #p::every_type::<<Self as #root::State>::Event>()),
        types => quote_spanned!(mixed=> #p::Vec::from([#(#p::From::from(#types)),*])),
    };
    quote_spanned! {mixed=>
        fn query(&self) -> #p::Result<#root::store::QueryItem, #root::InvalidTag> {
            #p::Ok(#root::store::QueryItem {
                types: #types,
                tags: #p::Vec::from([#(#tags),*]),
            })
        }
    }
}

/// Asks that there are such types, and that they can have the tags.
fn check(
    root: &Root,
    ident: &Ident,
    event: &syn::Type,
    tags: &[TagField],
    types: &[LitStr],
) -> TokenStream {
    let keys: Vec<&String> = tags.iter().map(|tag| &tag.key).collect();
    let event_name =
        input::last_segment(event).map_or_else(|| "the event".to_owned(), input::plain);
    if types.is_empty() {
        let asserts = tags.iter().map(|tag| {
            let key = &tag.key;
            let at = at(&tag.ty);
            let p = root.private_at(at);
            let message = format!(
                "no event of `{event_name}` has a `#[tag]` of the key `{key}`, so `{ident}` would be built from nothing"
            );
            quote_spanned! {at=>
                const _: () = #p::std::assert!(#p::some_type_has::<#event>(#key), #message);
            }
        });
        return quote!(#(#asserts)*);
    }
    let asserts = types.iter().map(|name| {
        let at = name.span().resolved_at(mixed());
        let p = root.private_at(at);
        let text = name.value();
        let unknown = format!("`{event_name}` has no event that is stored as `{text}`");
        let lacks = keys.iter().map(|key| {
            let message =
                format!("the event `{text}` has no `#[tag]` of the key `{key}`, so `{ident}` would never see it");
            quote_spanned! {at=>
                const _: () = #p::std::assert!(#p::type_has::<#event>(#text, #key), #message);
            }
        });
        quote_spanned! {at=>
            const _: () = #p::std::assert!(#p::has_type::<#event>(#text), #unknown);
            #(#lacks)*
        }
    });
    quote!(#(#asserts)*)
}

/// How the model begins, for every command that has its tags.
fn start(root: &Root, ident: &Ident, fields: &Fields, tags: &[TagField]) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let asked: Vec<Ident> =
        (0..tags.len()).map(|index| format_ident!("__LucentTag{index}", span = mixed)).collect();
    let traits = tags.iter().zip(&asked).map(|(tag, asked)| supplies(root, ident, tag, asked));
    let bounds = tags.iter().zip(&asked).map(|(tag, asked)| {
        let ty = &tag.ty;
        quote_spanned!(mixed=> #asked<#ty>)
    });
    let values = fields.iter().enumerate().map(|(index, field)| {
        let member = member_of(field, index);
        match tags.iter().position(|tag| tag.member == member) {
            Some(index) => {
                let asked = &asked[index];
                quote_spanned!(mixed=> #member: #asked::value(command))
            }
            None => {
                let ty = &field.ty;
                let at = at(ty);
                let p = root.private_at(at);
                quote_spanned!(at=> #member: <#ty as #p::Default>::default())
            }
        }
    });
    quote_spanned! {mixed=>
        const _: () = {
            #(#traits)*
            #[automatically_derived]
            impl<Command> #root::ModelFor<Command> for #ident
            where
                #(Command: #bounds,)*
            {
                fn start(command: &Command) -> Self {
                    let _ = command;
                    Self { #(#values),* }
                }
            }
        };
        const _: fn() = || {
            let _ = #p::folds::<#ident>;
        };
    }
}

/// A trait of the commands that have a tag, so that the compiler's message can name the tag.
fn supplies(root: &Root, ident: &Ident, tag: &TagField, asked: &Ident) -> TokenStream {
    let mixed = mixed();
    let p = root.private();
    let TagField { key, ty, .. } = tag;
    let key_type = key_type(root, key);
    let spelt = quote!(#ty).to_string();
    let field = match syn::parse_str::<Ident>(key) {
        Ok(_) => format!("#[tag] {key}: {spelt}"),
        Err(_) => format!("#[tag(\"{key}\")] …: {spelt}"),
    };
    let field = field.replace('{', "{{").replace('}', "}}");
    let message = format!("the command `{{Self}}` has no field `{field}`");
    let label =
        format!("it is found by the tag `{key}`, which the command does not have as this type");
    let note = format!(
        "`{ident}` is built from the events with the tag `{key}`: write `{field}` in the command"
    );
    let at = at(ty);
    let clone = {
        let p = root.private_at(at);
        quote_spanned!(at=> #p::Clone::clone)
    };
    quote_spanned! {mixed=>
        #[doc(hidden)]
        #[allow(unreachable_pub)]
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        pub trait #asked<Value> {
            fn value(&self) -> Value;
        }
        #[diagnostic::do_not_recommend]
        #[automatically_derived]
        impl<Command: #p::HasTag<#key_type, Value = #ty>> #asked<#ty> for Command {
            fn value(&self) -> #ty {
                #clone(#p::HasTag::<#key_type>::tag(self))
            }
        }
    }
}
