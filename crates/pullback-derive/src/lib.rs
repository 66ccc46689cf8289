//! `#[derive(Module)]`: a struct becomes a module whose tensors are those of its fields, as `pullback::module!` writes it by hand.
//!
//! Used through `pullback` with its feature `derive`. A field of a type that is no module is one error, at that type, which says how to leave the field out:
//! the walks that are written never fail to compile, and a list of the fields' types beside them does. Not for enums: which of their
//! tensors there are would change as the program runs.

#![forbid(unsafe_code)]

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Member, Result, Token, Type};

/// Makes a struct a `Module`: its fields are named in the order of declaration, a tuple's by their places.
///
/// `#[module(skip)]` leaves a field out, `#[module(name = "block")]` names it otherwise. It is printed as PyTorch prints a module.
#[proc_macro_derive(Module, attributes(module))]
pub fn module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    written(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// What a field's `#[module(…)]` says.
#[derive(Default)]
struct Said {
    skip: bool,
    name: Option<String>,
}

impl Parse for Said {
    fn parse(input: ParseStream<'_>) -> Result<Said> {
        let mut said = Said::default();
        while !input.is_empty() {
            let word: Ident = input.parse()?;
            match word.to_string().as_str() {
                "skip" => said.skip = true,
                "name" => {
                    input.parse::<Token![=]>()?;
                    let name: LitStr = input.parse()?;
                    if name.value().contains('.') || name.value().is_empty() {
                        return Err(Error::new(
                            name.span(),
                            "a name is not empty and has no dots: they separate the names of a path",
                        ));
                    }
                    said.name = Some(name.value());
                }
                other => {
                    let text = format!("`{other}` is unknown here: `skip` or `name = \"…\"`");
                    return Err(Error::new(word.span(), text));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(said)
    }
}

/// A field that is visited.
struct Field<'a> {
    member: Member,
    name: String,
    of: &'a Type,
}

fn fields(input: &DeriveInput) -> Result<Vec<Field<'_>>> {
    let Data::Struct(data) = &input.data else {
        let text =
            "only a struct is a module by `derive`: what an enum holds changes as the program runs";
        return Err(Error::new(input.ident.span(), text));
    };
    let mut found = Vec::new();
    for (k, field) in data.fields.iter().enumerate() {
        let mut said = Said::default();
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
            said = attribute.parse_args()?;
        }
        if said.skip {
            continue;
        }
        let (member, name) = match (&data.fields, &field.ident) {
            (Fields::Named(_), Some(ident)) => {
                let plain = ident.to_string();
                let plain = plain.strip_prefix("r#").unwrap_or(&plain).to_string();
                (Member::Named(ident.clone()), plain)
            }
            _ => (Member::from(k), k.to_string()),
        };
        found.push(Field {
            member,
            name: said.name.unwrap_or(name),
            of: &field.ty,
        });
    }
    Ok(found)
}

/// Whether a type names one of the struct's own parameters.
fn is_generic(of: &Type, input: &DeriveInput) -> bool {
    fn names(tokens: TokenStream, parameters: &[String]) -> bool {
        tokens.into_iter().any(|t| match t {
            proc_macro2::TokenTree::Ident(i) => parameters.contains(&i.to_string()),
            proc_macro2::TokenTree::Group(g) => names(g.stream(), parameters),
            _ => false,
        })
    }
    let parameters: Vec<String> = (input.generics.type_params())
        .map(|p| p.ident.to_string())
        .collect();
    names(quote!(#of), &parameters)
}

fn written(input: &DeriveInput) -> Result<TokenStream> {
    let fields = fields(input)?;
    let mut generics = input.generics.clone();
    for field in fields.iter().filter(|f| is_generic(f.of, input)) {
        let of = field.of;
        (generics.make_where_clause().predicates)
            .push(syn::parse_quote!(#of: ::pullback::nn::Module));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let name = &input.ident;
    let check = format_ident!("__fields_are_modules");
    // Each type by itself, so that each error is at its field's type.
    let checks = fields.iter().map(|f| {
        let of = f.of;
        quote_spanned!(of.span()=> ::pullback::nn::derived::field::<#of>();)
    });
    let told = fields.iter().map(|Field { member, name, .. }| {
        quote!(::pullback::nn::derived::Field(&self.#member).tell(#name, v);)
    });
    let told_mut = fields.iter().map(|Field { member, name, .. }| {
        quote!(::pullback::nn::derived::Field(&mut self.#member).tell_mut(#name, v)?;)
    });
    Ok(quote! {
        const _: () = {
            #[allow(dead_code, clippy::extra_unused_type_parameters)]
            fn #check #impl_generics () #where_clause { #(#checks)* }
        };
        #[automatically_derived]
        impl #impl_generics ::pullback::nn::Module for #name #type_generics #where_clause {
            fn visit(&self, v: &mut ::pullback::nn::Visit<'_>) {
                #[allow(unused_imports)]
                use ::pullback::nn::derived::{NotTold as _, Told as _};
                let _ = &v;
                #(#told)*
            }
            fn visit_mut(&mut self, v: &mut ::pullback::nn::VisitMut<'_>) -> ::pullback::Result<()> {
                #[allow(unused_imports)]
                use ::pullback::nn::derived::{NotTold as _, Told as _};
                let _ = &v;
                #(#told_mut)*
                ::core::result::Result::Ok(())
            }
        }
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Display for #name #type_generics #where_clause {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::pullback::nn::print(self, f)
            }
        }
    })
}
