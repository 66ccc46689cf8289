//! What must hold of the list of functions itself.

use pullback::functions::{entries, find, overloads};
use pullback::proof::Call;
use std::collections::BTreeSet;

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
