//! What a function of the list takes, for Python's `inspect` and for the type stubs: its parameters and those that every
//! function of its kind takes beside them.

use crate::call::Target;
use pullback::registry::{Entry, entries};
use pyo3::prelude::*;

/// Name, type, `None` allowed, gathers the rest, by name only, default as written.
pub(crate) type Parameter = (String, String, bool, bool, bool, Option<String>);

/// A place, a name, and for each overload its parameters and what it returns.
type Listed = (&'static str, String, Vec<(Vec<Parameter>, &'static str)>);

/// The parameters of an overload, as Python sees them.
pub(crate) fn parameters(entry: &Entry, place: &str, in_place: bool) -> Vec<Parameter> {
    let method = place == "Tensor";
    let mut list: Vec<Parameter> = (entry.signature.params.iter())
        .map(|p| {
            (
                p.name.to_string(),
                p.kind.name().to_string(),
                p.optional,
                p.variadic,
                p.keyword_only,
                p.default.as_ref().map(|(_, text)| (*text).to_string()),
            )
        })
        .collect();
    if method && let Some(first) = list.first_mut() {
        first.0 = "self".to_string();
    }
    let mut extra = |name: &str, kind: &str, optional: bool, default: &str| {
        if list.iter().all(|p| p.0 != name) {
            let default = Some(default.to_string());
            list.push((
                name.to_string(),
                kind.to_string(),
                optional,
                false,
                true,
                default,
            ));
        }
    };
    // What makes tensors of nothing takes a device too.
    let creates = (entry.signature.params.iter()).any(|p| p.name == "requires_grad");
    if creates && !in_place {
        extra("device", "device", true, "None");
    }
    if entry.function.random {
        extra("generator", "Generator", true, "None");
    }
    if !method && !in_place && entry.signature.returns == "Tensor" {
        extra("out", "Tensor", true, "None");
    }
    list
}

/// What `inspect.signature` reads; nothing where there are several overloads, or where Python cannot write it.
pub(crate) fn text(target: &Target, place: &str) -> Option<String> {
    let [entry] = target.overloads.as_slice() else {
        return None;
    };
    let mut parts: Vec<String> = Vec::new();
    let (mut starred, mut optional) = (false, false);
    for (i, (name, _, _, variadic, keyword_only, default)) in
        parameters(entry, place, target.in_place)
            .into_iter()
            .enumerate()
    {
        if keyword_only && !starred {
            parts.push("*".to_string());
            starred = true;
        }
        if !keyword_only && !variadic && optional && default.is_none() {
            return None;
        }
        optional |= default.is_some();
        let own = if i == 0 && place == "Tensor" { "$" } else { "" };
        parts.push(match (variadic, default) {
            (true, _) => {
                starred = true;
                format!("*{name}")
            }
            (false, Some(value)) => format!("{own}{name}={value}"),
            (false, None) => format!("{own}{name}"),
        });
    }
    Some(format!("({})", parts.join(", ")))
}

/// Every function of the list with the parameters of its overloads, in-place forms among them: what the stubs are made of.
#[pyfunction]
pub(crate) fn signatures() -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for entry in entries() {
        for (place, name) in entry.function.found_at() {
            let forms: &[bool] =
                match entry.function.in_place && ["Tensor", "torch"].contains(&place) {
                    true => &[false, true],
                    false => &[false],
                };
            for &in_place in forms {
                let name = format!("{name}{}", if in_place { "_" } else { "" });
                let found = (parameters(entry, place, in_place), entry.signature.returns);
                match listed.iter_mut().find(|l| l.0 == place && l.1 == name) {
                    Some(l) => l.2.push(found),
                    None => listed.push((place, name, vec![found])),
                }
            }
        }
    }
    listed
}
