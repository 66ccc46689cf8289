//! One attribute, `#[called]`: errors that are born in a public function name that function, and its caller's line.
//!
//! A method such as `mse_loss` is a composition: what goes wrong goes wrong in `sub`, or in a primitive that nobody can call.
//! The attribute stands on an `impl` block or a function and begins every `pub fn` that returns a `Result` with
//! `Called::enter("mse_loss", …)`, which `pullback_array::Error` looks at when an error is made. The outermost function wins.
//!
//! Not for: functions that run code of the user (`backward`, `func::grad`): errors made there are the user's.
//! It reads tokens and needs no parser.

#![forbid(unsafe_code)]

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Lets every `pub fn … -> Result<…>` of a block, or one function, say its name in errors.
#[proc_macro_attribute]
pub fn called(_: TokenStream, item: TokenStream) -> TokenStream {
    let block = (item.clone().into_iter()).any(|t| is(&t, "impl"))
        && !item.clone().into_iter().any(|t| is(&t, "fn"));
    if !block {
        return functions(item);
    }
    // The last braces are the block's.
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last()
        && body.delimiter() == Delimiter::Brace
    {
        let mut inside = Group::new(Delimiter::Brace, functions(body.stream()));
        inside.set_span(body.span());
        tokens.pop();
        tokens.push(inside.into());
    }
    tokens.into_iter().collect()
}

/// What is known of the function whose tokens are being read.
#[derive(Default)]
struct Seen {
    public: bool,
    tracks_caller: bool,
    constant: bool,
    name: Option<String>,
    fallible: bool,
}

/// Begins the bodies of public functions that may fail with their name.
fn functions(tokens: TokenStream) -> TokenStream {
    let mut out = Vec::new();
    let mut seen = Seen::default();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Group(g) if g.delimiter() == Delimiter::Bracket => {
                seen.tracks_caller |= seen.name.is_none() && g.to_string().contains("track_caller");
            }
            TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => {
                let seen = std::mem::take(&mut seen);
                if let Some(name) = &seen.name
                    && seen.public
                    && seen.fallible
                    && !seen.constant
                {
                    out.push(named(name, seen.tracks_caller, g).into());
                    continue;
                }
            }
            TokenTree::Ident(i) => match i.to_string().as_str() {
                // `pub(crate)` is not public.
                "pub" => {
                    seen.public = !matches!(tokens.peek(), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis);
                }
                "const" if seen.name.is_none() => seen.constant = true,
                "fn" if seen.name.is_none() => seen.name = tokens.peek().map(TokenTree::to_string),
                "Result" => seen.fallible |= seen.name.is_some(),
                _ => {}
            },
            TokenTree::Punct(p) if p.as_char() == ';' => seen = Seen::default(),
            _ => {}
        }
        out.push(token);
    }
    out.into_iter().collect()
}

/// A body that begins with its function's name.
fn named(name: &str, tracks_caller: bool, body: &Group) -> Group {
    let name = name.trim_start_matches("r#");
    let site = match tracks_caller {
        true => "::core::option::Option::Some(::core::panic::Location::caller())",
        false => "::core::option::Option::None",
    };
    let enter = format!("let _called = ::pullback_array::Called::enter({name:?}, {site});");
    let mut inside: TokenStream = enter.parse().unwrap_or_default();
    inside.extend(body.stream());
    let mut group = Group::new(Delimiter::Brace, inside);
    group.set_span(body.span());
    group
}

fn is(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i.to_string() == word)
}
