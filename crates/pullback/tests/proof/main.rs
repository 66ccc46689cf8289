//! Every operation in the list is proven: values, rules, replays, conventions, errors. Adding an operation adds its proof.

mod custom;
mod errors;
mod formulas;
mod list;
mod meta;
mod methods;
mod mutants;
mod sweep;

use pullback::ops::OPS;
use pullback::proof::prove;

#[test]
fn every_operation_is_proven() {
    let only = std::env::var("PULLBACK_ONLY").ok();
    let (mut checks, mut findings) = (0, Vec::new());
    for def in OPS {
        if only.as_ref().is_some_and(|n| n != def.name) {
            continue;
        }
        let report = prove(def);
        checks += report.checks;
        findings.extend(report.findings);
    }
    println!("{checks} checks of {} operations", OPS.len());
    assert!(
        findings.is_empty(),
        "{} of {checks} checks failed:\n{}",
        findings.len(),
        findings.join("\n")
    );
}
