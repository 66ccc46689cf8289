//! What is wrong with the arguments of a call, and PyTorch's sentences about it.
//!
//! Binding ([`Signature::take`](super::Signature::take)) says what is wrong as data. The sentence depends on how the call was written: a
//! method's tensor has no position, a write in place has a name of its own, and a language has names for its types. Not for: mistakes
//! that functions find in arguments of the right types.

use super::Signature;
use super::kind::not_an_int;
use super::value::Value;
use crate::{Error, ErrorKind};

/// Why arguments do not fit a signature.
pub(crate) enum Mistake {
    /// One is of another type: the parameter's number, what was given, and where it stood.
    Type(usize, Value, Stood),
    /// More arguments without names than there are parameters for them.
    TooMany(usize),
    /// A name that no parameter has.
    Unknown(String),
    /// An argument given twice.
    Twice(String),
    /// Parameters without a value.
    Missing(Vec<&'static str>),
}

/// Where an argument stood.
pub(crate) enum Stood {
    /// Among those without names; the second number is that of its parameter.
    At(usize, usize),
    /// With a name.
    Named(String),
}

/// How a call was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Written<'a> {
    /// The name that was called; a signature's own where it is empty.
    pub name: &'a str,
    /// How many arguments stand before the parenthesis: one for a method.
    pub before: usize,
    /// The types of the arguments without names, and of those with names, as the caller's language calls them. What is missing is called
    /// as [`Value::type_name`] does.
    pub types: &'a [String],
    /// See `types`.
    pub named: &'a [(String, String)],
}

impl Written<'_> {
    fn name_of<'s>(&'s self, signature: &Signature) -> &'s str {
        match self.name.is_empty() {
            true => signature.name,
            false => self.name,
        }
    }

    fn type_at(&self, at: usize, v: &Value) -> String {
        let plain = || v.type_name().to_string();
        self.types.get(at).cloned().unwrap_or_else(plain)
    }

    fn type_of(&self, name: &str, v: &Value) -> String {
        let found = self.named.iter().find(|(n, _)| n == name);
        found.map_or_else(|| v.type_name().to_string(), |(_, t)| t.clone())
    }
}

/// PyTorch's error for one signature.
#[cold]
pub(crate) fn say(signature: &Signature, mistake: &Mistake, written: &Written<'_>) -> Error {
    let name = written.name_of(signature);
    let text = match mistake {
        Mistake::Type(param, got, stood) => {
            let param = &signature.params[*param];
            let (place, what) = match stood {
                Stood::At(at, param) => (
                    Some(param.saturating_sub(written.before)),
                    written.type_at(*at, got),
                ),
                Stood::Named(key) => (None, written.type_of(key, got)),
            };
            return of_type((name, param.name), param.kind.words(), got, place, &what);
        }
        Mistake::TooMany(given) => {
            let most = (signature.params.iter())
                .filter(|p| !p.keyword_only)
                .count();
            let (most, given) = (
                most.saturating_sub(written.before),
                given.saturating_sub(written.before),
            );
            format!(
                "{name}() takes {most} positional argument{} but {given} {} given",
                if most == 1 { "" } else { "s" },
                if given == 1 { "was" } else { "were" },
            )
        }
        Mistake::Unknown(key) => format!("{name}() got an unexpected keyword argument '{key}'"),
        Mistake::Twice(key) => format!("{name}() got multiple values for argument '{key}'"),
        Mistake::Missing(missing) => {
            let quoted: Vec<String> = missing.iter().map(|m| format!("\"{m}\"")).collect();
            let (count, list) = (missing.len(), quoted.join(", "));
            format!("{name}() missing {count} required positional arguments: {list}")
        }
    };
    Error::new(ErrorKind::Type, text).help(format!("the signature is {signature}"))
}

/// What a list of integers is called.
const INTS: &str = "tuple of ints";

/// Whether a list was taken for one of integers by its first element, and another one is none: PyTorch has chosen the signature then.
fn is_late(signature: &Signature, mistake: &Mistake) -> bool {
    match mistake {
        Mistake::Type(param, Value::List(list), _) => {
            signature.params[*param].kind.words() == INTS && not_an_int(list).is_some_and(|i| i > 0)
        }
        _ => false,
    }
}

/// An argument of a type that a function does not take; `names` are the function's and the parameter's.
#[cold]
fn of_type(names: (&str, &str), want: &str, got: &Value, at: Option<usize>, what: &str) -> Error {
    if let (true, Value::List(list)) = (want == "tuple of Tensors", got)
        && let Some(i) = list.iter().position(|v| !matches!(v, Value::Tensor(_)))
    {
        let (arg, what) = (at.unwrap_or(0), list[i].type_name());
        return Error::new(
            ErrorKind::Type,
            format!("expected Tensor as element {i} in argument {arg}, but got {what}"),
        );
    }
    let place = at.map_or(String::new(), |at| format!(" (position {})", at + 1));
    let (function, param) = names;
    if let (true, Value::List(list)) = (want == INTS, got)
        && let Some(i) = not_an_int(list)
    {
        let what = list[i].type_name();
        let text = match i {
            0 => format!(
                "{function}(): argument '{param}'{place} must be {want}, but found element of type {what} at pos 0"
            ),
            i => format!(
                "{function}(): argument '{param}' failed to unpack the object at pos {} with error \"type must be {want},but got {what}\"",
                i + 1
            ),
        };
        return Error::new(ErrorKind::Type, text);
    }
    Error::new(
        ErrorKind::Type,
        format!("{function}(): argument '{param}'{place} must be {want}, not {what}"),
    )
}

/// An argument of a type that a function does not take, found by the function itself.
#[cold]
pub(crate) fn wrong_type(
    function: &str,
    param: &str,
    want: &str,
    got: &Value,
    at: Option<usize>,
) -> Error {
    of_type((function, param), want, got, at, got.type_name())
}

/// What is said of arguments that none of several signatures takes: what is wrong with the only one that could have taken so many, or the list.
#[cold]
pub(crate) fn say_of_all(
    name: &str,
    signatures: &[&Signature],
    args: &[Value],
    kwargs: &[(&str, Value)],
    written: &Written<'_>,
) -> Option<Error> {
    let mut mistakes = Vec::new();
    for signature in signatures {
        mistakes.push((*signature, signature.take(args, kwargs).err()?));
    }
    if let Some((signature, mistake)) = mistakes.iter().find(|(s, m)| is_late(s, m)) {
        return Some(say(signature, mistake, written));
    }
    let given = args.len() + kwargs.len();
    let enough = |s: &Signature| s.params.len() >= given || s.params.iter().any(|p| p.variadic);
    let plausible = |&&(s, _): &&(&Signature, Mistake)| mistakes.len() == 1 || enough(s);
    let mut fitting = mistakes.iter().filter(plausible);
    if let (Some((signature, mistake)), None) = (fitting.next(), fitting.next()) {
        return Some(say(signature, mistake, written));
    }
    let got: Vec<String> = (args.iter().enumerate().skip(written.before))
        .map(|(at, v)| written.type_at(at, v))
        .chain((kwargs.iter()).map(|(k, v)| format!("{k}={}", written.type_of(k, v))))
        .collect();
    let name = match written.name.is_empty() {
        true => name,
        false => written.name,
    };
    let mut error = Error::new(
        ErrorKind::Type,
        format!(
            "{name}() received an invalid combination of arguments - got ({}), but expected one of:",
            got.join(", ")
        ),
    );
    for signature in signatures {
        error = error.note(signature.to_string());
    }
    Some(error)
}
