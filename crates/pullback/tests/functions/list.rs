//! What must hold of the list of functions itself.

use pullback::ops::OPS;
use pullback::proof::Call;
use pullback::registry::{Entry, entries, find, overloads};
use pullback::{BackwardOptions, DType, Program, Result, Tensor, grad};
use std::collections::BTreeSet;

/// Operations that no function's sample applies, each with the reason.
const UNREACHED: &[(&str, &str)] = &[
    (
        "alias",
        "what transforms differentiate by, and hooks on views hang on",
    ),
    (
        "block_attention",
        "attention of sequences longer than a sample's: tests/attention.rs",
    ),
];

/// The operations that a call and its gradient are made of.
fn applied(entry: &Entry, call: &Call) -> Result<BTreeSet<&'static str>> {
    let leaves = (call.tensors().iter())
        .map(|t| t.detach().requires_grad_(t.dtype().is_float()))
        .collect::<Result<Vec<_>>>()?;
    let refs: Vec<&Tensor> = leaves.iter().collect();
    let (program, _) = Program::snapshot(&refs, |x| {
        let call = call.with(x);
        let y = entry.call(&call.args, &call.named())?;
        let mut all: Vec<Tensor> = y.tensors().into_iter().cloned().collect();
        let rooted: Vec<Tensor> = all.iter().filter(|t| t.requires_grad()).cloned().collect();
        let seeds = (rooted.iter())
            .map(|t| t.detach().ones_like())
            .collect::<Result<Vec<_>>>()?;
        let roots: Vec<_> = rooted
            .iter()
            .zip(&seeds)
            .map(|(t, g)| (t, Some(g)))
            .collect();
        let inputs: Vec<&Tensor> = x.iter().filter(|t| t.requires_grad()).collect();
        if !roots.is_empty() && !inputs.is_empty() {
            let options = BackwardOptions::NEW.create_graph(true).allow_unused(true);
            all.extend(grad(&roots, &inputs, options)?.into_iter().flatten());
        }
        Ok(all)
    })?;
    Ok((program.instructions().iter())
        .map(|i| i.op.def().name)
        .collect())
}

#[test]
fn every_operation_is_reached_by_a_function() {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for entry in entries() {
        for text in entry.function.samples.iter().chain(entry.function.edges) {
            if let Ok(call) = Call::parse(text, DType::F32)
                && let Ok(names) = applied(entry, &call)
            {
                reached.extend(names);
            }
        }
    }
    let known: BTreeSet<&str> = UNREACHED.iter().map(|u| u.0).collect();
    let missing: Vec<&str> = (OPS.iter().map(|d| d.name))
        .filter(|n| !reached.contains(n) && !known.contains(n))
        .collect();
    let stale: Vec<&&str> = known.intersection(&reached).collect();
    assert!(
        missing.is_empty(),
        "no function's sample applies {missing:?}"
    );
    assert!(
        stale.is_empty(),
        "{stale:?} are applied: take them off the list"
    );
}

#[test]
fn entries_are_complete() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let f = entry.function;
        let name = f.name();
        let mut say = |what: &str| wrong.push(format!("{}: {name} {what}", entry.group));
        if entry.signature.params.is_empty() && !f.signature.contains("()") {
            say(&format!(
                "has a malformed signature: {}",
                entry.signature.returns
            ));
        }
        if !f.summary.ends_with('.') {
            say("has no sentence about it");
        }
        if f.formula.is_empty() {
            say("has no formula");
        }
        let samples: BTreeSet<_> = f.samples.iter().collect();
        // A function without a tensor among its arguments has fewer ways to be called.
        let least = if f.signature.contains("Tensor") && f.signature.contains("(Tensor") {
            4
        } else {
            2
        };
        if samples.len() < least {
            say(&format!("has {} samples", samples.len()));
        }
        if samples.len() < f.samples.len() {
            say("has a sample twice");
        }
        for text in f.samples.iter().chain(f.edges).chain(f.errors) {
            if let Err(e) = Call::in_dtypes(text.trim_start_matches('~')) {
                say(&e.to_string());
            }
        }
        for (place, there) in f.found_at() {
            if !["torch", "Tensor", "nn.functional", "linalg", "special"].contains(&place) {
                say(&format!("is found in {place:?}, which is no place"));
            }
            assert!(!overloads(place, there).is_empty());
        }
        assert!(!find(name).is_empty());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
